# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""The adapter's process as `hymt2` sees it: it hands frames on to the process of the tests.

So the adapter runs where the tests run, and a debugger or a measurement of coverage sees it.
"""

import os
import socket
import sys
import threading


def main() -> None:
    """Copies standard input to a socket, and what comes back to standard output."""
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(sys.argv[1])

    def forward() -> None:
        while chunk := os.read(0, 1 << 20):
            connection.sendall(chunk)
        connection.shutdown(socket.SHUT_WR)

    threading.Thread(target=forward, daemon=True).start()
    while chunk := connection.recv(1 << 20):
        while chunk:
            chunk = chunk[os.write(1, chunk) :]


if __name__ == "__main__":
    main()
