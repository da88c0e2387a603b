# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""Where tensors on disk stand in native ones, as views: to convert is to copy."""

from typing import Any

from hymt2.errors import OracleError
from hymt2.tables import Place, Tensor


def region(native: Any, tensor: Tensor, place: Place) -> Any:
    """The part of a native array, of torch or NumPy, that holds a tensor on disk, with its axes."""
    if place.axes is None:
        if place.cropped:
            raise OracleError(f"{place.key}: what is cropped is no view")
        return native if place.shape is None else native.reshape(tensor.shape)
    selectors: list[Any] = []
    letters = []
    for step, letter, start, halves in place.axes:
        if halves is not None:
            raise OracleError(f"{place.key}: exchanged halves are no view")
        if letter in tensor.letters:
            count = tensor.shape[tensor.letters.index(letter)]
            selectors.append(slice(start, start + step * count, step))
            letters.append(letter)
        else:
            selectors.append(start + step * (tensor.expert or 0))
    part = native[tuple(selectors)]
    order = [letters.index(letter) for letter in tensor.letters]
    return part.permute(order) if hasattr(part, "permute") else part.transpose(order)
