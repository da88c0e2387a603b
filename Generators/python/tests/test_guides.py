# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""What readers copy works: every code block of a page is run, compiled or parsed, in its order."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from guides import TREE, Block, blocks, commands, pages
from safetensors import safe_open

from hymt2 import program
from hymt2.resources import resource

try:
    HYMT2 = program.find()
except program.ProgramError:
    pytest.skip("hymt2 is not there", allow_module_level=True)

ELSEWHERE = {
    r"pip install|python3 -m venv": "ci/wheel-test, ci/python-environment",
    r"\.?/?\.?ci/": "continuous integration, or by hand as the page says",
    r"swift (build|test|run)|export PATH": "continuous integration",
    r"pytest Generators/python": "this run",
    r"hymt2 bench": "BenchCommand's own tests",
    r".*make_layout_fixtures": "writes fixtures that other tests compare",
    r".*planted-faults|.*mutants list": "ci/mutants",
    r".*(golden propose|golden accept|golden diff /tmp)": "ci/regenerate-goldens",
    r".* regex-reference": "test_regexes.py",
    r".*make-checkpoint|.*(compare|logits|compare-folders) ckpt": "ci/cross-language",
    r"hymt2 convert --to (native ckpt|hf native back)": "ci/cross-language, and ReadmeTests",
    r"my-adapter <": "ProtocolPageTests",
    r"hymt2 convert --to (hf|native) lora": "PeftFolderTests",
}
"""Lines that something else runs, and what."""
FEWER = [(r"--time \d+m", "--time 2s"), (r"--examples \d+", "--examples 5"), (r"\[--filter TEXT\]", "--filter lora"),
         (r"/tmp/cases", "cases"), (r"my_module:MyAdapter", "my_adapter:MyAdapter"),
         (r"^pytest --hymt2-examples 1000 .*", "pytest test_my_adapter.py --hymt2-examples 5"),
         (r"verify --set goldens --adapter .*", "verify --set goldens")]  # fmt: skip
"""What a command does less of, or has in the place of what the page leaves to its reader."""
SHELL_ELSEWHERE = {"README.md", "docs/fuzzing.md", "docs/known-divergences-format.md"}
"""Pages of which lines of shell take long or leave more to their reader: ReadmeTests, ci/wheel-test and tests of these
commands run such."""
EXPECTED = {r"hymt2 (golden diff|diff before) ": 1}
"""Exit statuses other than 0."""


def home(folder: Path, page: Path) -> dict[str, str]:
    """A folder with what a page speaks of, and the environment of its shell."""
    tiny = TREE / "Tests/SafetensorsTests/Fixtures/tiny-hyv3"
    for name in ("Hy-MT2-30B-A3B", "Hy3", "before", "after"):
        shutil.copytree(tiny, folder / name)
    shard = next((folder / "after").glob("*.safetensors"))
    shard.write_bytes(shard.read_bytes()[:-1] + b"\x01")
    for name in ("config.json", "model.safetensors.index.json"):
        shutil.copy(tiny / name, folder)
    for name in ("Tests", "Generators", "Golden"):
        (folder / name).symlink_to(TREE / name)
    shutil.copy(TREE / "Sources/Layouts/Tables/qwen3_moe.yaml", folder)
    shutil.copy(TREE / "Sources/Layouts/Tables/qwen3_moe.yaml", folder / "my_model.yaml")
    if "python3 -m hymt2 example\n" not in page.read_text(encoding="utf-8"):
        for name in ("my_adapter.py", "test_my_adapter.py"):
            (folder / name).write_text(resource(f"Generators/python/examples/{name}").read_text())
    if page.name == "AddAFamily.md":
        qwen = TREE / "Tests/LayoutsTests/Fixtures/qwen3_moe"
        shutil.copy(qwen / "config.json", folder)
        with safe_open(qwen / "model.safetensors", "numpy") as tensors:
            index = {"metadata": {}, "weight_map": dict.fromkeys(tensors.keys(), "model.safetensors")}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    if page.name == "questions.md":
        subprocess.run([HYMT2, "convert", "--quiet", "--to", "native", "Hy3", "native"], cwd=folder, check=True)
    programs = folder / ".programs"
    programs.mkdir()
    (programs / "hymt2").symlink_to(Path(HYMT2).resolve())
    for name in ("python3", "pytest"):
        module = " -m pytest -p no:cacheprovider" if name == "pytest" else ""
        (programs / name).write_text(f"#!/bin/sh\nexec '{sys.executable}'{module} \"$@\"\n")
        (programs / name).chmod(0o755)
    path = f"{programs}:{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "HYMT2": str(HYMT2), "CI": "", "PYTHONPATH": f"{TREE}/Generators/python"}


