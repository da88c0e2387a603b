# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""Upstream's adapter of every layout, over the protocol."""

import functools
import json
from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import pytest
import torch
from serving_client import (
    Answer,
    Child,
    StateDict,
    assert_same,
    plan_request,
    plan_tensors,
    read_answer,
    request_frame,
    split,
)

from hymt2.configs import table_of
from hymt2.errors import OracleError
from hymt2.expert_parallel import expert_parallel_mesh
from hymt2.golden.families import WITHOUT_RANKS, changed
from hymt2.golden.table import Plan
from hymt2.golden.upstream import Upstream
from hymt2.names import names_of, prefixes_of
from hymt2.nemo import adapter_class
from hymt2.serving.nemo_backend import NeMoBackend
from hymt2.serving.numpy_backend import NumPyBackend
from hymt2.serving.server import Server
from hymt2.tables import table_names

LAYOUTS = [name for name in table_names() if table_of(name).get("upstream")]


@functools.cache
def server(layout: str) -> Server:
    return Server(NeMoBackend(layout=layout))


@pytest.fixture(autouse=True)
def no_process_group() -> Iterator[None]:
    """`Upstream` makes one of its own."""
    yield
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


def ask(layout: str, op: str, *arguments: Any, **changes: str) -> Answer:
    """One session for each config."""
    if arguments:
        changes.setdefault("session", json.dumps(arguments[0]["config"]))
    (request,) = split(request_frame(op, *arguments, **changes))
    (answer,) = split(server(layout).answer(request))
    return read_answer(answer)


def small(layout: str, **sizes: int) -> Plan:
    config = changed(layout, **sizes)
    return Plan("small", "", (), config, family=layout, prefix=prefixes_of(layout)[0])


def request_of(plan: Plan, **members: Any) -> dict[str, Any]:
    """Without the member `moe`, where the protocol lets it be absent."""
    request = plan_request(plan, **members)
    return request if plan.family.startswith("hy_") else request | {"moe": {}}


def local(tensors: StateDict) -> StateDict:
    return {k: t.to_local() if hasattr(t, "to_local") else t for k, t in tensors.items()}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_conversions_are_those_of_the_class(layout: str) -> None:
    plan = small(layout)
    hf, request = plan_tensors(plan), request_of(plan)
    upstream = Upstream(plan.description()).adapter
    assert type(upstream) is adapter_class(layout)
    # Step-3.5's down projections are views of the checkpoint's.
    native = {key: t.contiguous() for key, t in upstream.from_hf(dict(hf)).items()}
    assert names_of(layout).groups() & {key.partition("layers.1.")[2] for key in native}
    answer = ask(layout, "from_hf", request, hf)
    assert answer.ok, answer.metadata
    assert_same(answer.tensors, native)
    for pattern in (None, rf".*{names_of(layout).disk('router')}"):
        expected = upstream.to_hf(dict(native), exclude_key_regex=pattern)
        excluding = request | {"exclude_key_regex": pattern}
        assert_same(ask(layout, "to_hf", excluding, native).tensors, expected)
        for key, tensor in native.items():
            if not hasattr(upstream, "convert_single_tensor_to_hf"):
                break
            asked = excluding | {"fqn": key}
            answer = ask(layout, "convert_single_tensor_to_hf", asked, {key: tensor})
            pairs = upstream.convert_single_tensor_to_hf(key, tensor, exclude_key_regex=pattern)
            assert_same(answer.tensors, dict(pairs))
    saved = ask(layout, "to_hf", request, native).tensors
    # A type that loading forces stays.
    table = {tensor.name: tensor for tensor in plan.checkpoint().layout.tensors}
    forced = {key for key in hf if table[key].places["automodel"].dtype == "F32"}
    expected = {key: hf[key].float() if key in forced else hf[key] for key in hf}
    if "cast all" in plan.checkpoint().layout.table:
        expected = {key: tensor.bfloat16() for key, tensor in expected.items()}
    assert_same({key: saved[key] for key in hf}, expected)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_ranks_load_and_save_their_experts(layout: str) -> None:
    plan = small(layout, E=4)
    hf, whole = plan_tensors(plan), request_of(plan)
    group = names_of(layout).group("down")
    for rank in range(2):
        request = whole | {"ep": {"rank": rank, "size": 2}}
        native = ask(layout, "from_hf", request, hf).tensors
        saved = ask(layout, "to_hf", request, native).tensors
        if torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()
        upstream = Upstream(plan.description()).adapter
        with expert_parallel_mesh(rank, 2) as mesh:
            sharded = upstream.from_hf(dict(hf), device_mesh=mesh)
            assert_same(native, local(sharded))
            assert_same(saved, local(upstream.to_hf(sharded)))
        (experts,) = {len(t) for key, t in native.items() if key.endswith(group)}
        assert experts == (4 if layout in WITHOUT_RANKS else 2)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_hello_names_the_class_and_what_is_not_upstreams(layout: str) -> None:
    hello = ask(layout, "hello").metadata
    assert (hello["name"], hello["version"]) == ("nemo-automodel", version("nemo-automodel"))
    assert (hello["layout"], hello["adapter"]) == (layout, adapter_class(layout).__name__)
    has_method = hasattr(adapter_class(layout), "_is_mtp_key")
    assert has_method == layout.startswith("hy_")
    remarks = json.loads(hello.get("remarks", "[]"))
    assert has_method or "is_mtp_key is answered by the layout's table" in remarks[0]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_mtp_keys_are_those_of_layers_behind_the_last(layout: str) -> None:
    plan = small(layout)
    stem = prefixes_of(layout)[0]
    for name, expected in (
        (f"{stem}layers.1.input_layernorm.weight", "false"),
        (f"{stem}layers.2.input_layernorm.weight", "true"),
        (f"{stem}layers.10.input_layernorm.weight", "true"),
        (f"{stem}norm.weight", "false"),
        ("visual.layers.7.weight", "false"),
    ):
        answer = ask(layout, "is_mtp_key", request_of(plan, fqn=name))
        assert answer.metadata["is_mtp"] == expected, name


