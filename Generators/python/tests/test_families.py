# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""The layout tables against upstream's adapters: both say the same of every golden plan."""

import re

import numpy as np
import pytest

from hymt2.configs import small_config, table_of
from hymt2.golden.cases import GoldenDict, GoldenTensor
from hymt2.golden.families import layouts, plans_of
from hymt2.golden.table import Plan
from hymt2.golden.upstream import Upstream, recast
from hymt2.golden.values import fill
from hymt2.names import is_of_experts, layer_of, prefixes_of, with_prefix
from hymt2.placement import region
from hymt2.tables import (
    DISK,
    NATIVE,
    Place,
    Tensor,
    loaded_type,
    read_layout,
    restarted,
    table_names,
)
from hymt2.torch_types import DTYPES

PLANS = [plan for layout in layouts() for plan in plans_of(layout) if not plan.lora]


def share(plan: Plan, experts: int) -> range:
    """The experts of a plan's rank: all but the last ranks have one more than the rest."""
    if plan.parallelism is None:
        return range(experts)
    rank, size = plan.parallelism
    least, more = divmod(experts, size)
    start = rank * least + min(rank, more)
    return range(start, start + least + (rank < more))


def loaded(plan: Plan, value: GoldenTensor) -> GoldenTensor:
    """A tensor in the type that loading gives all, where it does."""
    target = loaded_type(table_of(plan.family), plan.target)
    is_other = target not in (None, value.dtype) and DTYPES[value.dtype].is_floating_point
    return recast(value, target) if is_other else value


def cast(tensor: Tensor, value: GoldenTensor, target: str) -> GoldenTensor:
    return recast(value, target) if tensor.cast and value.dtype != target else value


def forced(value: GoldenTensor, place: Place) -> GoldenTensor:
    """A tensor with the shape and the type that its place always has."""
    bits = value.bits if place.shape is None or place.cropped else value.bits.reshape(place.shape)
    bits = bits[: place.shape[0]] if place.shape and place.cropped else bits
    shaped = GoldenTensor(value.dtype, bits)
    is_other = place.dtype is not None and place.dtype != value.dtype
    return recast(shaped, place.dtype) if is_other else shaped


def native_by_table(plan: Plan, hf: GoldenDict) -> GoldenDict:
    layout = plan.checkpoint().layout
    hf = {key: loaded(plan, value) for key, value in hf.items()}
    target = loaded_type(layout.table, plan.target) or plan.target
    experts = share(plan, layout.sizes["E"])
    native: GoldenDict = {}
    grouped = set()
    for tensor in layout.tensors:
        name = with_prefix(layout.name, tensor.name, plan.prefix)
        if name not in hf:
            continue
        value, place = cast(tensor, hf[name], target), tensor.places["automodel"]
        key = with_prefix(layout.name, place.key, plan.prefix)
        if is_of_experts(tensor):
            grouped.add(key)
        if place.pieces:
            pieces = {name: GoldenTensor(value.dtype, b) for name, b in place.cut(value.bits).items()}
            native |= {with_prefix(layout.name, name, plan.prefix): t for name, t in pieces.items()}
        elif place.axes is None:
            native[key] = forced(value, place)
        if place.axes is None:
            continue
        if key not in native:
            shape = layout.native_shape("automodel", place.key)
            native[key] = GoldenTensor(value.dtype, np.zeros(shape, value.bits.dtype))
        bits = value.bits
        for number, axis in enumerate(place.axes):
            if axis.halves is not None:
                bits = np.roll(bits, axis.added, tensor.letters.index(axis.letter))
                plain = axis._replace(added=0, halves=None)
                place = Place(place.key, (*place.axes[:number], plain, *place.axes[number + 1 :]))
        region(native[key].bits, tensor, place)[...] = bits
    native |= {
        restarted(layout.table, key.name, DISK, NATIVE): hf[key.name] for key in plan.extra
    }
    return {
        key: GoldenTensor(t.dtype, t.bits[experts.start : experts.stop]) if key in grouped else t
        for key, t in native.items()
    }


def saved_by_table(plan: Plan, hf: GoldenDict) -> GoldenDict:
    layout = plan.checkpoint().layout
    hf = {key: loaded(plan, value) for key, value in hf.items()}
    target = loaded_type(layout.table, plan.target) or plan.target
    experts = share(plan, layout.sizes["E"])
    saved: GoldenDict = {}
    for tensor in layout.tensors:
        name = with_prefix(layout.name, tensor.name, plan.prefix)
        if name not in hf or plan.exclude and re.match(plan.exclude, name):
            continue
        place = Place("", dtype=tensor.places["automodel"].dtype)
        value = forced(cast(tensor, hf[name], target), place)
        if tensor.expert is not None and tensor.expert not in experts:
            continue
        if is_of_experts(tensor) and tensor.expert is None:
            value = GoldenTensor(value.dtype, value.bits[experts.start : experts.stop])
        saved[name] = value
    return saved | {key.name: hf[key.name] for key in plan.extra}


def assert_equal(found: GoldenDict, expected: GoldenDict) -> None:
    assert sorted(found) == sorted(expected)
    for key, tensor in expected.items():
        assert found[key].dtype == tensor.dtype, key
        assert found[key].bits.shape == tensor.bits.shape, key
        assert found[key].data() == tensor.data(), key


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.id)
def test_the_table_says_what_upstream_does(plan: Plan) -> None:
    hf = fill(plan.keys(), plan.contents, plan.target)
    native, saved = Upstream(plan.description()).convert(hf, plan.saves)
    assert_equal(native, native_by_table(plan, hf))
    if saved is not None:
        assert_equal(saved, saved_by_table(plan, hf))


@pytest.mark.parametrize("layout", layouts())
def test_every_layout_has_cases_of_every_kind(layout: str) -> None:
    plans = list(plans_of(layout))
    assert len({plan.id for plan in plans}) == len(plans) >= 12
    assert all(plan.id.startswith(layout.replace("_", "-") + "-") for plan in plans)
    flags = {flag for plan in plans for flag in plan.flags}
    assert {"experts-1", "experts-2", "experts-11", "square", "tall", "wide", "order"} <= flags
    assert {"cast", "special", "exclusion", "whole-model"} <= flags
    assert ("prefix" in flags) == (len(prefixes_of(layout)) > 1)


@pytest.mark.parametrize("layout", table_names())
def test_a_small_config_is_read_again(layout: str) -> None:
    config = small_config(layout)
    read = read_layout(layout, config)
    assert (read.sizes["E"], read.sizes["H"], read.sizes["I"]) == (3, 4, 3)
    assert len(read.kinds) == 2 and read.kinds[-1] == "sparse"
    for prefix in prefixes_of(layout):
        for tensor in read.tensors:
            name = with_prefix(layout, tensor.name, prefix)
            assert layer_of(layout, name) == tensor.layer, name
