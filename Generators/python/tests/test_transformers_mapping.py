# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""transformers' mapping in the project is the installed one, and its own code does what we say."""

import runpy

import pytest
import torch

from hymt2.layout_models import layout_model, saved_tensors
from hymt2.small_configs import IN_TRANSFORMERS, SMALL
from hymt2.table_moves import native_tensors
from hymt2.tables import TABLES, read_layout

TOOL = TABLES.parents[2] / "Generators/python/tools/import_transformers_mapping.py"


def test_the_file_is_what_transformers_says() -> None:
    tool = runpy.run_path(str(TOOL))
    assert tool["FILE"].read_text() == tool["written"](tool["mapping"]())


@pytest.mark.parametrize("name", IN_TRANSFORMERS)
def test_every_group_has_the_elements_of_one_of_transformers_tensors(name: str) -> None:
    config = SMALL[name][0]
    model = layout_model(name, config).float()
    start = 0
    with torch.no_grad():
        for tensor in model.state_dict().values():
            tensor.copy_(torch.arange(start, start + tensor.numel()).reshape(tensor.shape))
            start += tensor.numel()
    assert start < 2**24
    theirs = {int(tensor.min()): tensor for tensor in model.state_dict().values()}
    layout = read_layout(name, config)
    layout.tensors[:] = [tensor for tensor in layout.tensors if tensor.kind != "mtp"]
    form = layout.table.get("natives", ["automodel"])[0]
    native = native_tensors(layout, saved_tensors(name, model), form)
    for key, members in layout.groups(form).items():
        if members[0].places[form].axes is not None:
            found = theirs[int(native[key].min())]
            assert any(torch.equal(native[key], t) for t in (found, found.mT)), key