def shell(block: Block, folder: Path, environment: dict[str, str]) -> list[str]:
    """What did not end as it should."""
    wrong = []
    for written in commands(block):
        if any(re.match(pattern, written) for pattern in ELSEWHERE):
            continue
        line = written
        for pattern, less in FEWER:
            line = re.sub(pattern, less, line)
        if re.match(r"hymt2 check ", line) and "--examples" not in line:
            line = re.sub("hymt2 check", "hymt2 check --examples 5", line)
        if is_broken(folder) and re.match("hymt2 check|pytest", line):
            expected = 1
        else:
            expected = next((status for pattern, status in EXPECTED.items() if re.match(pattern, line)), 0)
        done = subprocess.run(["sh", "-c", line], cwd=folder, env=environment, capture_output=True, text=True)
        if done.returncode != expected:
            wrong.append(f"{written}\n  {line}\n  expected status {expected}, found {done.returncode}\n"
                         f"{done.stdout[-1500:]}{done.stderr[-1500:]}")  # fmt: skip
    return wrong


def is_broken(folder: Path) -> bool:
    """Whether README's `sed` has planted a fault."""
    adapter = folder / "my_adapter.py"
    return adapter.exists() and "rows[::-1]" in adapter.read_text()


def swift(found: list[Block], page: Path, folder: Path) -> list[str]:
    """Type-checks the blocks of a page as one file, after what README takes for given: an adapter."""
    bin_path = subprocess.run(["swift", "build", "--show-bin-path"], cwd=TREE, capture_output=True, text=True)
    build = Path(bin_path.stdout.strip())
    text = "".join(block.text for block in found)
    if "MyAdapter()" in text and "struct MyAdapter:" not in text:
        article = TREE / "Sources/LawTesting/LawTesting.docc/AdapterInSwift.md"
        text = next(block.text for block in blocks(article) if block.language == "swift") + text
    if page.name == "property-engine.md":
        text = "import PropertyEngine\n" + text
    file = folder / "main.swift"
    file.write_text(text)
    info = json.loads(subprocess.check_output(["swift", "-print-target-info"]))
    plugins = Path(info["paths"]["runtimeResourcePath"]) / "host/plugins/testing"
    maps = [*build.glob("C*.build/module.modulemap"), TREE / "Sources/CHDF5/module.modulemap",
            TREE / ".build/checkouts/Yams/Sources/CYaml/include/module.modulemap"]  # fmt: skip
    flags = subprocess.check_output(["pkg-config", "--cflags-only-I", "hdf5"], text=True).split()
    words = ["swiftc", "-typecheck", "-swift-version", "6", "-I", str(build / "Modules"), "-plugin-path", str(plugins)]
    words += [word for flag in [*flags, *(f"-fmodule-map-file={path}" for path in maps)] for word in ("-Xcc", flag)]
    done = subprocess.run([*words, str(file)], capture_output=True, text=True)
    return [done.stderr[-3000:]] if done.returncode else []


def c(block: Block, folder: Path) -> list[str]:
    (folder / "read.c").write_text(block.text)
    line = "gcc read.c $(pkg-config --cflags --libs hdf5) -o read && ./read"
    done = subprocess.run(["sh", "-c", line], cwd=folder, capture_output=True, text=True)
    return [done.stderr] if done.returncode else []


def python(block: Block, folder: Path, environment: dict[str, str]) -> list[str]:
    """Compiles it; runs it if it takes nothing for given."""
    compile(block.text, "block", "exec")
    if "h5py" not in block.text:
        return []
    done = subprocess.run([sys.executable, "-c", block.text], cwd=folder, env=environment, capture_output=True, text=True)
    return [done.stderr] if done.returncode else []


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(TREE)))
def test_code_blocks_of_a_page_work(page: Path, tmp_path: Path) -> None:
    environment = home(tmp_path, page)
    wrong = []
    found = list(blocks(page))
    for block in found:
        match block.language:
            case "sh" if str(page.relative_to(TREE)) in SHELL_ELSEWHERE:
                said = []
            case "sh":
                said = shell(block, tmp_path, environment)
            case "python":
                said = python(block, tmp_path, environment)
            case "c":
                said = c(block, tmp_path)
            case "yaml":
                said = [] if isinstance(yaml.safe_load(block.text), dict) else ["no mapping"]
            case "json":
                said = [] if json.loads(block.text) else ["empty"]
            case "swift" | "text" | "hex" | "":
                said = []
            case other:
                said = [f"a block in '{other}', which nothing checks"]
        wrong += [f"line {block.line}: {text}" for text in said]
    if in_swift := [block for block in found if block.language == "swift"]:
        wrong += [f"Swift: {text}" for text in swift(in_swift, page, tmp_path)]
    assert not wrong, "\n".join(wrong)
