# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""The program `hymt2`, which checks laws."""

import functools
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path


class ProgramError(Exception):
    """`hymt2` is not there, or could not do what it was asked for."""


def find(given: str | None = None) -> str:
    """The path of the program: what is given, or HYMT2 says, or the wheel has, or is in PATH."""
    for text, source in ((given, "--hymt2"), (os.environ.get("HYMT2"), "HYMT2")):
        if text:
            found = shutil.which(text)
            if not found:
                raise ProgramError(f"{source}: expected a program, found '{text}'")
            return os.path.abspath(found)
    for path in _of_the_wheel():
        if os.access(path, os.X_OK):
            return str(path)
    found = shutil.which("hymt2")
    if not found:
        raise ProgramError(
            "hymt2 is not in PATH; put it there, set HYMT2 to its path, or give --hymt2"
        )
    return found


def _of_the_wheel() -> Iterator[Path]:
    """Where an installation of the wheel has the program, `pip install --target` included."""
    package = Path(__file__).parent
    try:
        files = metadata.files("hymt2") or []
    except metadata.PackageNotFoundError:
        return
    # An installation of other files than these has another version of the program.
    if any(Path(str(file.locate())) == Path(__file__) for file in files):
        yield from (
            Path(os.path.abspath(file.locate())) for file in files if file.parts[-2:] == ("bin", "hymt2")
        )
    yield package.parent / "bin" / "hymt2"


@functools.cache
def law_names(program: str) -> tuple[str, ...]:
    """The names of all laws, in the order of reports."""
    done = subprocess.run(
        [program, "check", "--list-laws", "--json"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ProgramError(done.stderr.strip() or f"{program} ended with {done.returncode}")
    return tuple(law["name"] for law in json.loads(done.stdout)["laws"])
