# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""transformers' models for the layout tables, and what is saved of a model."""

import re
from collections.abc import Mapping
from typing import Any

import hymt2.offline  # noqa: F401
import torch
import transformers
from transformers import PreTrainedModel
from transformers.core_model_loading import revert_weight_conversion
from transformers.models.qwen3_omni_moe import configuration_qwen3_omni_moe as qwen3_omni_moe

from hymt2.names import names_of
from hymt2.small_configs import KIMI

_CLASSES = {
    "hy_v3": "HYV3",
    "qwen3_moe": "Qwen3Moe",
    "glm4_moe": "Glm4Moe",
    "deepseek_v3": "DeepseekV3",
    "deepseek_v32": "DeepseekV32",
    "glm_moe_dsa": "GlmMoeDsa",
    "glm4_moe_lite": "Glm4MoeLite",
    "minimax_m2": "MiniMaxM2",
    "gpt_oss": "GptOss",
    "laguna": "Laguna",
    "hy_v4": "HYV4",
    "ernie4_5_moe": "Ernie4_5_Moe",
    "kimi_linear": "KimiLinear",
    "mimo_v2_flash": "MiMoV2Flash",
    "nemotron_v3": "NemotronH",
    "qwen3_next": "Qwen3Next",
}


def layout_model(table: str, config: Mapping[str, Any]) -> PreTrainedModel:
    """transformers' model for a config.json, on the device that is current."""
    fields = {key: config[key] for key in config if key not in ("architectures", "model_type")}
    if table == "qwen3_vl_moe":
        made = transformers.Qwen3VLMoeConfig(**{"tie_word_embeddings": False} | fields)
        return transformers.Qwen3VLMoeForConditionalGeneration(made)
    if table == "qwen3_omni_moe":
        made = qwen3_omni_moe.Qwen3OmniMoeThinkerConfig(**fields)
        return transformers.Qwen3OmniMoeThinkerForConditionalGeneration(made)
    if table in ("step3p5", "step3p7"):
        # transformers knows the model as the text part of a later one with a vision tower.
        vision = {"width": 8, "layers": 1, "heads": 2, "image_size": 28, "patch_size": 14}
        text = fields.get("text_config", fields)
        made = transformers.Step3p7Config(text_config=text, vision_config=vision)
        return transformers.Step3p7ForConditionalGeneration(made)
    if table == "minimax_m3_vl":
        made = transformers.MiniMaxM3VLConfig(**fields)
        return transformers.MiniMaxM3SparseForConditionalGeneration(made)
    if table == "qwen3_omni":
        whole = qwen3_omni_moe.Qwen3OmniMoeConfig(**fields, enable_audio_output=False)
        return transformers.Qwen3OmniMoeForConditionalGeneration(whole)
    if table == "qwen3_5_moe":
        made = transformers.Qwen3_5MoeConfig(**fields)
        return transformers.Qwen3_5MoeForConditionalGeneration(made)
    if table == "glm5_next":
        made = transformers.Glm5NextConfig(**fields)
        return transformers.Glm5NextForConditionalGeneration(made)
    if table in KIMI:
        # Their language model alone, which is DeepSeek-V3's.
        table, fields = "deepseek_v3", {**fields["text_config"], "model_type": "deepseek_v3"}
    stem = _CLASSES[table]
    made = getattr(transformers, f"{stem}Config")(**fields)
    return getattr(transformers, f"{stem}ForCausalLM")(made)


def saved_tensors(table: str, model: PreTrainedModel) -> dict[str, torch.Tensor]:
    """What save_pretrained would write of a model, without its towers."""
    state = dict(model.state_dict())
    for tied in getattr(model, "all_tied_weights_keys", None) or {}:
        state.pop(tied, None)
    saved = revert_weight_conversion(model, state)
    tower = (
        *("model.visual.", "visual.", "audio_tower.", "vision_model.", "vit_large_projector."),
        *("vision_tower.", "multi_modal_projector.", "patch_merge_mlp."),
    )
    tensors = {
        key: saved[key] for key in saved if not key.removeprefix("thinker.").startswith(tower)
    }
    if table in KIMI:
        return {f"language_model.{key}": tensors[key] for key in tensors}
    if table == "kimi_linear":
        # It saves dense layers under the names of experts' modules, which no published file has.
        dense = re.compile(r"(layers\.\d+)\.\w+\.((?:gate|up|down)_proj\.)")
        return {dense.sub(r"\1.mlp.\2", key): tensors[key] for key in tensors}
    if table == "qwen3_5_moe":
        # It saves experts one by one; published files hold them grouped, as the model does.
        apart = re.compile(r"\.experts\.\d+\.")
        tensors = {key: tensors[key] for key in tensors if not apart.search(key)}
        return tensors | {key: state[key] for key in state if ".experts." in key}
    if table == "qwen3_vl_moe":
        # Published files hold each expert's matrix the other way round; see the fixtures' README.
        for key in tensors:
            if names_of(table).is_of_experts(key):
                tensors[key] = tensors[key].transpose(1, 2).contiguous()
    return tensors
