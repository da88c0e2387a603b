# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""Servers as child processes."""

import json
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

import pytest
import safetensors.torch
import torch
from serving_client import (
    PACKAGE,
    Child,
    assert_same,
    frame,
    plan_request,
    plan_tensors,
    read_answer,
    request_frame,
    split,
)

from hymt2.expert_parallel import expert_parallel_mesh
from hymt2.golden.table import Plan, plans
from hymt2.golden.upstream import Upstream

PLANS = {plan.id: plan for plan in plans()}
PLAN = Plan("served", "", (), {"num_experts": 3, "num_nextn_predict_layers": 1})
TESTS = Path(__file__).parent
Start = Callable[..., Child]


@pytest.fixture
def start() -> Iterator[Start]:
    children: list[Child] = []

    def make(*words: str, folder: Path | None = None) -> Child:
        children.append(Child(*words, folder=folder))
        return children[-1]

    yield make
    for child in children:
        child.process.kill()
        child.process.communicate()


def own(start: Start, name: str, *words: str) -> Child:
    return start("serve", f"own_adapters:{name}", *words, folder=TESTS)


def test_nemo_answers_as_it_does_in_this_process(start: Start) -> None:
    child = start("serve", "nemo")
    hello = child.ask("hello", id="first").metadata
    assert hello == {
        "protocol": "hymt2-adapter/1",
        "id": "first",
        "ok": "true",
        "name": "nemo-automodel",
        "version": version("nemo-automodel"),
    }
    upstream = Upstream(PLAN.description()).adapter
    request, hf = plan_request(PLAN), plan_tensors(PLAN)
    native = upstream.from_hf(dict(hf))
    assert_same(child.ask("from_hf", request, hf).tensors, native)
    for pattern in (None, r".*\.experts\.1\."):
        excluding = request | {"exclude_key_regex": pattern}
        expected = upstream.to_hf(dict(native), exclude_key_regex=pattern)
        assert_same(child.ask("to_hf", excluding, native).tensors, expected)
        for key, tensor in native.items():
            asked = excluding | {"fqn": key}
            answer = child.ask("convert_single_tensor_to_hf", asked, {key: tensor})
            pairs = upstream.convert_single_tensor_to_hf(key, tensor, exclude_key_regex=pattern)
            assert_same(answer.tensors, dict(pairs))
    for key in hf:
        answer = child.ask("is_mtp_key", request | {"fqn": key})
        assert (answer.metadata["is_mtp"] == "true") == upstream._is_mtp_key(key)
    for rank, size in ((0, 2), (1, 2), (1, 3)):
        answer = child.ask("from_hf", request | {"ep": {"rank": rank, "size": size}}, hf)
        with expert_parallel_mesh(rank, size) as mesh:
            expected = upstream.from_hf(dict(hf), device_mesh=mesh)
            local = {k: t.to_local() if hasattr(t, "to_local") else t for k, t in expected.items()}
        assert_same(answer.tensors, local)
    assert child.end() == (0, b"", "")


def test_numpy_answers_as_nemo(start: Start) -> None:
    child = start("serve", "numpy")
    assert child.ask("hello").metadata["name"] == "numpy"
    upstream = Upstream(PLAN.description()).adapter
    request, hf = plan_request(PLAN), plan_tensors(PLAN)
    native = upstream.from_hf(dict(hf))
    assert_same(child.ask("from_hf", request, hf).tensors, native)
    assert_same(child.ask("to_hf", request, native).tensors, upstream.to_hf(dict(native)))
    key = "model.layers.1.mlp.experts.down_projs"
    asked = request | {"fqn": key}
    answer = child.ask("convert_single_tensor_to_hf", asked, {key: native[key]})
    expected = dict(upstream.convert_single_tensor_to_hf(key, native[key]))
    assert_same(answer.tensors, expected)
    answer = child.ask("is_mtp_key", request | {"fqn": "model.layers.2.mlp.gate.weight"})
    assert answer.metadata["is_mtp"] == "true"
    assert child.end() == (0, b"", "")


def test_a_thousand_requests_at_once(start: Start) -> None:
    """More sessions than are kept, and all requests written before an answer is read."""
    request, hf = plan_request(PLAN), plan_tensors(PLAN)
    frames = [
        request_frame("from_hf", request, hf, id=str(number), session=str(number % 100))
        for number in range(1000)
    ]
    status, out, err = start("serve", "nemo").end(b"".join(frames))
    assert (status, err) == (0, "")
    answers = [read_answer(body) for body in split(out)]
    assert [answer.metadata["id"] for answer in answers] == [str(n) for n in range(1000)]
    expected = Upstream(PLAN.description()).adapter.from_hf(dict(hf))
    for answer in answers:
        assert_same(answer.tensors, expected)


