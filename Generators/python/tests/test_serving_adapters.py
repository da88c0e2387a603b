# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""The served adapters over the whole table of golden plans, without any process between."""

import functools
import json
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from serving_client import (
    Answer,
    StateDict,
    as_torch,
    assert_same,
    plan_request,
    plan_tensors,
    read_answer,
    request_frame,
    split,
)

from hymt2.expert_parallel import expert_parallel_mesh
from hymt2.golden.refusals import Refusal, refusals
from hymt2.golden.table import Plan, plans
from hymt2.golden.upstream import Upstream
from hymt2.golden.values import fill
from hymt2.nemo import ADAPTERS
from hymt2.serving.nemo_backend import NeMoBackend
from hymt2.serving.numpy_backend import NumPyBackend
from hymt2.serving.server import Server

PLANS = {plan.id: plan for plan in plans()}
BACKENDS = {"nemo": NeMoBackend, "numpy": NumPyBackend}


@functools.cache
def server(kind: str) -> Server:
    return Server(BACKENDS[kind]())


@pytest.fixture(autouse=True)
def no_process_group() -> Iterator[None]:
    """`Upstream` makes one of its own."""
    yield
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def ask(kind: str, op: str, *arguments: Any, **changes: str) -> Answer:
    (request,) = split(request_frame(op, *arguments, **changes))
    (answer,) = split(server(kind).answer(request))
    return read_answer(answer)


def converted(kind: str, op: str, plan: Plan, tensors: StateDict, **members: Any) -> StateDict:
    request = plan_request(plan, **members)
    session = json.dumps({name: request[name] for name in ("config", "moe", "dtype", "options")})
    answer = ask(kind, op, request, tensors, session=session)
    assert answer.ok, answer.metadata
    assert answer.changed == []
    return answer.tensors


def is_upstream(plan: Plan) -> bool:
    """Whether upstream, which always drops MTP layers, does what the plan asks for."""
    return plan.mtp == "drop" or not plan.config.get("num_nextn_predict_layers")


@pytest.mark.parametrize("kind", BACKENDS)
@pytest.mark.parametrize("plan", PLANS.values(), ids=lambda plan: plan.id)
def test_conversions_are_upstreams(plan: Plan, kind: str) -> None:
    """`Upstream` counts MTP layers that are preserved as decoder layers; its adapters do not."""
    if kind == "nemo" and not is_upstream(plan):
        pytest.skip("upstream has no policy")
    hf = fill(plan.keys(), plan.contents, plan.target)
    native, saved = Upstream(plan.description()).convert(hf, plan.saves)
    assert_same(converted(kind, "from_hf", plan, as_torch(hf)), as_torch(native))
    if saved is None:
        return
    assert_same(converted(kind, "to_hf", plan, as_torch(native)), as_torch(saved))
    pieces: StateDict = {}
    for key, tensor in as_torch(native).items():
        op = "convert_single_tensor_to_hf"
        pieces |= converted(kind, op, plan, {key: tensor}, fqn=key)
    assert_same(pieces, as_torch(saved))


@pytest.mark.parametrize("kind", BACKENDS)
@pytest.mark.parametrize("count, size", [(4, 2), (6, 3), (5, 3), (3, 5)])
def test_ranks_share_out_the_whole(kind: str, count: int, size: int) -> None:
    plan = Plan("ranks", "", (), {"num_experts": count, "num_hidden_layers": 2})
    hf = plan_tensors(plan)
    whole = converted(kind, "from_hf", plan, hf)
    parts = [
        converted(kind, "from_hf", plan, hf, ep={"rank": rank, "size": size})
        for rank in range(size)
    ]
    for key, tensor in whole.items():
        if key.endswith("_projs"):
            held = [part[key] for part in parts if key in part]
            assert_same({key: torch.cat(held)}, {key: tensor})
        else:
            for part in parts:
                assert_same({key: part[key]}, {key: tensor})


