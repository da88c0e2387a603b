# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""How long an adapter takes for recorded requests, without any process between."""

import gc
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

from hymt2_oracle.serving.backend import Backend
from hymt2_oracle.serving.errors import RequestError
from hymt2_oracle.serving.requests import read_id, read_request
from hymt2_oracle.serving.server import Server
from hymt2_oracle.serving.streams import read_frames


def time_requests(backend: Backend, file: Path) -> dict[str, Any]:
    """Seconds of decoding, of the adapter's calls and of encoding, for a file of frames."""
    with file.open("rb") as stream:
        frames = list(read_frames(stream))
    server = Server(backend, sessions=sys.maxsize)
    gc.freeze()
    start = perf_counter()
    calls = []
    for frame in frames:
        request = read_request(*read_id(frame), len(frame))
        if request.op != "hello":
            calls.append(server.decode(request, frame))
    decoded = perf_counter()
    if not calls:
        raise RequestError("there is no request for the adapter")
    sessions = [server.session(call.request) for call in calls]
    opened = perf_counter()
    results: list[Any] = []
    for call, session in zip(calls, sessions):
        try:
            results.append(call.run(session))
        except Exception as error:
            results.append(error)
    converted = perf_counter()
    refused = 0
    for call, result in zip(calls, results):
        if isinstance(result, Exception):
            server.refusal(call.request.id, result, call)
            refused += 1
        else:
            server.encode(call, result)
    encoded = perf_counter()
    return {
        "requests": len(calls),
        "refused": refused,
        "seconds": converted - opened,
        "perSecond": len(calls) / (converted - opened),
        "decodeSeconds": decoded - start,
        "encodeSeconds": encoded - converted,
    }
