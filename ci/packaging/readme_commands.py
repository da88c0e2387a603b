# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""Runs the commands of README.md's parts for Python, as someone does who has only Python.

After a `sed` that plants a fault, commands must find it.
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

HOME = Path(__file__).parent
PARTS = ("## Start", "## I own an adapter in Python")
FAULT = "experts are exchanged when loading"
BOUNDS = {"pip": 60, "hymt2 demo": 60, "pytest": 20}
"""Seconds that some commands may take; the first two together 60."""


def commands() -> list[str]:
    """The indented lines of the parts, but for those that need NeMo or show a session."""
    found, is_part, is_code = [], False, False
    for line in (HOME / "README.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            is_part = line in PARTS
        is_code ^= line.startswith("```")
        if is_part and not is_code and line.startswith("    ") and not line.startswith(("    $", "     ")):
            found.append(line.strip())
    return [line for line in found if "nemo" not in line]


def run(line: str, environment: dict[str, str], is_faulty: bool) -> float:
    start = time.monotonic()
    done = subprocess.run(
        ["sh", "-c", line], cwd=HOME / "work", env=environment, capture_output=True, text=True
    )
    seconds = time.monotonic() - start
    text = done.stdout + done.stderr
    print(f"{seconds:6.1f} s  {line}", flush=True)
    if done.returncode != (1 if is_faulty else 0) or is_faulty and FAULT not in text:
        sys.exit(f"{line}: ended with {done.returncode}\n{text}")
    if any(line.startswith(start) and seconds > bound for start, bound in BOUNDS.items()):
        sys.exit(f"{line}: took {seconds:.1f} s")
    return seconds


def main() -> None:
    for program in ("swift", "h5dump"):
        if shutil.which(program):
            sys.exit(f"expected a system without {program}, found one")
    (HOME / "work").mkdir()
    subprocess.run([sys.executable, "-m", "venv", HOME / "venv"], check=True)
    environment = os.environ | {
        "PATH": f"{HOME}/venv/bin:{os.environ['PATH']}", "VIRTUAL_ENV": f"{HOME}/venv",
    }  # fmt: skip
    is_faulty, first = False, 0.0
    lines = commands()
    if len(lines) < 7:
        sys.exit(f"README.md: expected at least seven commands, found {lines}")
    for line in lines:
        if "torch" in line:
            # They are there already: the packages of the tree's .venv, which is of the same Python.
            site = next((HOME / "venv/lib").glob("python3.*/site-packages"))
            (site / "packages.pth").write_text("/packages\n")
            (HOME / "venv/bin/pytest").write_text(
                f"#!{HOME}/venv/bin/python3\nimport pytest\nraise SystemExit(pytest.console_main())\n"
            )
            (HOME / "venv/bin/pytest").chmod(0o755)
            continue
        is_check = line.startswith(("hymt2 check", "pytest"))
        seconds = run(line, environment, is_faulty and is_check)
        is_faulty = is_faulty or line.startswith("sed ")
        if line.startswith(("pip ", "hymt2 demo")):
            first += seconds
    if first > 60:
        sys.exit(f"pip install and hymt2 demo took {first:.1f} s")
    print(f"{len(lines)} passed, 0 failed")


main()