@pytest.mark.parametrize("kind", BACKENDS)
def test_ranks_save_their_experts(kind: str) -> None:
    plan = Plan("saving", "", (), {"num_experts": 4})
    hf = plan_tensors(plan)
    saved: StateDict = {}
    for rank in range(2):
        ep = {"rank": rank, "size": 2}
        native = converted(kind, "from_hf", plan, hf, ep=ep)
        mine = converted(kind, "to_hf", plan, native, ep=ep)
        singles: StateDict = {}
        for key, tensor in native.items():
            op = "convert_single_tensor_to_hf"
            singles |= converted(kind, op, plan, {key: tensor}, fqn=key, ep=ep)
        assert_same(singles, mine)
        saved |= mine
    assert_same({key: saved[key] for key in hf}, hf)


def test_upstream_refuses_to_save_uneven_ranks() -> None:
    plan = Plan("uneven", "", (), {"num_experts": 3})
    request = plan_request(plan, ep={"rank": 0, "size": 2})
    native = converted("nemo", "from_hf", plan, plan_tensors(plan), ep=request["ep"])
    answer = ask("nemo", "to_hf", request, native)
    assert answer.metadata["error_type"] == "ValueError"
    assert "expected 3" in answer.metadata["error_message"]
    assert answer.changed == []


def test_upstream_drops_mtp_layers_whatever_it_is_told() -> None:
    preserve, drop = PLANS["mtp-1-preserve"], PLANS["mtp-1-drop"]
    hf = plan_tensors(preserve)
    assert_same(converted("nemo", "from_hf", preserve, hf), converted("nemo", "from_hf", drop, hf))
    assert len(converted("numpy", "from_hf", preserve, hf)) > len(
        converted("numpy", "from_hf", drop, hf)
    )


@pytest.mark.parametrize("kind", BACKENDS)
def test_mtp_keys(kind: str) -> None:
    plan = PLANS["mtp-1-drop"]
    keys = {
        "model.layers.1.mlp.gate.weight": False,
        "model.layers.2.mlp.gate.weight": True,
        "layers.2.eh_proj.weight": True,
        "model.layers.10.enorm.weight": True,
        "visual.layers.7.weight": False,
        "model.norm.weight": False,
    }
    for key, expected in keys.items():
        answer = ask(kind, "is_mtp_key", plan_request(plan, fqn=key), session=plan.id)
        assert answer.metadata["is_mtp"] == ("true" if expected else "false"), key


def test_a_stated_layout_of_fused_factors_reaches_upstream() -> None:
    plan = PLANS["lora-peft-0-18"]
    request = plan_request(plan)
    request["options"]["param_wrapper_layout"] = "peft-0.19.1"
    answer = ask("nemo", "from_hf", request, plan_tensors(plan), session="wrong hint")
    assert answer.metadata["error_type"] == "ValueError"
    assert "peft-0.19.1" in answer.metadata["error_message"]


def test_nemo_gets_the_shards_it_would_make_itself() -> None:
    """Upstream's own distributed tensors against plain ones over the protocol."""
    plan = Plan("dtensors", "", (), {"num_experts": 4})
    request = plan_request(plan, ep={"rank": 1, "size": 2})
    hf = plan_tensors(plan)
    native = converted("nemo", "from_hf", plan, hf, ep=request["ep"])
    found = converted("nemo", "to_hf", plan, native, ep=request["ep"])
    torch.distributed.destroy_process_group()
    upstream = Upstream(plan.description())
    assert type(upstream.adapter) is ADAPTERS["hy_mt2"]
    with expert_parallel_mesh(1, 2) as mesh:
        expected = upstream.adapter.to_hf(upstream.adapter.from_hf(dict(hf), device_mesh=mesh))
    assert_same(found, expected)


@pytest.mark.parametrize("refusal", list(refusals()), ids=lambda refusal: refusal.id)
def test_numpy_loses_nothing_of_what_is_invalid(refusal: Refusal) -> None:
    """It refuses the invalid state dict, or gives a result of as many elements."""
    plan = refusal.plan
    hf = fill(plan.keys(), plan.contents, plan.target)
    op = "from_hf" if refusal.side == "hf" else "to_hf"
    valid = hf if refusal.side == "hf" else Upstream(plan.description()).load(hf)
    invalid = as_torch(refusal.edit(valid))
    answer = ask("numpy", op, plan_request(plan), invalid, session=f"invalid {refusal.id}")
    if answer.ok:
        assert elements(answer.tensors) == elements(invalid)


def elements(tensors: StateDict) -> int:
    return sum(tensor.numel() for tensor in tensors.values())
