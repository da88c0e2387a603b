# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""The code blocks of README.md, of the guides and of DocC's articles."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TREE = Path(__file__).resolve().parents[3]
PROGRAMS = ("hymt2 ", "python3 ", "pytest", "pip ", "sed ", "cp ", "./ci/", ".ci/", "ci/", "swift ", "export ", "HYMT2_")
"""What lines of shell begin with; other lines of an indented block are what is printed."""


@dataclass(frozen=True)
class Block:
    """A fenced or an indented block; the language of the latter is `sh`, or empty for output."""

    line: int
    language: str
    text: str


def pages() -> list[Path]:
    """All but the lists of known divergences, which are made, and whose cases other tests replay."""
    guides = [path for path in (TREE / "docs").glob("*.md")
              if not re.fullmatch(r"known-divergences(-(?!format).*)?\.md|upstream\.md", path.name)]  # fmt: skip
    others = ("README.md", "CONTRIBUTING.md", "Golden/README.md", "Generators/python/README.md")
    return sorted([*guides, *(TREE / "Sources").glob("*/*.docc/*.md"), *(TREE / name for name in others)])


def blocks(page: Path) -> Iterator[Block]:
    lines = page.read_text(encoding="utf-8").splitlines()
    at = 0
    while at < len(lines):
        start = at
        if lines[at].startswith("```"):
            at = lines.index("```", start + 1)
            yield Block(start + 1, lines[start][3:], "\n".join(lines[start + 1 : at]) + "\n")
        elif lines[at].startswith("    ") and (at == 0 or not lines[at - 1] or lines[at - 1].startswith("```")):
            while at + 1 < len(lines) and (lines[at + 1].startswith("    ") or not lines[at + 1]):
                at += 1
            text = "\n".join(line[4:] for line in lines[start : at + 1]) + "\n"
            yield Block(start + 1, "sh" if text.startswith((*PROGRAMS, "$ ")) else "", text)
        at += 1


def commands(block: Block) -> Iterator[str]:
    """Lines of shell with their continuations, without what is printed after a prompt."""
    whole = block.text.replace("\\\n", "").splitlines()
    if block.text.startswith("$ "):
        whole = [line[2:] for line in whole if line.startswith("$ ")]
    for line in whole:
        if line.strip():
            yield re.sub(r"\s+# .*", "", line).strip()
