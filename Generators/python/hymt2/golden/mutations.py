# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""Ways to be wrong: what a wrong adapter gives in the place of upstream's result."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from hymt2.contents import FIELDS, Bits, largest_finite
from hymt2.golden.cases import GoldenDict, GoldenTensor
from hymt2.golden.table import TINY, Plan, plans
from hymt2.golden.upstream import Upstream, recast
from hymt2.names import names_of

NAMES = names_of("hy_mt2")

Mutation = Callable[[Plan, GoldenDict, GoldenDict], GoldenDict]
"""Makes a wrong result of a plan, the checkpoint on disk and the right result."""


@dataclass(frozen=True)
class WrongResult:
    """A mutation of the result of a valid plan, and what must be said of it."""

    id: str
    purpose: str
    plan: Plan
    mutation: Mutation
    law: str
    kind: str
    place: str
    diagnosis: tuple[str, ...]
    side: str = "native"


def _each(suffix: str, change: Callable[[Plan, Bits], Bits]) -> Mutation:
    """Changes the bits of all tensors whose keys end with a text."""

    def mutation(plan: Plan, hf: GoldenDict, right: GoldenDict) -> GoldenDict:
        return {
            key: GoldenTensor(tensor.dtype, change(plan, tensor.bits))
            if key.endswith(suffix)
            else tensor
            for key, tensor in right.items()
        }

    return mutation


def _rename(change: Callable[[str], str]) -> Mutation:
    return lambda plan, hf, right: {change(key): tensor for key, tensor in right.items()}


def _drop(is_dropped: Callable[[str], bool]) -> Mutation:
    return lambda plan, hf, right: {k: t for k, t in right.items() if not is_dropped(k)}


def _halves_exchanged(plan: Plan, bits: Bits) -> Bits:
    return np.roll(bits, plan.checkpoint().inner, axis=-1)


def _halves_interleaved(plan: Plan, bits: Bits) -> Bits:
    inner = plan.checkpoint().inner
    return np.stack([bits[..., :inner], bits[..., inner:]], axis=-1).reshape(bits.shape)


def _reshaped(plan: Plan, bits: Bits) -> Bits:
    """Rows and columns renamed, the memory left as it is on disk."""
    return np.ascontiguousarray(bits.transpose(0, 2, 1)).reshape(bits.shape)


def _in_text_order(plan: Plan, bits: Bits) -> Bits:
    return bits[sorted(range(len(bits)), key=str)]


def _negative_zero_lost(plan: Plan, bits: Bits) -> Bits:
    sign = 2 ** sum(FIELDS[plan.target])
    return np.where(bits == sign, 0, bits).astype(bits.dtype)


def _payloads_lost(plan: Plan, bits: Bits) -> Bits:
    exponent, mantissa = FIELDS[plan.target]
    sign = 2 ** (exponent + mantissa)
    infinity = largest_finite(plan.target) + 1
    quiet = infinity + 2 ** (mantissa - 1)
    return np.where(bits % sign > infinity, quiet | bits & sign, bits).astype(bits.dtype)


def _subnormals_flushed(plan: Plan, bits: Bits) -> Bits:
    exponent, mantissa = FIELDS[plan.target]
    sign = 2 ** (exponent + mantissa)
    return np.where(bits % sign < 2**mantissa, bits & sign, bits).astype(bits.dtype)


def _cast_bias(plan: Plan, hf: GoldenDict, right: GoldenDict) -> GoldenDict:
    return {
        key: recast(tensor, "BF16") if key.endswith(NAMES.native("router bias")) else tensor
        for key, tensor in right.items()
    }


def _truncated(plan: Plan, hf: GoldenDict, right: GoldenDict) -> GoldenDict:
    cut = {
        key: GoldenTensor(tensor.dtype, tensor.bits & np.uint32(0xFFFF0000))
        for key, tensor in hf.items()
    }
    return Upstream(plan.description()).load(cut)


def _through_half(plan: Plan, hf: GoldenDict, right: GoldenDict) -> GoldenDict:
    return Upstream(plan.description()).load({key: recast(t, "F16") for key, t in hf.items()})


def _like(**changes: object) -> Mutation:
    """What a plan with these changes loads of the same checkpoint."""

    def mutation(plan: Plan, hf: GoldenDict, right: GoldenDict) -> GoldenDict:
        return Upstream(replace(plan, **changes).description()).load(hf)

    return mutation


def _groups_at_end(plan: Plan, hf: GoldenDict, right: GoldenDict) -> GoldenDict:
    grouped = {key: t for key, t in right.items() if NAMES.is_group(key)}
    return {key: t for key, t in right.items() if key not in grouped} | grouped


def _gate_for_up(plan: Plan, hf: GoldenDict, right: GoldenDict) -> GoldenDict:
    return {
        key: right[key.replace(".up_proj.", ".gate_proj.")] if ".experts." in key else tensor
        for key, tensor in right.items()
    }


