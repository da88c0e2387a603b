# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""An adapter as torchtitan has them: made of the model's arguments, it maps whole state dicts by names."""

import re
from types import SimpleNamespace

import torch

StateDict = dict[str, torch.Tensor]
NAMES = {  # on disk: native
    "self_attn.q_proj": "attention.wq",
    "self_attn.k_proj": "attention.wk",
    "self_attn.v_proj": "attention.wv",
    "self_attn.o_proj": "attention.wo",
    "self_attn.q_norm": "attention.q_norm",
    "self_attn.k_norm": "attention.k_norm",
    "input_layernorm": "attention_norm",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate": "moe.router.gate",
    "mlp.experts.{}.gate_proj": "moe.experts.w1",
    "mlp.experts.{}.up_proj": "moe.experts.w3",
    "mlp.experts.{}.down_proj": "moe.experts.w2",
}
ON_DISK = {native: on_disk for on_disk, native in NAMES.items()}
LAYER = re.compile(r"(model\.layers\.\d+\.)(.+?)(\.weight)?")
EXPERT = re.compile(r"(?<=experts\.)\d+")


class Qwen3StateDictAdapter:
    """Qwen3-MoE, of which every layer has experts."""

    def __init__(self, model_args: SimpleNamespace, hf_assets_path: str | None = None) -> None:
        self.model_args = model_args

    def from_hf(self, hf_state_dict: StateDict) -> StateDict:
        native: StateDict = {}
        experts: dict[str, dict[int, torch.Tensor]] = {}
        for key, tensor in hf_state_dict.items():
            match = LAYER.fullmatch(key)
            name = match and NAMES.get(EXPERT.sub("{}", match[2]))
            if not match or not name:
                native[key] = tensor
            elif number := EXPERT.search(match[2]):
                key = match[1] + name
                experts.setdefault(key, {})[int(number[0])] = tensor
                # Put in anew each time, a group comes to stand where its last expert stood.
                native.pop(key, None)
                native[key] = tensor
            else:
                native[f"{match[1]}{name}.weight"] = tensor
        for key, rows in experts.items():
            dtype = self.model_args.dtype
            native[key] = torch.stack([rows[e] for e in range(self.model_args.num_experts)]).to(dtype)
        return native

    def to_hf(self, state_dict: StateDict) -> StateDict:
        hf: StateDict = {}
        for key, tensor in state_dict.items():
            match = LAYER.fullmatch(key)
            name = match and ON_DISK.get(match[2])
            if not match or not name:
                hf[key] = tensor
            elif "{}" in name:
                for expert, rows in enumerate(tensor):
                    hf[f"{match[1]}{name.format(expert)}.weight"] = rows
            else:
                hf[f"{match[1]}{name}.weight"] = tensor
        return hf
