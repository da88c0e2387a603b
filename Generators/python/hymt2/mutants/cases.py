# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""Checkpoints that faults are to show themselves on: golden plans, refusals and a few more."""

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from hymt2.golden.cases import GoldenDict, GoldenTensor
from hymt2.golden.checkpoints import Key
from hymt2.golden.refusals import LAYER, NAMES, refusals
from hymt2.golden.table import TINY, Plan, plans
from hymt2.golden.values import fill


@dataclass(frozen=True)
class Case:
    """A plan, and what is changed in its checkpoint or in its native tensors."""

    id: str
    plan: Plan
    edit: Callable[[GoldenDict], GoldenDict] = dict
    side: str = "hf"
    """Which of both is edited: `hf` or `native`."""

    @functools.cached_property
    def hf(self) -> GoldenDict:
        tensors = fill(self.plan.keys(), self.plan.contents, self.plan.target)
        return self.edit(tensors) if self.side == "hf" else tensors


@functools.cache
def cases() -> Mapping[str, Case]:
    """All of them by their names."""
    made = [Case(plan.id, plan) for plan in plans()]
    # On ragged experts upstream gives memory that it has not written.
    made += [
        Case(one.id, one.plan, one.edit, one.side)
        for one in refusals()
        if one.id != "refused-ragged"
    ]
    made += _extra()
    return {case.id: case for case in made}


def _extra() -> Iterator[Case]:
    """What no golden file has, but a fault needs."""
    model = Plan("", "", ())

    def plan(name: str, changed: Plan) -> Case:
        return Case(f"extra-{name}", changed)

    yield plan(
        "longer-names",
        replace(
            model,
            extra=(
                Key(f"{LAYER}{NAMES.disk('router bias')}_scale", "BF16", (1,)),
                Key(f"{LAYER}{NAMES.disk('router')}_scale", "BF16", (1,)),
            ),
        ),
    )
    mtp = {"num_nextn_predict_layers": 1}
    small = {"num_experts": 2, "hidden_size": 2}
    yield plan(
        "mtp-after-12-layers", replace(model, config=mtp | small | {"num_hidden_layers": 12})
    )
    yield plan("mtp-without-prefix", replace(model, config=mtp, prefix=""))
    yield plan("mtp-language-model", replace(model, config=mtp, prefix="language_model."))
    ranks = replace(model, config=TINY | {"num_experts": 4})
    yield plan("ep-reversed", replace(ranks, parallelism=(0, 2), order="reversed"))
    yield Case("extra-ep-rank-only", replace(ranks, parallelism=(1, 2)), _without_experts("0", "1"))
    yield Case("extra-missing-last-expert", model, _without_experts("2"))
    yield Case("extra-missing-down", model, _without(lambda key: ".1.down_proj." in key))
    yield Case("extra-native-surplus", model, _one_expert_more, side="native")
    factors = replace(model, config={"num_experts": 2}, extent="factors", lora="perExpert")
    yield plan(
        "lora-11-experts", replace(factors, config=TINY | {"num_experts": 11}, order="sorted")
    )
    yield plan(
        "lora-square", replace(factors, config={"num_experts": 2, "moe_intermediate_size": 2})
    )
    square = TINY | {"num_experts": 2, "hidden_size": 4, "moe_intermediate_size": 4}
    yield Case(
        "extra-lora-hint",
        replace(factors, config=square, lora="legacyParamWrapper", hint="peft-0.18"),
        _without(lambda key: "base_layer" in key),
    )


def _without(is_dropped: Callable[[str], bool]) -> Callable[[GoldenDict], GoldenDict]:
    return lambda state: {key: tensor for key, tensor in state.items() if not is_dropped(key)}


def _without_experts(*numbers: str) -> Callable[[GoldenDict], GoldenDict]:
    return _without(lambda key: any(f".experts.{number}." in key for number in numbers))


def _one_expert_more(state: GoldenDict) -> GoldenDict:
    key = LAYER + NAMES.group("up")
    bits = state[key].bits
    return state | {key: GoldenTensor(state[key].dtype, np.concatenate([bits, bits[:1]]))}
