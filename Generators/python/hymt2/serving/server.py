# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""Answers to requests."""

import gc
import json
import os
import sys
import traceback
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from hymt2.serving.backend import Backend, Session
from hymt2.serving.codec import Piece, encode_frame
from hymt2.serving.errors import AnswerError, StreamError
from hymt2.serving.requests import PROTOCOL, Request, read_id, read_request, setup_of
from hymt2.serving.streams import claim_standard_streams, read_frames, write_all

SESSIONS = 64
# Where the code of this package and of Python itself is; "<" begins the names of what has no file.
LIBRARIES = (os.path.dirname(os.path.dirname(__file__)), os.path.dirname(os.__file__), "<")
Value = TypeVar("Value")


class Recent(Generic[Value]):
    """The values used last."""

    def __init__(self, limit: int = SESSIONS) -> None:
        self._limit = limit
        self._values: dict[Hashable, Value] = {}

    def get(self, key: Hashable, make: Callable[[], Value]) -> Value:
        value = self._values.pop(key) if key in self._values else make()
        self._values[key] = value
        if len(self._values) > self._limit:
            del self._values[next(iter(self._values))]
        return value


@dataclass(slots=True)
class Call:
    """A request with its tensors, which the adapter may spoil."""

    request: Request
    original: memoryview
    data: bytearray
    given: dict[str, Any]
    tensors: list[Any]
    """Those given, in the order of the request's entries."""

    def run(self, session: Session) -> Any:
        """The adapter's own work, and nothing else."""
        request = self.request
        if request.op == "from_hf":
            return session.from_hf(self.given, request.ep)
        if request.op == "to_hf":
            return session.to_hf(self.given, request.exclude, request.ep)
        if request.op == "is_mtp_key":
            return session.is_mtp_key(request.fqn)
        return session.convert_single_tensor_to_hf(
            request.fqn, self.given[request.fqn], request.exclude, request.ep
        )


class Server:
    """Takes frames without their sizes, gives frames with them."""

    def __init__(self, backend: Backend, tracebacks: bool = False, sessions: int = SESSIONS):
        self.backend = backend
        self.tracebacks = tracebacks
        self.sessions: Recent[Session] = Recent(sessions)

    def answer(self, buffer: bytes) -> bytes:
        """Throws StreamError if the frame has no id that could be answered."""
        id, header = read_id(buffer)
        call = None
        try:
            request = read_request(id, header, len(buffer))
            if request.op == "hello":
                return encode_frame({**_answer(id, True), **self._introduction()}, [])
            call = self.decode(request, buffer)
            return self.encode(call, call.run(self.session(request)))
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            if self.tracebacks:
                traceback.print_exc(file=sys.stderr)
            return self.refusal(id, error, call)

    def session(self, request: Request) -> Session:
        """The request's adapter, made if it is not there."""
        return self.sessions.get(request.session, lambda: self.backend.open(setup_of(request)))

    def decode(self, request: Request, buffer: bytes) -> Call:
        original = memoryview(buffer)[request.data_start :]
        data = bytearray(original)
        view = self.backend.library.view
        tensors = [view(data, entry) for entry in request.entries]
        given = {entry.name: tensor for entry, tensor in zip(request.entries, tensors)}
        return Call(request, original, data, given, tensors)

    def encode(self, call: Call, result: Any) -> bytes:
        metadata = _answer(call.request.id, True)
        pieces: list[Piece] = []
        if call.request.op == "is_mtp_key":
            metadata["is_mtp"] = "true" if result else "false"
        else:
            is_single = call.request.op == "convert_single_tensor_to_hf"
            pieces = self._pieces(result, is_single)
            if pieces:
                metadata["keys"] = json.dumps([piece.name for piece in pieces])
        return encode_frame(metadata | self._changes(call), pieces)

    def refusal(self, id: str, error: BaseException, call: Call | None) -> bytes:
        metadata = _answer(id, False)
        metadata["error_type"] = type(error).__qualname__
        try:
            metadata["error_message"] = str(error)
        except Exception:
            metadata["error_message"] = "the error has no text"
        if place := _place(error):
            metadata["error_place"] = place
        return encode_frame(metadata | (self._changes(call) if call else {}), [])

    def _introduction(self) -> dict[str, str]:
        backend = self.backend
        members = {"name": backend.name}
        if backend.version is not None:
            members["version"] = backend.version
        if backend.supports is not None:
            members["supports"] = json.dumps(backend.supports)
        for member, value in backend.introduction.items():
            members[member] = value if isinstance(value, str) else json.dumps(value)
        return members

    def _pieces(self, result: Any, is_single: bool) -> list[Piece]:
        expected = "a list of pairs" if is_single else "a dict"
        if not is_single and not isinstance(result, Mapping):
            raise AnswerError(f"expected {expected}, found {type(result).__name__}")
        try:
            pairs = [(name, tensor) for name, tensor in (result if is_single else result.items())]
        except (TypeError, ValueError) as error:
            raise AnswerError(f"expected {expected}: {error}") from error
        for name, _ in pairs:
            if not isinstance(name, str):
                raise AnswerError(f"expected a string as a key, found {name!r}")
        piece = self.backend.library.piece
        return [piece(name, tensor) for name, tensor in pairs]

    def _changes(self, call: Call) -> dict[str, str]:
        """What the adapter did to what it was given."""
        entries, given = call.request.entries, call.given
        is_as_given = self.backend.library.is_as_given
        changed = {
            entry.name
            for entry, tensor in zip(entries, call.tensors)
            if given.get(entry.name) is not tensor or not is_as_given(tensor, entry)
        }
        if call.data != call.original:
            for name, _, _, begin, end in entries:
                if call.data[begin:end] != call.original[begin:end]:
                    changed.add(name)
        names = [entry.name for entry in entries]
        if list(given) != names:
            changed.update(map(str, given.keys() - set(names)))
            changed.update(old for old, new in zip(names, given) if old != new)
        # `names` has them in order; what is not in it came from the adapter.
        ordered = [name for name in names if name in changed] + sorted(changed - set(names))
        return {"changed_inputs": json.dumps(ordered)} if ordered else {}


def _place(error: BaseException) -> str | None:
    """The last line of the user's own code that an error came through."""
    places = [
        f"{os.path.relpath(frame.filename)}:{frame.lineno}"
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith(LIBRARIES) and "site-packages" not in frame.filename
    ]
    return places[-1] if places else None


def _answer(id: str, ok: bool) -> dict[str, str]:
    return {"protocol": PROTOCOL, "id": id, "ok": "true" if ok else "false"}


def run(make_backend: Callable[[], Backend], tracebacks: bool = False) -> int:
    """Serves standard input until it ends; gives the exit status.

    The backend is made when the streams are safe from what it prints.
    """
    import hymt2.offline  # noqa: F401

    requests, answers = claim_standard_streams()
    try:
        server = Server(make_backend(), tracebacks)
        # What is loaded by now stays: it need not be searched for garbage again and again.
        gc.freeze()
        for frame in read_frames(requests):
            write_all(answers, server.answer(frame))
    except (StreamError, MemoryError) as error:
        print(f"error: {error or 'out of memory'}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        print("error: nobody reads the answers", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0
