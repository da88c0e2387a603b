# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""The program `hymt2`, which checks laws."""

import functools
import json
import os
import shutil
import subprocess


class ProgramError(Exception):
    """`hymt2` is not there, or could not do what it was asked for."""


def find(given: str | None = None) -> str:
    """The path of the program: what is given, or what HYMT2 says, or what is in PATH."""
    for text, source in ((given, "--hymt2"), (os.environ.get("HYMT2"), "HYMT2")):
        if text:
            found = shutil.which(text)
            if not found:
                raise ProgramError(f"{source}: expected a program, found '{text}'")
            return os.path.abspath(found)
    found = shutil.which("hymt2")
    if not found:
        raise ProgramError(
            "hymt2 is not in PATH; put it there, set HYMT2 to its path, or give --hymt2"
        )
    return found


@functools.cache
def law_names(program: str) -> tuple[str, ...]:
    """The names of all laws, in the order of reports."""
    done = subprocess.run(
        [program, "check", "--list-laws", "--json"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ProgramError(done.stderr.strip() or f"{program} ended with {done.returncode}")
    return tuple(law["name"] for law in json.loads(done.stdout)["laws"])