def _local_numbers(key: str) -> str:
    return key.replace(".experts.2.", ".experts.0.").replace(".experts.3.", ".experts.1.")


def wrong_results() -> Iterator[WrongResult]:
    """All of them."""
    valid = {plan.id: plan for plan in plans()}
    model, eleven = valid["model"], valid["experts-11"]
    square, special = valid["sizes-square"], valid["cast-bf16-bf16-special"]
    gate_and_up, down = NAMES.group("up"), NAMES.group("down")
    bias = NAMES.disk("router bias"), NAMES.native("router bias")
    for name, purpose, plan, suffix, change, words in (
        ("halves-exchanged", "up before gate", model, gate_and_up, _halves_exchanged, "swapped"),
        ("halves-interleaved", "rows of gate and up in turn", model, gate_and_up,
         _halves_interleaved, "alternate"),
        ("square-down-not-transposed", "a square matrix left as it is", square, down,
         lambda plan, bits: bits.transpose(0, 2, 1), "not transposed"),
        ("down-reshaped", "a reshape in the place of a transpose", model, down, _reshaped,
         "reshaped"),
        ("experts-in-text-order", "expert 10 between 1 and 2", eleven, gate_and_up,
         _in_text_order, "lexicographic"),
        ("negative-zero-lost", "-0.0 becomes 0.0", special, down, _negative_zero_lost, "-0.0"),
        ("nan-payload-lost", "all NaNs become the plain one", special, down, _payloads_lost,
         "payload"),
        ("subnormals-flushed", "subnormal numbers become zero", special, down,
         _subnormals_flushed, "subnormal"),
    ):  # fmt: skip
        place = "down" if suffix == down else "gate and up"
        yield WrongResult(
            f"wrong-{name}", purpose, plan, _each(suffix, change), "elements", "elements", place, (words,)
        )
    yield WrongResult(
        "wrong-expert-dropped", "the last expert is missing", model,
        _each("projs", lambda plan, bits: bits[:-1]), "shapes", "shape", "gate and up", ("expert",),
    )  # fmt: skip
    yield WrongResult(
        "wrong-bias-cast", "the router's bias in the experts' type", model, _cast_bias,
        "types", "dtype", "expert bias", ("cast",),
    )  # fmt: skip
    rounding = valid["cast-f32-bf16-rounding"]
    yield WrongResult(
        "wrong-rounded-toward-zero", "bits cut off", rounding, _truncated,
        "rounding", "elements", "gate and up", ("toward zero",),
    )  # fmt: skip
    yield WrongResult(
        "wrong-cast-through-float16", "an intermediate type", rounding, _through_half,
        "rounding", "elements", "gate and up", ("float16",),
    )  # fmt: skip
    yield WrongResult(
        "wrong-mtp-kept", "the MTP layer loaded under policy drop", valid["mtp-1-drop"],
        _like(mtp="preserve"), "mtp-policy", "MTP layer kept", "", ("MTP",),
    )  # fmt: skip
    yield WrongResult(
        "wrong-not-renamed", "the bias under its name on disk", model,
        _rename(lambda key: key.replace(bias[1], bias[0])),
        "keys", "wrong key", "expert bias", ("keeps its name on disk",),
    )  # fmt: skip
    yield WrongResult(
        "wrong-scales-dropped", "scales thrown away", valid["scales-f8e4m3"],
        _drop(lambda key: key.endswith("weight_scale")), "keys", "missing key", "scale",
        ("lost",),
    )  # fmt: skip
    yield WrongResult(
        "wrong-groups-at-end", "grouped tensors behind all others", model, _groups_at_end,
        "order", "order of keys", "", ("behind",),
    )  # fmt: skip
    even = valid["ep-4-experts-rank-1-of-2"]
    yield WrongResult(
        "wrong-rank", "the experts of rank 0", even, _like(parallelism=(0, 2)),
        "ep-rank", "elements", "gate and up", ("rank",),
    )  # fmt: skip
    yield WrongResult(
        "wrong-local-expert-numbers", "experts of rank 1 numbered from zero", even,
        _rename(_local_numbers), "ep-save", "wrong key", "gate and up", ("numbered from 0",),
        side="saved",
    )  # fmt: skip
    yield WrongResult(
        "wrong-gate-saved-twice", "the gate projection in the place of the up projection",
        replace(model, id="", config=TINY), _gate_for_up, "elements", "elements", "gate and up",
        ("gate",), side="saved",
    )  # fmt: skip
    yield WrongResult(
        "wrong-exclusion-searches", "the pattern looked for anywhere in the key",
        valid["exclude-unanchored"], _drop(lambda key: "mlp" in key), "exclusion", "missing key",
        "gate and up", ("anywhere",), side="saved",
    )  # fmt: skip