def test_an_adapter_of_ones_own(start: Start) -> None:
    child = own(start, "Identity")
    hello = child.ask("hello").metadata
    assert (hello["name"], hello["version"]) == ("own_adapters:Identity", "3")
    assert json.loads(hello["supports"]) == {"LoRA": ["none"]}
    assert hello["layout"] == "qwen3_moe"
    tensors = {"b": torch.ones(2), "a": torch.zeros(0, 3)}
    request = plan_request(PLAN)
    for session, calls in (("one", 1), ("one", 2), ("two", 1)):
        found = child.ask("from_hf", request, tensors, session=session).tensors
        assert_same(found, tensors | {"calls": torch.tensor([calls, -1, -1])})
    ep = {"rank": 1, "size": 2}
    found = child.ask("from_hf", request | {"ep": ep}, tensors, session="one").tensors
    assert found["calls"].tolist() == [1, 1, 2]
    single = child.ask("convert_single_tensor_to_hf", request | {"fqn": "b"}, {"b": torch.ones(2)})
    assert_same(single.tensors, {"on disk b": torch.ones(2)})
    refused = child.ask("to_hf", request | {"exclude_key_regex": "x"}, tensors).metadata
    assert refused["error_type"] == "TypeError"
    missing = child.ask("is_mtp_key", request | {"fqn": "b"}).metadata
    assert missing["error_type"] == "NotImplementedError"
    assert "is_mtp_key(fqn)" in missing["error_message"]
    assert child.end()[:2] == (0, b"")


def test_what_is_printed_goes_to_standard_error(start: Start) -> None:
    child = own(start, "Printing")
    tensors = {"x": torch.ones(1)}
    assert_same(child.ask("from_hf", plan_request(PLAN), tensors).tensors, tensors)
    status, out, err = child.end()
    assert (status, out) == (0, b"")
    for line in ("printed while importing", "stray text", "stray bytes", "a stray child"):
        assert line in err


@pytest.mark.parametrize(
    "kind, error, message",
    [
        ("SystemExit", "SystemExit", "5"),
        ("ZeroDivisionError", "ZeroDivisionError", "division"),
        ("Mute", "Mute", "no text"),
        ("no dict", "AnswerError", "expected a dict, found list"),
        ("number", "AnswerError", "'a': expected a tensor, found int"),
        ("key", "AnswerError", "found 3"),
        ("unknown", "KeyError", "unknown"),
    ],
)
def test_errors_are_answers(start: Start, kind: str, error: str, message: str) -> None:
    child = own(start, "Failing", "--tracebacks")
    answer = child.ask("from_hf", plan_request(PLAN), {kind: torch.ones(1)})
    assert not answer.ok
    assert answer.metadata["error_type"] == error
    assert message in answer.metadata["error_message"]
    is_own = error != "AnswerError"
    assert ("own_adapters.py:" in answer.metadata.get("error_place", "")) == is_own
    status, out, err = child.end()
    assert (status, out) == (0, b"")
    assert "Traceback" in err


def test_pairs_that_no_frame_can_hold(start: Start) -> None:
    child = own(start, "Failing")
    for fqn, message in (("pairs", "twice"), ("None", "a list of pairs"), ("x", "list of pairs")):
        asked = plan_request(PLAN) | {"fqn": fqn}
        answer = child.ask("convert_single_tensor_to_hf", asked, {fqn: torch.ones(1)})
        assert answer.metadata["error_type"] == "AnswerError"
        assert message in answer.metadata["error_message"]
    broken = own(start, "broken").ask("from_hf", plan_request(PLAN), {"x": torch.ones(1)})
    assert broken.metadata["error_message"] == "no such model"


@pytest.mark.parametrize(
    "last, changed",
    [
        ("in place", ["in place"]),
        ("popped", ["popped"]),
        ("replaced", ["replaced"]),
        ("added", ["more"]),
        ("moved", ["a", "b", "moved"]),
        ("transposed", ["transposed"]),
        ("shaped", ["shaped"]),
        ("raised", ["raised"]),
        ("nothing", []),
    ],
)
def test_changed_inputs_are_noticed(start: Start, last: str, changed: list[str]) -> None:
    child = own(start, "Spoiling")
    tensors = {"a": torch.ones(2), "b": torch.ones(0), last: torch.ones(1, 3)}
    answer = child.ask("from_hf", plan_request(PLAN), tensors)
    assert answer.changed == changed
    assert answer.ok == (last != "raised")


def test_the_input_may_end_between_frames_only(start: Start) -> None:
    whole = request_frame("hello")
    assert start("serve", "numpy").end()[0] == 0
    for part in (whole[:3], whole[:8], whole[:-1], whole + whole[:20]):
        status, out, err = start("serve", "numpy").end(part)
        assert status == 2
        assert "ends within a frame" in err
        assert len(split(out)) == len(part) // len(whole)


@pytest.mark.parametrize(
    "data, message",
    [
        (b"hello, is anybody there?", "no frame"),
        (frame(b"")[:8], "0 bytes"),
        (frame(b"\x00" * 8), "no frame"),
        (frame(b"\xff" * 50), "no frame"),
        (frame(safetensors.torch.save({}, {"op": "hello"})), "without an id"),
    ],
)
def test_garbage_ends_the_server(start: Start, data: bytes, message: str) -> None:
    status, out, err = start("serve", "numpy").end(data)
    assert (status, out) == (2, b"")
    assert message in err


