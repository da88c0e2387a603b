# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""The parent's side of the protocol, with the safetensors library as its codec."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch

from hymt2.golden.cases import GoldenDict
from hymt2.golden.table import Plan
from hymt2.golden.values import fill
from hymt2.torch_types import DTYPES

StateDict = dict[str, torch.Tensor]
PACKAGE = Path(__file__).parents[1]


def frame(body: bytes) -> bytes:
    return len(body).to_bytes(8, "little") + body


def request_frame(
    op: str,
    request: Mapping[str, Any] | None = None,
    tensors: StateDict | None = None,
    /,
    **changes: str,
) -> bytes:
    tensors = tensors or {}
    metadata = {
        "protocol": "hymt2-adapter/1",
        "id": "7",
        "op": op,
        "session": "s",
        "request": json.dumps(request or {}),
        "keys": json.dumps(list(tensors)),
    }
    return frame(safetensors.torch.save(tensors, metadata | changes))


@dataclass
class Answer:
    metadata: dict[str, str]
    tensors: StateDict = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return self.metadata["ok"] == "true"

    @property
    def changed(self) -> list[str]:
        return json.loads(self.metadata.get("changed_inputs", "[]"))


def read_answer(body: bytes) -> Answer:
    """A frame without its size."""
    size = int.from_bytes(body[:8], "little")
    metadata = json.loads(body[8 : 8 + size])["__metadata__"]
    # The library's loading into torch does not know every dtype.
    tensors = {name: _loaded(view) for name, view in safetensors.deserialize(body)}
    keys = json.loads(metadata.get("keys", "[]"))
    assert sorted(keys) == sorted(tensors)
    return Answer(metadata, {key: tensors[key] for key in keys})


def _loaded(view: Mapping[str, Any]) -> torch.Tensor:
    dtype = DTYPES[view["dtype"]]
    flat = torch.frombuffer(bytearray(view["data"]) or bytearray(8), dtype=dtype)
    return flat[: torch.Size(view["shape"]).numel()].reshape(view["shape"])


def split(stream: bytes) -> list[bytes]:
    bodies = []
    while stream:
        size = int.from_bytes(stream[:8], "little")
        bodies.append(stream[8 : 8 + size])
        assert len(bodies[-1]) == size
        stream = stream[8 + size :]
    return bodies


class Child:
    """A server in another process."""

    def __init__(self, *words: str, folder: Path | None = None) -> None:
        command = list(words) if words[0].endswith(".py") else ["-m", "hymt2", *words]
        self.process = subprocess.Popen(
            [sys.executable, *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=folder or PACKAGE,
            env=os.environ | {"PYTHONPATH": str(PACKAGE)},
        )

    def ask(self, op: str, *arguments: Any, **changes: str) -> Answer:
        return self.send(request_frame(op, *arguments, **changes))

    def send(self, data: bytes) -> Answer:
        stdin, stdout = self.process.stdin, self.process.stdout
        assert stdin and stdout
        stdin.write(data)
        stdin.flush()
        size = int.from_bytes(stdout.read(8), "little")
        return read_answer(stdout.read(size))

    def end(self, data: bytes = b"") -> tuple[int, bytes, str]:
        """Exit status, standard output and standard error after the last data."""
        out, err = self.process.communicate(data, timeout=120)
        return self.process.returncode, out, err.decode()


def plan_request(plan: Plan, **members: Any) -> dict[str, Any]:
    """A golden plan's setup as a request."""
    description = plan.description()
    config, options = description["config"], description["options"]
    sizes = plan.checkpoint().layout.sizes
    return {
        "model": description["family"],
        "config": config,
        "moe": {
            "n_routed_experts": sizes["E"],
            "moe_inter_dim": sizes["I"],
            "dim": sizes["H"],
            "expert_activation": options["activation"],
            "expert_bias": False,
        },
        "dtype": options["target_dtype"],
        "options": {
            name: options[name]
            for name in ("mtp_policy", "prefix", "completeness", "param_wrapper_layout")
        },
        "ep": description["parallelism"],
        "exclude_key_regex": description["exclusion"] or None,
    } | members


def plan_tensors(plan: Plan) -> StateDict:
    return as_torch(fill(plan.keys(), plan.contents, plan.target))


def as_torch(golden: GoldenDict) -> StateDict:
    return {
        key: torch.from_numpy(tensor.bits.copy()).view(DTYPES[tensor.dtype])
        for key, tensor in golden.items()
    }


def assert_same(found: StateDict, expected: StateDict) -> None:
    """Keys in order, types, shapes, bits."""
    assert list(found) == list(expected)
    for key, tensor in expected.items():
        other = found[key]
        assert (other.dtype, other.shape) == (tensor.dtype, tensor.shape), key
        assert bits(other) == bits(tensor), key


def bits(tensor: torch.Tensor) -> bytes:
    if not tensor.numel():
        return b""
    return tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
