# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""Laws as tests of pytest. Needs the program: HYMT2, or hymt2 in PATH."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hymt2 import program
from hymt2.__main__ import run_command

ORACLE = Path(__file__).resolve().parents[1]

try:
    HYMT2 = program.find()
except program.ProgramError:
    pytest.skip("hymt2 is not there", allow_module_level=True)

ADAPTER = """
import re
import torch
from hymt2.testing import laws

EXPERT = re.compile(r"(.*experts)\\.(\\d+)\\.(gate|up|down)_proj\\.weight")

class Own:
    version = "1"
    supports = {"LoRA": ["none"], "expert parallelism": ["none"], "key prefix": ["model."],
                "target type": ["as the experts"], "unknown keys": ["none"]}

    def __init__(self, setup):
        self.experts, self.inner = setup.config.num_experts, setup.config.moe_intermediate_size

    def from_hf(self, state_dict):
        native, left = {}, dict(state_dict)
        for key in state_dict:
            match = EXPERT.fullmatch(key)
            name = match and f"{match[1]}.{'down_projs' if match[3] == 'down' else 'gate_and_up_projs'}"
            native.pop(name, None)
            native[name or key] = None if match else state_dict[key]
        for name in [name for name, tensor in native.items() if tensor is None]:
            base = name.rsplit(".", 1)[0]
            parts = ["down"] if name.endswith("down_projs") else ["gate", "up"]
            native[name] = torch.stack([
                torch.cat([state_dict[f"{base}.{e}.{p}_proj.weight"].T for p in parts], dim=-1)
                for e in range(self.experts)])
        return native

    def to_hf(self, state_dict, exclude_key_regex=None):
        hf = {}
        for key, tensor in state_dict.items():
            base, _, kind = key.rpartition(".")
            if kind not in ("gate_and_up_projs", "down_projs"):
                hf[key] = tensor
                continue
            for e, rows in enumerate(tensor):
                parts = {"down": rows} if kind == "down_projs" else {
                    "gate": rows[:, :self.inner], "up": rows[:, self.inner:]}
                for part, half in parts.items():
                    hf[f"{base}.{e}.{part}_proj.weight"] = half.T
        return {k: t for k, t in hf.items()
                if not exclude_key_regex or not re.match(exclude_key_regex, k)}

    def is_mtp_key(self, key):
        return False
"""


def pytest_run(folder: Path, *arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "hymt2.pytest_plugin", "-q", *arguments],
        cwd=folder,
        # Where the package is installed, pytest would find the plugin a second time.
        env=os.environ
        | {"PYTHONPATH": str(ORACLE), "HYMT2": HYMT2, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def write(folder: Path, adapter: str, call: str) -> Path:
    path = folder / "test_own.py"
    path.write_text(f"{adapter}\n\ntest_laws = {call}\n")
    return path


CALL = "laws(Own, layout='qwen3_moe', examples=12, without=['invalid-input'])"


def test_an_adapter_that_obeys_all_laws_passes_one_test_for_each(tmp_path: Path) -> None:
    write(tmp_path, ADAPTER, CALL)
    status, text = pytest_run(tmp_path)
    assert status == 0, text
    passed = re.search(r"(\d+) passed, (\d+) skipped", text)
    assert passed and int(passed[1]) + int(passed[2]) == len(program.law_names(HYMT2)) - 1, text


def test_a_fault_fails_its_law_with_the_screen_and_a_command_that_replays_it(
    tmp_path: Path,
) -> None:
    halves = ADAPTER.replace('["gate", "up"]', '["up", "gate"]').replace(
        '"gate": rows[:, :self.inner], "up": rows[:, self.inner:]',
        '"up": rows[:, :self.inner], "gate": rows[:, self.inner:]',
    )
    assert halves != ADAPTER
    write(tmp_path, halves, CALL)
    junit = tmp_path / "junit.xml"
    status, text = pytest_run(tmp_path, f"--junit-xml={junit}")
    assert status == 1, text
    assert "test_laws[elements]" in text and "halves are swapped" in text, text
    assert "Traceback" not in text, text
    replay = re.search(r"hymt2 replay (\S+)", text)
    assert replay, text
    assert re.search(r"python3 -m hymt2 serve\s+(\\\s+)?test_own:Own", text), text
    assert "halves are swapped" in junit.read_text()


def test_options_go_before_what_the_test_says(tmp_path: Path) -> None:
    write(tmp_path, ADAPTER, CALL)
    status, text = pytest_run(tmp_path, "--hymt2-examples=0")
    assert status == 1 and "examples" in text, text
    status, text = pytest_run(tmp_path, "--hymt2=no-such-program")
    assert status == 1 and "no-such-program" in text, text


def test_the_adapter_runs_in_the_process_of_the_tests(tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    counting = ADAPTER.replace(
        "        native, left = {}, dict(state_dict)",
        f"        import os; open({str(seen)!r}, 'a').write(f'{{os.getpid()}}\\n')\n"
        "        native, left = {}, dict(state_dict)",
    )
    assert counting != ADAPTER
    path = write(tmp_path, counting, CALL)
    path.write_text(path.read_text() + "\n\ndef test_process():\n    import os\n"
                    f"    assert set(open({str(seen)!r}).read().split()) == {{str(os.getpid())}}\n")
    status, text = pytest_run(tmp_path)
    assert status == 0, text


@pytest.mark.parametrize("example", ["my_adapter", "torchtitan", "nemo"])
def test_the_examples_pass_where_they_are_written(example: str, tmp_path: Path) -> None:
    assert run_command(["example", example, "--out", str(tmp_path)]) == 0
    status, text = pytest_run(tmp_path, "--hymt2-examples=10")
    assert status == 0, text
    assert run_command(["example", example, "--out", str(tmp_path)]) == 2


def test_a_fault_of_the_example_is_named_within_20_seconds(tmp_path: Path) -> None:
    assert run_command(["example", "--out", str(tmp_path)]) == 0
    adapter = tmp_path / "my_adapter.py"
    right = adapter.read_text()
    adapter.write_text(right.replace("torch.stack(rows)", "torch.stack(rows[::-1])"))
    assert adapter.read_text() != right
    start = time.monotonic()
    status, text = pytest_run(tmp_path)
    assert status == 1 and "experts are exchanged when loading" in text, text
    # The machine may have other work: what a person waits is measured by ci/wheel-test.
    assert time.monotonic() - start < 120


def test_loading_the_plugin_imports_nothing_slow_and_hides_no_gpu() -> None:
    code = (
        "import os, sys; import hymt2.pytest_plugin; "
        "assert 'CUDA_VISIBLE_DEVICES' not in os.environ; "
        "print([m for m in ('torch', 'numpy', 'yaml', 'hymt2.serving') if m in sys.modules])"
    )
    environment = {k: v for k, v in os.environ.items() if k != "CUDA_VISIBLE_DEVICES"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment | {"PYTHONPATH": str(ORACLE)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "[]\n"


def test_an_adapter_is_served_without_numpy_and_yaml() -> None:
    code = (
        "import sys; sys.modules['numpy'] = sys.modules['yaml'] = None; "
        "import hymt2.commands.serve, hymt2.serving.own_adapter, hymt2.serving.server"
    )
    subprocess.run([sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": str(ORACLE)}, check=True)


def test_the_module_goes_on_as_the_program() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hymt2", "check", "--list-laws", "--json"],
        env=os.environ | {"PYTHONPATH": str(ORACLE), "HYMT2": HYMT2},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert [law["name"] for law in json.loads(done.stdout)["laws"]] == list(program.law_names(HYMT2))