def test_wrong_requests_are_answered(start: Start) -> None:
    child = start("serve", "numpy")
    tensors = {"x": torch.ones(1)}
    request = plan_request(PLAN)
    wrong = [
        request_frame("hello", protocol="hymt2-adapter/2"),
        request_frame("convert"),
        request_frame("from_hf", request, tensors, request="["),
        request_frame("from_hf", request, tensors, request="3"),
        request_frame("from_hf", request, tensors, request="[" * 100_000),
        request_frame("from_hf", request, tensors, keys="{}"),
        request_frame("from_hf", request, tensors, keys='["y"]'),
        request_frame("from_hf", request | {"ep": {"rank": 2, "size": 2}}, tensors),
        request_frame("from_hf", request | {"ep": 3}, tensors),
        request_frame("from_hf", request | {"dtype": "U3"}, tensors),
        request_frame("from_hf", request | {"config": None}, tensors),
        request_frame("to_hf", request | {"exclude_key_regex": 3}, tensors),
        request_frame("convert_single_tensor_to_hf", request | {"fqn": "y"}, tensors),
    ]
    for data in wrong:
        answer = child.send(data)
        assert (answer.ok, answer.metadata["error_type"]) == (False, "RequestError")
    assert child.ask("hello").ok


def test_what_is_no_adapter_cannot_be_served(start: Start) -> None:
    for target in ("nothing", "no_such_module:X", "own_adapters:Nothing", "own_adapters:value"):
        status, out, err = start("serve", target, folder=TESTS).end()
        assert (status, out) == (2, b"")
        assert f"error: {target}: " in err


def test_the_example_converts_what_it_supports(start: Start) -> None:
    child = start(str(PACKAGE / "examples" / "my_adapter.py"))
    assert child.ask("hello").metadata["name"] == "my-adapter"
    for name in ("model", "model-biases", "order-shuffled-1", "experts-11", "mtp-1-drop",
                 "sizes-wide-square", "exclude-projection", "activation-geglu"):  # fmt: skip
        plan = PLANS[name]
        request, hf = plan_request(plan), plan_tensors(plan)
        upstream = Upstream(plan.description())
        native = upstream.adapter.from_hf(dict(hf))
        assert_same(child.ask("from_hf", request, hf, session=name).tensors, native)
        saved = upstream.adapter.to_hf(dict(native), exclude_key_regex=upstream.exclude)
        assert_same(child.ask("to_hf", request, native, session=name).tensors, saved)
        for key in hf:
            answer = child.ask("is_mtp_key", request | {"fqn": key}, session=name)
            assert (answer.metadata["is_mtp"] == "true") == upstream.adapter._is_mtp_key(key)
    plan = PLANS["experts-2"]
    hf = plan_tensors(plan)
    surplus = hf | {"model.layers.0.mlp.experts.2.up_proj.weight": torch.ones(3, 4)}
    answer = child.ask("from_hf", plan_request(plan), surplus, session="surplus")
    assert "experts.2.up_proj" in answer.metadata["error_message"]
    del hf["model.layers.0.mlp.experts.1.gate_proj.weight"]
    answer = child.ask("from_hf", plan_request(plan), hf, session="surplus")
    assert "experts.1.gate_proj" in answer.metadata["error_message"]
    assert child.end()[:2] == (0, b"")


def swapped(answer: torch.Tensor) -> torch.Tensor:
    half = answer.shape[2] // 2
    return torch.cat([answer[..., half:], answer[..., :half]], dim=2)


def test_nemo_is_served_with_a_planted_fault(start: Start, tmp_path: Path) -> None:
    """By a process of its own, and by those forked from a keeper."""
    upstream = Upstream(PLAN.description()).adapter
    request, hf = plan_request(PLAN), plan_tensors(PLAN)
    key = "model.layers.1.mlp.experts.gate_and_up_projs"
    right = upstream.from_hf(dict(hf))[key]
    warm = ("--warm-from", str(tmp_path / "folder" / "warm.sock"))
    for words in ((), warm, warm):
        child = start("serve", "nemo", "--mutant", "halves-exchanged-load", *words)
        assert child.ask("hello").metadata["name"] == "nemo-automodel"
        found = child.ask("from_hf", request, hf).tensors[key]
        assert torch.equal(found, swapped(right))
        status, out, _ = child.end()
        assert (status, out) == (0, b"")


def test_an_unknown_fault_is_an_error(start: Start, tmp_path: Path) -> None:
    for words in ((), ("--warm-from", str(tmp_path / "warm.sock"))):
        status, out, err = start("serve", "nemo", "--mutant", "none", *words).end()
        assert (status, out) == (2, b"")
        assert "no mutant none" in err
    status, _, err = start("serve", "numpy", "--mutant", "halves-exchanged-load").end()
    assert status == 2
    assert "expected nemo, found numpy" in err
