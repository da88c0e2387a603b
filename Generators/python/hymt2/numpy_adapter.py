# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""The adapter once more, in NumPy, written from docs/adapter.md alone."""

import re
from collections.abc import Mapping
from typing import Any

import ml_dtypes
import numpy as np

from hymt2.contents import Bits
from hymt2.golden.cases import GoldenDict, GoldenTensor

NUMBERS = {
    "F16": np.float16, "BF16": ml_dtypes.bfloat16, "F32": np.float32, "F64": np.float64,
    "F8_E4M3": ml_dtypes.float8_e4m3fn, "F8_E5M2": ml_dtypes.float8_e5m2,
}  # fmt: skip

RENAMES = (
    ("mlp.expert_bias", "mlp.gate.e_score_correction_bias"),
    ("mlp.router.gate.weight", "mlp.gate.weight"),
)
SHARED = ("mlp.shared_mlp.", "mlp.shared_experts.")

PART = re.compile(
    r"(.*layers\.\d+\.mlp\.experts\.)(\d+)\.(gate|up|down)_proj\.(weight|lora_A\.weight|lora_B\.weight)"
)
SCALE = re.compile(r".*layers\.\d+\.mlp\.experts\.(\d+)\.\w+_proj\.\w+_scale(_inv)?")
FUSED = re.compile(r"(.*layers\.\d+\.mlp\.experts\.)(base_layer\.)?lora_([AB])\.weight")
GROUP = re.compile(r"(.*layers\.\d+\.mlp\.experts\.)(gate_and_up_projs|down_projs|lora_\w+)")
LAYER = re.compile(r"(.*?)layers\.(\d+)\.(.*)", re.S)


