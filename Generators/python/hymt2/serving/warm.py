# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""Servers that are forked from one process in which torch and NeMo are imported already.

A server of NeMo's adapter with a fault takes long to start, and there are many faults. So each is
the child of a keeper, which has imported everything: a client that hymt2 starts hands its standard
streams to the keeper over a Unix socket and waits until the child has ended. The first client
starts the keeper, which ends when it has been idle for a while.
"""

import contextlib
import fcntl
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from hymt2.errors import OracleError

IDLE_SECONDS = 120
_START_SECONDS = 300
_LONGEST_ID = 4096
# By this variable hymt2 finds what a client has started, to end it; a keeper outlives its client.
_MARK = "HYMT2_ADAPTER_CHILD"


def serve_from(path: Path, mutant_id: str, layout: str | None = None) -> int:
    """Has the keeper at a socket serve this process's standard streams; gives the exit status."""
    with _connected(path) as connection:
        message = f"{mutant_id}\n{layout or ''}"
        socket.send_fds(connection, [message.encode()], [0, 1, 2])
        # The child writes its status as it ends; without one it was killed.
        status = connection.recv(1)
    return status[0] if status else 2


def _connected(path: Path) -> socket.socket:
    path.parent.mkdir(parents=True, exist_ok=True)
    with _locked(path.with_suffix(".lock")):
        if connection := _attempt(path):
            return connection
        log = path.with_suffix(".log")
        words = [sys.executable, "-m", "hymt2", "serve", "nemo", "--keep-warm", str(path)]
        with log.open("wb") as errors:
            # The shell ends at once, so that the keeper is no descendant of this process; nor does it
            # hold this one's streams, whose ends others wait for.
            subprocess.run(
                ["/bin/sh", "-c", '"$@" &', "sh", *words],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,
                env={name: value for name, value in os.environ.items() if name != _MARK},
                check=True,
            )
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if connection := _attempt(path):
                return connection
            time.sleep(0.05)
    raise OracleError(f"{path}: no keeper of warm servers answers there; {log} may say why")


def _attempt(path: Path) -> socket.socket | None:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.connect(str(path))
    except (FileNotFoundError, ConnectionRefusedError):
        connection.close()
        return None
    return connection


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def keep_warm(path: Path) -> int:
    """Forks a server for each client of a socket until there has been none for a while."""
    import hymt2.mutants.engine
    import hymt2.serving.nemo_backend  # noqa: F401

    hymt2.mutants.engine.load_adapters(None)
    path.unlink(missing_ok=True)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        try:
            listener.listen(128)
            while select.select([listener], [], [], IDLE_SECONDS)[0]:
                connection, _ = listener.accept()
                with connection:
                    if os.fork() == 0:
                        listener.close()
                        _serve(connection)
        finally:
            path.unlink(missing_ok=True)
    return 0


def _serve(connection: socket.socket) -> None:
    """Serves one client and ends this process."""
    from hymt2.serving.own_adapter import load
    from hymt2.serving.server import run

    status = 2
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        message, descriptors, _, _ = socket.recv_fds(connection, _LONGEST_ID, 3)
        for target, descriptor in enumerate(descriptors):
            os.dup2(descriptor, target)
            os.close(descriptor)
        threading.Thread(target=_end_with, args=[connection], daemon=True).start()
        mutant_id, _, layout = message.decode().partition("\n")
        status = run(lambda: load("nemo", mutant_id, layout or None))
    except OracleError as error:
        print(f"error: {error}", file=sys.stderr)
    finally:
        with contextlib.suppress(OSError):
            connection.send(bytes([status & 0xFF]))
        os._exit(status)


def _end_with(connection: socket.socket) -> None:
    """Ends this process when its client has gone, however busy it is."""
    connection.recv(1)
    os._exit(2)
