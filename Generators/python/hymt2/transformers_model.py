# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""transformers' HYV3ForCausalLM: a checkpoint as transformers itself loads and saves it."""

import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import hymt2.offline  # noqa: F401
import torch
from transformers import HYV3Config, HYV3ForCausalLM
from transformers.utils import logging

from hymt2.errors import OracleError
from hymt2.folders import read_folder
from hymt2.layout import is_mtp_key


def transformers_model(
    path: Path, config: Mapping[str, Any], dtype: torch.dtype = torch.float32
) -> HYV3ForCausalLM:
    """The checkpoint as from_pretrained loads it; only MTP layers may be left over."""
    logging.disable_progress_bar()
    # Its table of unexpected keys: they are checked below.
    logging.set_verbosity_error()
    model, info = HYV3ForCausalLM.from_pretrained(
        path,
        dtype=dtype,
        output_loading_info=True,
        # The definition in the model's own source; the faster kernels refuse odd sizes.
        attn_implementation="eager",
        experts_implementation="eager",
    )
    wrong = [*info["mismatched_keys"], *info["error_msgs"]]
    if wrong:
        raise OracleError(f"{path}: transformers cannot load {wrong[:5]}")
    check_keys(f"{path}: transformers", config, info["missing_keys"], info["unexpected_keys"])
    return model.eval()


def empty_model(path: Path) -> HYV3ForCausalLM:
    """The model of a folder's config.json without any weights (on the meta device)."""
    with torch.device("meta"):
        return HYV3ForCausalLM(HYV3Config.from_pretrained(path))


def saved_by_transformers(
    model: HYV3ForCausalLM, state: Mapping[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """What save_pretrained writes of `model`, all of whose weights are taken from `state`."""
    logging.disable_progress_bar()
    # Assigned, not copied: every tensor keeps the dtype that it has in `state`.
    model.load_state_dict(dict(state), strict=False, assign=True)
    model.tie_weights()
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        tensors = read_folder(Path(folder)).tensors
        # The file may be mapped, and is deleted.
        return {key: tensor.clone() for key, tensor in tensors.items()}


def check_keys(
    who: str, config: Mapping[str, Any], missing: Iterable[str], unexpected: Iterable[str]
) -> None:
    """Throws if a key is missing, or one is left over that is not of an MTP layer."""
    left_over = sorted(key for key in unexpected if not is_mtp_key(config, key))
    lacking = sorted(missing)
    if lacking or left_over:
        raise OracleError(f"{who}: missing keys {lacking[:5]}, unexpected keys {left_over[:5]}")
