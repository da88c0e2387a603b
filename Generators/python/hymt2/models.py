# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""NeMo's model in float32, whose logits must agree with those of transformers'."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import torch
from nemo_automodel.components.models.common import BackendConfig
from nemo_automodel.components.models.hy_mt2.model import HyMT2ForCausalLM
from torch import nn

from hymt2.errors import OracleError
from hymt2.names import flag_of
from hymt2.nemo import StateDict
from hymt2.transformers_model import check_keys


def nemo_model(config: Mapping[str, Any], native: StateDict) -> nn.Module:
    """NeMo's hy_mt2 model with native tensors as float32. (Its hy_v3 model needs a GPU.)"""
    backend = BackendConfig(
        attn="sdpa",
        linear="torch",
        rms_norm="torch",
        rope_fusion=False,
        experts="torch",
        dispatcher="torch",
        # The conversion under test took place before; the model must not convert again.
        enable_hf_state_dict_adapter=False,
    )
    model = HyMT2ForCausalLM(nemo_config(config), backend=backend).float()
    load_native(model, config, native)
    return model.eval()


def load_native(model: nn.Module, config: Mapping[str, Any], native: StateDict) -> None:
    """Loads a copy; no key may be missing, and only keys of MTP layers may be left over."""
    tensors = {key: tensor.to(torch.float32) for key, tensor in native.items()}
    # A wrong shape raises here.
    keys = model.load_state_dict(tensors, strict=False)
    check_keys("NeMo", config, keys.missing_keys, keys.unexpected_keys)


def nemo_config(config: Mapping[str, Any]) -> SimpleNamespace:
    """What NeMo's model reads, from a config.json that transformers saved.

    NeMo's model is duck-typed. Its own config classes would fill a field that is missing here
    with a default of another checkpoint, so it gets a plain namespace.
    """
    if config["num_experts_per_tok"] < 2:
        # transformers divides the weight of a single chosen expert by itself, NeMo does not.
        raise OracleError("num_experts_per_tok is 1: the two models differ there by design")
    fields = dict(config)
    # The same fact in two spellings: a list of layer kinds, or a count of leading dense layers.
    kinds = config["mlp_layer_types"]
    dense = kinds.count("dense")
    if kinds != ["dense"] * dense + ["sparse"] * (len(kinds) - dense):
        raise OracleError(f"mlp_layer_types {kinds}: NeMo only knows leading dense layers")
    fields["first_k_dense_replace"] = dense
    # NeMo prefers expert_hidden_dim where both are present; transformers has no such field.
    fields["expert_hidden_dim"] = config["moe_intermediate_size"]
    # transformers always uses sigmoid scores, normalises the chosen weights and adds the bias.
    fields["moe_router_use_sigmoid"] = True
    fields["route_norm"] = True
    fields[flag_of("hy_v3", "router bias")] = True
    # The same name and meaning; NeMo's hy_v3 config class would default to 1.0.
    fields["router_scaling_factor"] = config["router_scaling_factor"]
    # NeMo 0.7.0 reads rope_parameters, not the rope_theta and rope_scaling of its config classes.
    # transformers' default rope has no scaling; NeMo's needs the factor 1.0, its own default.
    if config["rope_parameters"].get("rope_type", "default") != "default":
        raise OracleError("only the default rope_type is known to be the same in both models")
    fields["rope_parameters"] = dict(config["rope_parameters"])
    # transformers 5 saves `dtype`; NeMo reads `torch_dtype` for the embedding.
    fields["torch_dtype"] = "float32"
    return SimpleNamespace(**fields)
