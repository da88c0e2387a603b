# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""Writes the manual page hymt2.1 of the help that every command has.

    python3 ci/packaging/manual.py PROGRAM VERSION > hymt2.1
"""

import json
import subprocess
import sys


def help_of(program: str, words: list[str]) -> str:
    return subprocess.check_output([program, *words, "--help"], text=True)


def names(command: dict, words: list[str]) -> list[list[str]]:
    """Every command with words that lead to it, in the order of the help."""
    found = [words]
    for member in command.get("subcommands", []):
        if member["commandName"] != "help":
            found += names(member, [*words, member["commandName"]])
    return found


def escaped(text: str) -> str:
    lines = text.rstrip().replace("\\", "\\e").replace("-", "\\-").splitlines()
    return "\n".join("\\&" + line if line[:1] in (".", "'") else line for line in lines)


def page(program: str, version: str) -> str:
    dump = json.loads(subprocess.check_output([program, "--experimental-dump-help"]))
    parts = [f'.TH HYMT2 1 "" "hymt2 {version}"', ".SH NAME",
             f"hymt2 \\- {escaped(dump['command']['abstract'])}"]  # fmt: skip
    for words in names(dump["command"], []):
        parts += [f".SH {' '.join(['hymt2', *words]).upper()}", ".nf", escaped(help_of(program, words)), ".fi"]
    return "\n".join(parts) + "\n"


print(page(*sys.argv[1:3]), end="")
