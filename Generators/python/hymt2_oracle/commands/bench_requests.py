# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""bench-requests."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

NAME = "bench-requests"
SUMMARY = "time an adapter in this process on recorded requests"
DETAILS = (
    "FILE holds request frames of docs/adapter-protocol.md one after the other. Prints JSON:\n"
    "`requests`, the `seconds` of the adapter's calls alone and how many `perSecond` that is, and\n"
    "apart from it `decodeSeconds` and `encodeSeconds`. `refused` calls raised an error."
)


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("adapter", metavar="ADAPTER", help="nemo, numpy or MODULE:OBJECT")
    parser.add_argument("file", metavar="FILE", type=Path)


def run(arguments: Namespace) -> int:
    from hymt2_oracle.errors import OracleError
    from hymt2_oracle.report import print_json
    from hymt2_oracle.serving.bench import time_requests
    from hymt2_oracle.serving.errors import RequestError, StreamError
    from hymt2_oracle.serving.own_adapter import load

    try:
        results = time_requests(load(arguments.adapter), arguments.file)
    except (OSError, RequestError, StreamError) as error:
        raise OracleError(f"{arguments.file}: {error}") from error
    print_json(NAME, results)
    return 0
