# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""What a request asks for."""

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from hymt2.serving.codec import Entry, Header, ordered_entries, read_header
from hymt2.serving.errors import RequestError, StreamError
from hymt2.widths import WIDTHS

PROTOCOL = "hymt2-adapter/1"
WITH_MOE = ("hy_mt2", "hy_v3")
"""The layouts of the protocol's first servers, whose requests always have the member `moe`."""
OPERATIONS = ("hello", "from_hf", "to_hf", "convert_single_tensor_to_hf", "is_mtp_key")


class ExpertParallelism(NamedTuple):
    """Rank `rank` of an expert-parallel group of `size`."""

    rank: int
    size: int


@dataclass(frozen=True, slots=True)
class Request:
    """A request without its tensors' bytes."""

    id: str
    op: str
    session: str
    text: str
    """The member `request` as it came."""
    entries: list[Entry]
    data_start: int
    ep: ExpertParallelism | None
    exclude: str | None
    fqn: str


def read_id(buffer: bytes) -> tuple[str, Header]:
    """Whose answer is due."""
    try:
        header = read_header(buffer)
        return header.metadata["id"], header
    except KeyError:
        raise StreamError("a frame without an id") from None
    except ValueError as error:
        raise StreamError(f"no frame: {error}") from None


def read_request(id: str, header: Header, size: int) -> Request:
    """Throws RequestError if it is none of this protocol."""
    metadata = header.metadata
    if metadata.get("protocol") != PROTOCOL:
        raise RequestError(f"expected the protocol {PROTOCOL}, found {metadata.get('protocol')}")
    op = metadata.get("op", "")
    if op not in OPERATIONS:
        raise RequestError(f"expected an op of {', '.join(OPERATIONS)}, found {op!r}")
    text = metadata.get("request", "{}")
    members = _members(text)
    keys = _json(metadata.get("keys", "[]"))
    if not isinstance(keys, list) or not all(type(key) is str for key in keys):
        raise RequestError("keys is no list of strings")
    entries = ordered_entries(header, keys, size - header.data_start)
    exclude, fqn = members.get("exclude_key_regex"), members.get("fqn") or ""
    if not isinstance(exclude, str | None) or not isinstance(fqn, str):
        raise RequestError("exclude_key_regex and fqn must be strings or null")
    if op == "convert_single_tensor_to_hf" and keys != [fqn]:
        raise RequestError(f"expected one tensor, {fqn!r}, found {keys}")
    session = metadata.get("session", "")
    ep = _parallelism(members.get("ep"))
    return Request(id, op, session, text, entries, header.data_start, ep, exclude, fqn)


def setup_of(request: Request) -> dict[str, Any]:
    """The request's members, for the adapter to keep and change as it likes."""
    members: dict[str, Any] = json.loads(request.text)
    shapes: dict[str, type] = dict(model=str, config=dict, moe=dict, dtype=str, options=dict)
    if members.get("model") not in WITH_MOE:
        members.setdefault("moe", {})
    for name, kind in shapes.items():
        if not isinstance(members.get(name), kind):
            raise RequestError(f"request: {name} is missing or of another type")
    if members["dtype"] not in WIDTHS:
        raise RequestError(f"request: there is no dtype {members['dtype']!r}")
    return members


@lru_cache(maxsize=64)
def _members(text: str) -> dict[str, Any]:
    members = _json(text)
    if not isinstance(members, dict):
        raise RequestError("request is no JSON object")
    return members


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RequestError(f"no JSON: {error}") from None


def _parallelism(member: Any) -> ExpertParallelism | None:
    if member is None:
        return None
    rank, size = (member.get("rank"), member.get("size")) if isinstance(member, dict) else (0, 0)
    if type(rank) is not int or type(size) is not int or not 0 <= rank < size:
        raise RequestError(f"ep: expected a rank below a size, found {member}")
    return ExpertParallelism(rank, size)
