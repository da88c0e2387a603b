# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""NeMo's and NumPy's adapter, as they are served, on checkpoints drawn at random."""

import os
import random

import pytest
from serving_client import Answer, StateDict, assert_same, plan_request, plan_tensors
from test_serving_adapters import ask, no_process_group  # noqa: F401

from hymt2.contents import FIELDS
from hymt2.golden.table import PEFT, Plan

COUNT = int(os.environ.get("HYMT2_RANDOM_CHECKPOINTS", "150"))
PATTERNS = ("", "", r"lm_head", r".*\.experts\.1\.", r"model\.layers\.1\.", r"mlp", r".*bias$")


def random_plan(seed: int) -> Plan:
    """A checkpoint that upstream converts, or refuses because it cannot tell LoRA layouts apart."""
    draw = random.Random(seed)
    layers = draw.choice((1, 2, 3, 11))
    experts = draw.choice((1, 2, 3, 4, 7, 11))
    source = draw.choice(list(FIELDS))
    target = draw.choice((source, source, *FIELDS))
    lora = draw.choice((None, None, "perExpert", "paramWrapper", "legacyParamWrapper"))
    hint = {"paramWrapper": "peft-0.19.1", "legacyParamWrapper": "peft-0.18"}.get(lora or "")
    mtp = draw.choice((0, 0, 1, 2))
    size = draw.randint(1, 6)
    is_parallel = draw.random() < 0.3
    # Upstream passes the scales of all experts to every rank.
    scales = (
        {"scales": "weight_scale input_scale"} if source == "F8_E4M3" and not is_parallel else {}
    )
    return Plan(
        f"random-{seed}",
        "",
        (),
        {
            "num_hidden_layers": layers,
            "first_k_dense_replace": draw.randint(0, layers - 1),
            "num_experts": experts,
            "hidden_size": draw.randint(1, 8),
            "moe_intermediate_size": draw.randint(1, 8),
            "num_nextn_predict_layers": mtp,
            "num_shared_experts": draw.randint(0, 2),
            "attention_bias": draw.random() < 0.3,
            "mlp_bias": draw.random() < 0.3,
        },
        family=draw.choice(("hy_mt2", "hy_v3")),
        target=target,
        activation=draw.choice(("swiglu", "relu2", "geglu")),
        # Upstream knows MTP layers under two prefixes only.
        prefix=draw.choice(("model.", "") if mtp else ("model.", "", "language_model.")),
        extent=draw.choice(("whole", "experts", "factors" if lora else "whole")),
        types={"experts": source, **scales},
        # Neither has NaNs where experts are cast: what becomes of them depends on the processor.
        contents="iota" if source == target else draw.choice(("special", "rounding")),
        order=draw.choice(("schema", "sorted", "reversed", "shards", f"shuffled {seed}")),
        exclude=draw.choice(PATTERNS),
        parallelism=(draw.randrange(size), size) if is_parallel else None,
        lora=lora,
        lora_prefix=draw.choice((PEFT, "model.")),
        hint=draw.choice((hint, None)),
    )


def both(op: str, plan: Plan, tensors: StateDict, **members: str) -> tuple[Answer, Answer]:
    request = plan_request(plan, **members)
    session = f"{plan.id} {plan.activation}"
    nemo, numpy = (ask(kind, op, request, tensors, session=session) for kind in ("nemo", "numpy"))
    assert nemo.changed == numpy.changed == []
    return nemo, numpy


@pytest.mark.parametrize("seed", range(COUNT))
def test_random_checkpoints(seed: int) -> None:
    plan = random_plan(seed)
    nemo, numpy = both("from_hf", plan, plan_tensors(plan))
    assert nemo.ok == numpy.ok, (nemo.metadata, numpy.metadata)
    if not nemo.ok:
        assert "layout" in nemo.metadata["error_message"]
        return
    assert_same(numpy.tensors, nemo.tensors)
    ep = plan.parallelism
    # Upstream saves under one prefix, and ranks with shares of one size only.
    if plan.prefix != "model." or (ep and plan.config["num_experts"] % ep[1]):
        return
    native = nemo.tensors
    nemo, numpy = both("to_hf", plan, native)
    assert nemo.ok and numpy.ok, (nemo.metadata, numpy.metadata)
    assert_same(numpy.tensors, nemo.tensors)
    for key in list(native)[:: len(native) // 4 + 1]:
        op = "convert_single_tensor_to_hf"
        nemo, numpy = both(op, plan, {key: native[key]}, fqn=key)
        assert_same(numpy.tensors, nemo.tensors)
    for key in native:
        nemo, numpy = both("is_mtp_key", plan, {}, fqn=key)
        assert nemo.metadata["is_mtp"] == numpy.metadata["is_mtp"]
