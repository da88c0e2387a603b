# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""What the adapter in NumPy would lose without a word, refused beforehand.

What it cannot convert at all, such as an incomplete group, ends in an error of its own.
"""

import re

from hymt2.golden.cases import GoldenDict
from hymt2.numpy_adapter import FUSED, GROUP, LAYER, PART, SCALE, NumPyAdapter, renamed


def refuse_loss_on_loading(adapter: NumPyAdapter, hf: GoldenDict, layers: int) -> None:
    """Throws ValueError naming keys that no native tensor would hold, or the same one twice.

    `layers` counts MTP layers too.
    """
    lost = []
    names = set()
    fused = {_fused_group(match) for key in hf if (match := FUSED.fullmatch(key))}
    for key in hf:
        if adapter.drops_mtp and adapter.is_mtp_key(key):
            match = LAYER.fullmatch(key)
            if match and int(match[2]) >= layers:
                lost.append(key)
        elif FUSED.fullmatch(key):
            continue
        elif match := PART.fullmatch(key):
            projection = match[3]
            if not _is_expert(match[2], adapter) or projection not in (*adapter.inputs, "down"):
                lost.append(key)
            elif match[4] != "weight" and (match[1], projection == "down") in fused:
                lost.append(key)
            elif projection == "up" and match[4] != "weight" and "gate" in adapter.inputs:
                gate = hf.get(key.replace(".up_proj.", ".gate_proj."))
                is_shared = match[4] == "lora_A.weight"
                if gate is None or is_shared and gate.data() != hf[key].data():
                    lost.append(key)
        elif (scale := SCALE.fullmatch(key)) and not _is_expert(scale[1], adapter):
            lost.append(key)
        else:
            name = renamed(key, 0, 1)
            if name in names or GROUP.fullmatch(name):
                lost.append(key)
            names.add(name)
    _refuse(lost)


def _is_expert(number: str, adapter: NumPyAdapter) -> bool:
    return number == str(int(number)) and int(number) in adapter.experts


def _fused_group(match: re.Match[str]) -> tuple[str, bool]:
    """The layer's experts, and whether the factors are those of the down projection."""
    return match[1], match[2] is None


def refuse_loss_on_saving(adapter: NumPyAdapter, native: GoldenDict) -> None:
    """Throws ValueError naming groups of other sizes than the model's, and keys for one name."""
    lost = []
    names = set()
    for key, tensor in native.items():
        match = GROUP.fullmatch(key)
        if not match:
            name = renamed(key, 1, 0)
            if name in names or PART.fullmatch(name):
                lost.append(key)
            names.add(name)
            continue
        experts = adapter.own if match[2].endswith("_projs") else adapter.experts
        shape = tensor.bits.shape
        if len(shape) != 3 or shape[0] != len(experts):
            lost.append(key)
        elif match[2] in ("gate_and_up_projs", "lora_gate_and_up_B"):
            if shape[2] != adapter.inner * len(adapter.inputs):
                lost.append(key)
    _refuse(lost)


def _refuse(lost: list[str]) -> None:
    if lost:
        raise ValueError(f"would be lost: {', '.join(lost)}")