class NumPyAdapter:
    """Made for a golden case's description."""

    def __init__(self, description: Mapping[str, Any]) -> None:
        config, options = description["config"], description["options"]
        self.experts = range(config["num_experts"])
        self.inner = config["moe_intermediate_size"]
        self.hidden_layers = config["num_hidden_layers"]
        self.drops_mtp = options["mtp_policy"] == "drop"
        self.prefixes = {"model.", "", options["prefix"]}
        self.target = options["target_dtype"]
        self.inputs = ["up"] if options["activation"] == "relu2" else ["gate", "up"]
        self.hidden = config["hidden_size"]
        self.stated = options["param_wrapper_layout"]
        self.exclusion = description["exclusion"]
        self.own = self._own(description["parallelism"])

    def _own(self, parallelism: Mapping[str, int] | None) -> range:
        """The experts of a rank: the first ranks own one more if they do not share evenly."""
        if parallelism is None:
            return self.experts
        shares = [len(self.experts[r :: parallelism["size"]]) for r in range(parallelism["size"])]
        start = sum(shares[: parallelism["rank"]])
        return range(start, start + shares[parallelism["rank"]])

    def from_hf(self, hf: GoldenDict) -> GoldenDict:
        kept = {key: tensor for key, tensor in hf.items() if not self._is_dropped(key)}
        parts = {key: match for key in kept if (match := PART.fullmatch(key))}
        last = {self._group(match): key for key, match in parts.items() if self._is_own(match)}
        native: GoldenDict = {}
        for key, tensor in kept.items():
            if match := parts.get(key):
                group = self._group(match)
                if match[4] == "weight" and last.get(group) == key:
                    native[group] = self._stacked(kept, match, self.own)
            elif (scale := SCALE.fullmatch(key)) and int(scale[1]) not in self.own:
                continue
            elif not FUSED.fullmatch(key):
                native[renamed(key, 0, 1)] = tensor
        for match in parts.values():
            leads = match[3] in (self.inputs[0], "down")
            if match[4] != "weight" and leads and self._group(match) not in native:
                native[self._group(match)] = self._stacked(kept, match, self.experts)
        return native | self._unfused(kept)

    def to_hf(self, native: GoldenDict) -> GoldenDict:
        hf: GoldenDict = {}
        for key, tensor in native.items():
            match = GROUP.fullmatch(key)
            pairs = self._split(match, tensor) if match else {renamed(key, 1, 0): tensor}
            for name, part in pairs.items():
                if not self.exclusion or not re.match(self.exclusion, name):
                    hf[name] = part
        return hf

    def convert_single_tensor_to_hf(
        self, name: str, tensor: GoldenTensor
    ) -> list[tuple[str, GoldenTensor]]:
        return list(self.to_hf({name: tensor}).items())

    def is_mtp_key(self, key: str) -> bool:
        match = LAYER.fullmatch(key)
        return bool(match and match[1] in self.prefixes and int(match[2]) >= self.hidden_layers)

    def _is_dropped(self, key: str) -> bool:
        return self.drops_mtp and self.is_mtp_key(key)

    def _is_own(self, match: re.Match[str]) -> bool:
        return match[4] != "weight" or int(match[2]) in self.own

    def _group(self, match: re.Match[str]) -> str:
        base, _, projection, kind = match.groups()
        stem = "down" if projection == "down" else "gate_and_up"
        return f"{base}{stem}_projs" if kind == "weight" else f"{base}lora_{stem}_{kind[5]}"

    def _stacked(self, hf: GoldenDict, match: re.Match[str], experts: range) -> GoldenTensor:
        base, _, projection, kind = match.groups()
        names = ["down"] if projection == "down" else self.inputs
        if kind == "lora_A.weight":
            names = names[:1]  # gate and up have the same
        rows = []
        for expert in experts:
            tensors = [hf[f"{base}{expert}.{name}_proj.{kind}"] for name in names]
            if kind == "weight":
                tensors = [self._cast(tensor) for tensor in tensors]
            rows.append(np.concatenate([tensor.bits.T for tensor in tensors], axis=-1))
        return GoldenTensor(tensors[0].dtype, np.stack(rows))

    def _cast(self, tensor: GoldenTensor) -> GoldenTensor:
        if tensor.dtype == self.target:
            return tensor
        numbers = np.ascontiguousarray(tensor.bits).view(NUMBERS[tensor.dtype])
        with np.errstate(all="ignore"):
            if tensor.dtype == "F64":
                numbers = numbers.astype(np.float32)
            cast = numbers.astype(NUMBERS[self.target])
        bits = cast.view(f"<u{cast.itemsize}")
        if self.target == "F8_E4M3":
            # What is too large becomes the largest number; NumPy's extension makes it a NaN.
            is_too_large = ~np.isnan(numbers) & np.isnan(cast)
            bits = np.where(is_too_large, 0x7E | bits & 0x80, bits).astype("<u1")
        return GoldenTensor(self.target, bits)

    def _unfused(self, hf: GoldenDict) -> GoldenDict:
        found = [(match, hf[key]) for key in hf if (match := FUSED.fullmatch(key))]
        is_legacy = bool(found) and self._is_legacy(found)
        native = {}
        for match, tensor in found:
            is_a = match[3] == "A"
            bits = self._by_expert(tensor.bits, is_a)  # [expert, rank, feature]
            becomes_a = is_a != is_legacy
            stem = "gate_and_up" if match[2] else "down"
            name = f"{match[1]}lora_{stem}_{'A' if becomes_a else 'B'}"
            native[name] = GoldenTensor(tensor.dtype, bits.swapaxes(1, 2) if becomes_a else bits)
        return native

    def _by_expert(self, bits: Bits, is_a: bool) -> Bits:
        count = len(self.experts)
        if is_a:
            return bits.reshape(count, -1, bits.shape[1])
        return bits.reshape(bits.shape[0], -1, count).transpose(2, 1, 0)

    def _is_legacy(self, found: list[tuple[re.Match[str], GoldenTensor]]) -> bool:
        """By what is stated, or by the first factor whose features tell the two layouts apart."""
        if self.stated:
            return self.stated == "peft-0.18"
        for match, tensor in found:
            inward = self.hidden if match[2] else self.inner
            outward = self.inner * len(self.inputs) if match[2] else self.hidden
            features = tensor.bits.shape[1 if match[3] == "A" else 0]
            if inward != outward:
                return (features == outward) == (match[3] == "A")
        raise ValueError("nothing tells the layout of fused factors")

    def _split(self, match: re.Match[str], tensor: GoldenTensor) -> GoldenDict:
        base, name = match.groups()
        is_weight = name.endswith("_projs")
        kind = "weight" if is_weight else f"lora_{name[-1]}.weight"
        names = ["down"] if "down" in name else self.inputs
        result = {}
        for slot, expert in enumerate(self.own if is_weight else self.experts):
            matrix = tensor.bits[slot].T
            for position, projection in enumerate(names):
                part = matrix
                if len(names) > 1 and kind != "lora_A.weight":
                    part = matrix[position * self.inner : (position + 1) * self.inner]
                key = f"{base}{expert}.{projection}_proj.{kind}"
                result[key] = GoldenTensor(tensor.dtype, part)
        return result


def renamed(key: str, source: int, target: int) -> str:
    match = LAYER.fullmatch(key)
    if not match:
        return key
    start, rest = key[: match.start(3)], match[3]
    for names in RENAMES:
        if rest == names[source]:
            return start + names[target]
    if rest.startswith(SHARED[source]):
        return start + SHARED[target] + rest[len(SHARED[source]) :]
    return key
