# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""A run of `hymt2 check` on an adapter in this process."""

import os
import shlex
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hymt2.serving.backend import Backend
from hymt2.serving.errors import StreamError
from hymt2.serving.server import Server
from hymt2.serving.streams import read_frames
from hymt2.program import ProgramError


@dataclass(frozen=True)
class Verdict:
    """What became of a law."""

    failure: str | None = None
    """What is wrong, on one screen, with the command that replays it."""
    skipped: str | None = None
    """Why it was not checked."""


def check(
    program: str, backend: Backend, arguments: list[str], report: Path, served: str
) -> None:
    """Checks all laws and writes the report in JUnit's format.

    Commands in it that replay a checkpoint start the adapter by `served`.
    """
    with tempfile.TemporaryDirectory(prefix="hymt2-") as folder:
        address = os.path.join(folder, "adapter")
        with serving(address, lambda: Server(backend)):
            # Without the site and this package, which take longer to import than to run.
            relay = [sys.executable, "-I", "-S", str(Path(__file__).with_name("relay.py")), address]
            written = Path(folder) / "report.xml"
            command = [program, "check", "--keep-going", "--quiet", "--color", "never"]
            # Adapters may keep state in the process, such as a process group: one call at a time.
            command += ["--adapter", shlex.join(relay), "--adapter-children", "1"]
            command += ["--junit", str(written), *arguments]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode not in (0, 1) or not written.exists():
                raise ProgramError(
                    done.stderr.strip() or f"{program} ended with {done.returncode}"
                )
            # A reader in another process sees the whole report or none.
            unfinished = report.with_suffix(f".{os.getpid()}")
            text = written.read_text(encoding="utf-8")
            for command in (shlex.join(relay), _escaped(shlex.join(relay))):
                text = text.replace(command, served)
            unfinished.write_text(text, encoding="utf-8")
            unfinished.replace(report)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("'", "&#39;")


def verdicts(report: Path) -> dict[str, Verdict]:
    """What a report says of each law."""
    result: dict[str, Verdict] = {}
    for case in ElementTree.parse(report).getroot().iter("testcase"):
        failures = [f"{node.text or node.get('message')}" for node in case.findall("failure")]
        skipped = case.find("skipped")
        result[case.get("name", "")] = Verdict(
            "\n\n".join(failures) or None,
            None if skipped is None else skipped.get("message", "not checked"),
        )
    return result


class serving:
    """Answers at a socket while a block runs, each connection in a thread of its own."""

    def __init__(self, address: str, make_server: Callable[[], Server]) -> None:
        self._make_server = make_server
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(address)
        self._listener.listen()

    def __enter__(self) -> None:
        threading.Thread(target=self._accept, name="hymt2 adapter", daemon=True).start()

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb", buffering=1 << 20) as requests:
            try:
                server = self._make_server()
                for frame in read_frames(requests):
                    connection.sendall(server.answer(frame))
            except (StreamError, BrokenPipeError, ConnectionResetError):
                pass
            except BaseException:
                traceback.print_exc()
