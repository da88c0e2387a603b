# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""What a program needs of the system that it runs on."""

import re
import subprocess
from pathlib import Path

# What PEP 600 lets every Linux of a tag have.
ALLOWED = {
    "libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1", "libgcc_s.so.1",
    "libstdc++.so.6", "libutil.so.1", "ld-linux-x86-64.so.2",
}  # fmt: skip


class PackagingError(Exception):
    """What cannot be shipped, and why."""


def platform_tag(program: Path) -> str:
    """The lowest manylinux tag that is true: by the newest glibc that a symbol is of."""
    text = _output("objdump", "-p", str(program))
    needed = set(re.findall(r"NEEDED +(\S+)", text))
    if foreign := sorted(needed - ALLOWED):
        raise PackagingError(f"{program}: needs {', '.join(foreign)}, which not every system has")
    symbols = _output("objdump", "-T", str(program))
    versions = {(int(major), int(minor)) for major, minor in re.findall(r"GLIBC_(\d+)\.(\d+)", symbols)}
    if not versions:
        raise PackagingError(f"{program}: expected symbols of glibc, found none")
    major, minor = max(versions)
    # GCC's library is as new as that of the oldest system with this glibc: 2.34 came with 11.
    newest = max(map(int, re.findall(r"GLIBCXX_3\.4\.(\d+)", symbols)), default=0)
    if (major, minor) < (2, 36) and newest > 29:
        raise PackagingError(f"{program}: GLIBCXX_3.4.{newest} is newer than glibc {major}.{minor}")
    return f"manylinux_{major}_{minor}_x86_64"


def _output(*words: str) -> str:
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout
