# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""State dicts that must be refused, and what is wrong with them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from hymt2.golden.cases import GoldenDict, GoldenTensor
from hymt2.golden.families import plans_of
from hymt2.golden.table import PEFT, TINY, Plan
from hymt2.golden.values import fill
from hymt2.names import names_of, parent

LAYER = "model.layers.1."
NAMES = names_of("hy_mt2")


@dataclass(frozen=True)
class Refusal:
    """An edit of a valid state dict, and what must be said of which key."""

    id: str
    purpose: str
    plan: Plan
    edit: Callable[[GoldenDict], GoldenDict]
    findings: tuple[tuple[str, str], ...]
    side: str = "hf"


def _without(*keys: str) -> Callable[[GoldenDict], GoldenDict]:
    return lambda state: {key: tensor for key, tensor in state.items() if key not in keys}


def _with(key: str, dtype: str, *shape: int) -> Callable[[GoldenDict], GoldenDict]:
    words = {"BF16": "<u2", "F32": "<u4", "U8": "<u1"}
    bits = np.arange(1, int(np.prod(shape, dtype=int)) + 1).astype(words[dtype]).reshape(shape)
    return lambda state: state | {key: GoldenTensor(dtype, bits)}


def _renamed(old: str, new: str) -> Callable[[GoldenDict], GoldenDict]:
    return lambda state: {new if key == old else key: tensor for key, tensor in state.items()}


def _changed(
    key: str, change: Callable[[GoldenTensor], GoldenTensor]
) -> Callable[[GoldenDict], GoldenDict]:
    return lambda state: state | {key: change(state[key])}


def _transposed(tensor: GoldenTensor) -> GoldenTensor:
    return GoldenTensor(tensor.dtype, np.ascontiguousarray(tensor.bits.T))


def _shorter(tensor: GoldenTensor) -> GoldenTensor:
    return GoldenTensor(tensor.dtype, tensor.bits[:-1])


def _flipped(tensor: GoldenTensor) -> GoldenTensor:
    bits = tensor.bits.copy()
    bits.flat[-1] ^= 1
    return GoldenTensor(tensor.dtype, bits)


def _bytes(tensor: GoldenTensor) -> GoldenTensor:
    return GoldenTensor("U8", tensor.bits.astype("<u1"))


def _of_expert(part: str, expert: int) -> str:
    return LAYER + NAMES.member(part, expert)


def _factor(part: str, expert: int, factor: str) -> str:
    return f"{PEFT}layers.1.{parent(NAMES.member(part, expert))}.lora_{factor}.weight"


def refusals() -> Iterator[Refusal]:
    """All of them."""
    model = Plan("", "", ())
    yield from _missing_and_surplus(model)
    yield from _names(model)
    yield from _shapes(model)
    yield from _factors()
    yield from _native(model)
    yield from _padding()


def _missing_and_surplus(model: Plan) -> Iterator[Refusal]:
    up, norm = _of_expert("up", 1), NAMES.outside("norm")
    yield Refusal(
        "refused-missing-projection", "one projection of one expert is missing", model,
        _without(up), (("missing tensor", up),),
    )  # fmt: skip
    yield Refusal(
        "refused-missing-norm", "the last norm is missing", model,
        _without(norm), (("missing tensor", norm),),
    )  # fmt: skip
    experts = [_of_expert(part, expert) for expert in range(3) for part in ("gate", "up", "down")]
    yield Refusal(
        "refused-missing-experts", "a layer has no experts at all", model, _without(*experts),
        tuple(("missing tensor", key) for key in experts),
    )  # fmt: skip
    for name, purpose, key, shape, code in (
        ("surplus-expert", "an expert beyond num_experts", _of_expert("up", 3), (3, 4),
         "surplus expert"),
        ("surplus-layer", "a layer beyond the config's", f"model.layers.7.{NAMES.disk('norm')}",
         (4,), "surplus layer"),
        ("dense-experts", "experts in a dense layer",
         f"model.layers.0.{NAMES.member('up')}", (3, 4), "experts in a dense layer"),
        ("prediction-tensor", "a tensor of an MTP layer in a decoder layer",
         LAYER + NAMES.disk("prediction"), (4, 8), "prediction tensor in a decoder layer"),
        ("unknown-prefix", "experts under another prefix",
         f"transformer.{_of_expert('up', 0)}", (3, 4), "unknown prefix"),
        ("text-behind", "text behind the name of a weight", f"{_of_expert('up', 0)}.1",
         (3, 4), "unknown expert key"),
        ("fused", "experts as transformers holds them in memory",
         LAYER + NAMES.group("up", "transformers"), (3, 6, 4), "key of another layout"),
        ("native-experts", "grouped experts in a checkpoint",
         LAYER + NAMES.group("up"), (3, 4, 6), "key of another layout"),
        ("native-router", "a native name in a checkpoint", LAYER + NAMES.native("router"), (3, 4),
         "key of another layout"),
        ("scale-without-weight", "a scale without its weight",
         f"{LAYER}mlp.other_proj.weight_scale", (1,), "scale without its weight"),
    ):  # fmt: skip
        yield Refusal(f"refused-{name}", purpose, model, _with(key, "BF16", *shape), ((code, key),))
    gate = _of_expert("gate", 0)
    yield Refusal(
        "refused-gate-of-non-gated", "a gate projection of non-gated experts",
        replace(model, activation="relu2"), _with(gate, "BF16", 3, 4),
        (("gate projection of non-gated experts", gate),),
    )  # fmt: skip


def _names(model: Plan) -> Iterator[Refusal]:
    up = _of_expert("up", 1)
    padded = up.replace(f"{NAMES.experts}.1.", f"{NAMES.experts}.01.")
    yield Refusal(
        "refused-padded-expert", "an expert's number with a leading zero", model,
        _renamed(up, padded),
        (("index not written canonically", padded), ("missing tensor", up)),
    )  # fmt: skip
    yield Refusal(
        "refused-padded-expert-twice", "an expert with and without a leading zero", model,
        _with(padded, "BF16", 3, 4), (("index not written canonically", padded),),
    )  # fmt: skip
    norm = f"model.layers.01.{NAMES.disk('norm')}"
    yield Refusal(
        "refused-padded-layer", "a layer's number with a leading zero", model,
        _with(norm, "BF16", 4), (("index not written canonically", norm),),
    )  # fmt: skip


def _shapes(model: Plan) -> Iterator[Refusal]:
    up, down = _of_expert("up", 1), _of_expert("down", 2)
    bias = LAYER + NAMES.disk("router bias")
    for name, purpose, key, change, code in (
        ("transposed", "a matrix stored with its axes exchanged", down, _transposed, "wrong shape"),
        ("ragged", "an expert with fewer rows than the others", up, _shorter, "wrong shape"),
        ("short-bias", "a bias for fewer experts", bias, _shorter, "wrong shape"),
    ):
        yield Refusal(f"refused-{name}", purpose, model, _changed(key, change), ((code, key),))
    yield Refusal(
        "refused-bytes", "packed bytes in the place of a weight", model, _changed(up, _bytes),
        (("wrong element type", up),),
    )  # fmt: skip


def _factors() -> Iterator[Refusal]:
    two = {"num_experts": 2}
    lora = Plan("", "", (), two, extent="factors", lora="perExpert")
    up, down = _factor("up", 1, "A"), _factor("down", 0, "B")
    yield Refusal(
        "refused-different-factors", "gate and up projections with different factors A", lora,
        _changed(up, _flipped), (("LoRA factors differ", up),),
    )  # fmt: skip
    yield Refusal(
        "refused-incomplete-factors", "one factor of one expert is missing", lora,
        _without(down), (("incomplete LoRA group", down),),
    )  # fmt: skip
    fused = replace(lora, lora="paramWrapper").keys()
    yield Refusal(
        "refused-factors-twice", "factors of each expert and fused ones of the same layer", lora,
        lambda state: state | fill(fused, "iota", "BF16"),
        tuple(("two keys with one name", key.name) for key in fused),
    )  # fmt: skip
    square = TINY | two | {"hidden_size": 4, "moe_intermediate_size": 4}
    ambiguous = Plan("", "", (), square, extent="factors", lora="paramWrapper")
    stem = f"{PEFT}layers.0.{NAMES.experts}."
    yield Refusal(
        "refused-ambiguous-factors", "fused factors whose shapes fit both layouts", ambiguous,
        lambda state: {key: t for key, t in state.items() if "base_layer" not in key},
        tuple(("ambiguous LoRA layout", f"{stem}lora_{factor}.weight") for factor in "AB"),
    )  # fmt: skip


def _native(model: Plan) -> Iterator[Refusal]:
    gate, down = LAYER + NAMES.group("up"), LAYER + NAMES.group("down")
    on_disk = _of_expert("up", 0)
    for name, purpose, edit, findings in (
        ("missing-down", "grouped down projections are missing", _without(down),
         (("missing tensor", down),)),
        ("shape", "a grouped tensor with one expert less", _changed(gate, _shorter),
         (("wrong shape", gate),)),
        ("on-disk", "a key on disk in native form",
         _with(on_disk, "BF16", 3, 4), (("key of another layout", on_disk),)),
    ):  # fmt: skip
        yield Refusal(f"refused-native-{name}", purpose, model, edit, findings, side="native")


def _padding() -> Iterator[Refusal]:
    plan = next(plan for plan in plans_of("kimi_k3") if plan.id == "kimi-k3-experts-2")
    padded = next(key.name for key in plan.keys() if key.name.endswith(".A_log"))
    yield Refusal(
        "kimi-k3-refused-padding", "a number where rows are padded with zeros", plan,
        _changed(padded, _flipped), (("padding that is not zero", padded),),
    )  # fmt: skip
