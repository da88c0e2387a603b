# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""Moves torch tensors as a layout table's formulas say, element by element, without an adapter."""

from collections.abc import Mapping

import torch

from hymt2.tables import Layout, Place, Tensor, loaded_type
from hymt2.torch_types import DTYPES, NAMES

StateDict = dict[str, torch.Tensor]


def native_tensors(
    layout: Layout,
    tensors: Mapping[str, torch.Tensor],
    form: str = "automodel",
    dtype: torch.dtype | None = None,
) -> StateDict:
    """The native form of a whole checkpoint, with `dtype` for what is cast."""
    native: StateDict = {}
    everywhere = None if dtype is None else loaded_type(layout.table, NAMES[dtype])
    everything = None if everywhere is None else DTYPES[everywhere]
    dtype = everything or dtype
    for key, members in layout.groups(form).items():
        parts = {tensor.name: tensors[tensor.name] for tensor in members}
        if dtype is not None:
            parts = {t.name: parts[t.name].to(dtype) if t.cast else parts[t.name] for t in members}
        whole = next(iter(parts.values()))
        if members[0].places[form].pieces:
            whole = members[0].places[form].cut(whole)[key]
        if members[0].places[form].axes is not None:
            shape = layout.native_shape(form, key, members)
            whole = whole.new_empty(shape)
            written = torch.zeros(shape, dtype=torch.bool)
            for tensor in members:
                index = native_index(tensor, tensor.places[form])
                whole[index] = parts[tensor.name]
                written[index] = True
            assert bool(written.all()), f"{key}: the formulas leave gaps"
        whole = renamed(whole, members[0].places[form])
        native[key] = whole if everything is None else whole.to(everything)
    return native


def disk_tensors(
    layout: Layout, native: Mapping[str, torch.Tensor], form: str = "automodel"
) -> StateDict:
    """The checkpoint on disk, read out of its native form."""
    tensors: StateDict = {}
    for tensor in layout.tensors:
        place = tensor.places[form]
        if place.pieces:
            tensors[tensor.name] = torch.cat([native[key] for key in place.keys])
            continue
        if place.key not in native:
            continue
        whole = native[place.key]
        if place.axes is None:
            tensors[tensor.name] = unrenamed(whole, tensor, place)
        else:
            tensors[tensor.name] = whole[native_index(tensor, place)].contiguous()
    return tensors


def renamed(tensor: torch.Tensor, place: Place) -> torch.Tensor:
    """A tensor with the shape and the type that its native place always has."""
    if place.shape is None:
        shaped = tensor
    else:
        shaped = tensor[: place.shape[0]] if place.cropped else tensor.reshape(place.shape)
    return shaped if place.dtype is None else shaped.to(DTYPES[place.dtype])


def unrenamed(native: torch.Tensor, tensor: Tensor, place: Place) -> torch.Tensor:
    """A native tensor with the shape that it has on disk."""
    if not place.cropped:
        return native if place.shape is None else native.reshape(tensor.shape)
    whole = native.new_zeros(tensor.shape)
    whole[: len(native)] = native
    return whole


def native_index(tensor: Tensor, place: Place) -> tuple[torch.Tensor, ...]:
    """For every axis of the native tensor, its index for each element of the one on disk."""
    assert place.axes is not None
    index = []
    for found in place.axes:
        if found.letter in tensor.letters:
            axis = tensor.letters.index(found.letter)
            numbers = found.index(torch.arange(tensor.shape[axis]))
            shape = [1] * len(tensor.shape)
            shape[axis] = -1
            numbers = numbers.reshape(shape)
        else:
            expert = (tensor.expert or 0) if found.letter == "e" else 0
            numbers = torch.tensor(found.index(expert))
        index.append(numbers.expand(tensor.shape))
    return tuple(index)