def test_another_layout_than_the_served_one_is_refused_in_one_sentence() -> None:
    plan = small("qwen3_moe")
    request = request_of(plan) | {"model": "glm4_moe"}
    answer = ask("qwen3_moe", "from_hf", request, plan_tensors(plan), session="other")
    assert not answer.ok
    assert answer.metadata["error_message"] == (
        "model: expected qwen3_moe, which is served, found 'glm4_moe'; `serve nemo --layout NAME`"
        " serves another layout"
    )
    for backend in (NeMoBackend(), NumPyBackend()):
        (frame,) = split(request_frame("from_hf", request_of(plan)))
        (refused,) = split(Server(backend).answer(frame))
        assert "expected hy_mt2 or hy_v3" in read_answer(refused).metadata["error_message"]


def test_what_cannot_be_served_is_said_at_the_start() -> None:
    with pytest.raises(OracleError, match="no such layout; there are .*hy_v3"):
        NeMoBackend(layout="nothing")
    with pytest.raises(OracleError, match="expected a module that the adapter of qwen3_moe import"):
        NeMoBackend("mtp-bound-off-by-one", "qwen3_moe")
    with pytest.raises(OracleError, match="found .*state_dict_mixin; plant a fault of another"):
        NeMoBackend("halves-exchanged-load", "gpt_oss")


@pytest.mark.parametrize(
    "layout", ["deepseek_v3", "glm4_moe", "minimax_m2", "qwen3_moe", "qwen3_omni", "qwen3_omni_moe"]
)
def test_a_fault_of_the_mixin_is_one_of_every_layout_that_uses_it(layout: str) -> None:
    plan = small(layout)
    hf = plan_tensors(plan)
    (frame,) = split(request_frame("from_hf", request_of(plan), hf))
    (body,) = split(Server(NeMoBackend("halves-exchanged-load", layout)).answer(frame))
    wrong = read_answer(body).tensors
    right = ask(layout, "from_hf", request_of(plan), hf).tensors
    group = names_of(layout).group("up")
    for key, tensor in right.items():
        halves = torch.cat(tensor.chunk(2, dim=-1)[::-1], dim=-1)
        assert_same({key: wrong[key]}, {key: halves if key.endswith(group) else tensor})


def test_a_fault_of_the_helpers_is_one_of_a_layout_that_imports_their_module() -> None:
    hello = Server(NeMoBackend("ep-rank-zero", "qwen3_vl_moe"))
    assert hello.backend.name == "nemo-automodel"


def test_a_request_without_moe_is_one_of_the_new_layouts() -> None:
    plan = small("qwen3_moe")
    request = request_of(plan)
    del request["moe"]
    assert ask("qwen3_moe", "from_hf", request, plan_tensors(plan), session="bare").ok
    hy = small("hy_v3")
    bare = plan_request(hy)
    del bare["moe"]
    answer = ask("hy_v3", "from_hf", bare, plan_tensors(hy), session="bare")
    assert "moe is missing" in answer.metadata["error_message"]


def test_a_layout_is_served_by_a_process() -> None:
    plan = small("minimax_m2")
    child = Child("serve", "nemo", "--layout", "minimax_m2")
    assert child.ask("hello").metadata["adapter"] == "MiniMaxM2StateDictAdapter"
    hf = plan_tensors(plan)
    native = child.ask("from_hf", request_of(plan), hf).tensors
    assert_same(native, Upstream(plan.description()).adapter.from_hf(dict(hf)))
    saved = child.ask("to_hf", request_of(plan), native).tensors
    assert_same({key: saved[key] for key in hf}, hf)
    assert child.end() == (0, b"", "")
