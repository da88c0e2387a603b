# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""Adapters that behave well or badly, for MODULE:OBJECT."""

import os
import sys
from typing import Any

import torch

from hymt2.serving import Setup

StateDict = dict[str, torch.Tensor]
print("printed while importing")


class Identity:
    """Gives back what it gets; counts how often it was called."""

    version = 3
    supports = {"LoRA": ["none"]}
    layout = "qwen3_moe"

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.calls = 0

    def from_hf(self, state_dict: StateDict) -> StateDict:
        self.calls += 1
        ep = self.setup.ep or (-1, -1)
        return state_dict | {"calls": torch.tensor([self.calls, *ep])}

    def to_hf(self, state_dict: StateDict) -> StateDict:
        return {f"on disk {key}": tensor for key, tensor in state_dict.items()}


class Printing(Identity):
    """Writes to standard output in all ways, and reads what is not for it."""

    def from_hf(self, state_dict: StateDict) -> StateDict:
        print("stray text")
        os.write(1, b"stray bytes\n")
        os.system("echo a stray child")
        assert sys.stdin.read() == ""
        return state_dict


class Failing:
    def __init__(self, setup: Setup) -> None:
        self.setup = setup

    def from_hf(self, state_dict: StateDict) -> Any:
        (kind,) = state_dict
        if kind == "SystemExit":
            sys.exit(5)
        if kind == "Mute":
            raise Mute
        if kind == "ZeroDivisionError":
            return 1 // 0
        values = {"no dict": [1], "number": {"a": 1}, "key": {3: torch.ones(1)}}
        return values[kind]

    def convert_single_tensor_to_hf(self, fqn: str, tensor: torch.Tensor) -> Any:
        return {"pairs": [(fqn, tensor), (fqn, tensor)], "None": None}.get(fqn, [(fqn,)])


class Mute(Exception):
    def __str__(self) -> str:
        raise ValueError


class Spoiling(Failing):
    """Changes what it is given, as the only key's name says."""

    def from_hf(self, state_dict: StateDict) -> StateDict:
        last = list(state_dict)[-1]
        tensor = state_dict[last]
        if last == "in place":
            tensor.add_(1)
        elif last == "popped":
            return {"x": state_dict.pop(last)}
        elif last == "replaced":
            state_dict[last] = tensor.clone()
        elif last == "added":
            state_dict["more"] = tensor
        elif last == "moved":
            state_dict["a"] = state_dict.pop("a")
        elif last == "transposed":
            tensor.t_()
        elif last == "shaped":
            tensor.squeeze_(0)
        elif last == "raised":
            tensor.zero_()
            raise RuntimeError
        return {}


def broken(setup: Setup) -> None:
    raise LookupError("no such model")


def partly(setup: Setup) -> Identity:
    return Identity(setup)


value = 3
