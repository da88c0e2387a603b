# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""Small configs of each layout table, with all kinds of layers that it knows."""

from typing import Any

from hymt2.configs import size_fields
from hymt2.names import flag_of
from hymt2.presets import complete_config

Config = dict[str, Any]

_SIZES: Config = {
    "vocab_size": 40,
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "num_experts_per_tok": 2,
    "pad_token_id": None,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
_QWEN: Config = _SIZES | {"moe_intermediate_size": 6, "num_experts": 5, "head_dim": 8}
_GLM: Config = _SIZES | {
    "moe_intermediate_size": 6,
    "n_routed_experts": 5,
    "n_shared_experts": 1,
    "first_k_dense_replace": 1,
    "num_nextn_predict_layers": 1,
    "n_group": 1,
    "topk_group": 1,
}
_DEEPSEEK: Config = _GLM | {
    "kv_lora_rank": 7,
    "q_lora_rank": 10,
    "qk_rope_head_dim": 4,
    "qk_nope_head_dim": 3,
    "v_head_dim": 5,
}
_INDEXED: Config = _DEEPSEEK | {"index_n_heads": 3, "index_head_dim": 6, "index_topk": 2}
_STEP: Config = size_fields("step3p5", K=2, A=8, E=5, I=6, X=10) | {
    **{key: _SIZES[key] for key in _SIZES if key != "num_key_value_heads"},
    "num_hidden_layers": 4,
    "num_nextn_predict_layers": 2,
    "moe_layers_enum": "1,3",
    "sliding_window": 4,
    "use_head_wise_attn_gate": True,
    flag_of("step3p5", "router bias"): True,
    "pad_token_id": 0,
}
_VISION: Config = {
    "depth": 1,
    "hidden_size": 8,
    "intermediate_size": 12,
    "num_heads": 2,
    "out_hidden_size": 16,
    "deepstack_visual_indexes": [0],
    "patch_size": 2,
    "num_position_embeddings": 4,
}
_AUDIO: Config = {
    "d_model": 8,
    "encoder_layers": 1,
    "encoder_attention_heads": 2,
    "encoder_ffn_dim": 8,
    "num_mel_bins": 8,
    "output_dim": 16,
    "downsample_hidden_size": 4,
}
_M3_VISION: Config = {
    "hidden_size": 8,
    "intermediate_size": 12,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "image_size": 28,
    "patch_size": 14,
}
_SLIDING: Config = {
    "layer_types": ["full_attention"] + 5 * ["sliding_attention"],
    "attention_other_setting": {
        "attention_type": "sliding_attention",
        "num_attention_heads": 6,
        "num_attention_groups": 2,
        "head_dim": 8,
    },
}

SMALL: dict[str, list[Config]] = {
    "hy_v3": [
        complete_config(),
        complete_config({"num_experts": 12, "tie_word_embeddings": True, "num_shared_experts": 2}),
        complete_config({"first_k_dense_replace": 0, "num_nextn_predict_layers": 1}),
    ],
    "qwen3_moe": [
        _QWEN,
        _QWEN | {"num_experts": 12, "tie_word_embeddings": True, "attention_bias": True},
        _QWEN | {"num_hidden_layers": 6, "mlp_only_layers": [1], "decoder_sparse_step": 2},
    ],
    "glm4_moe": [
        _GLM | {"attention_bias": True},
        _GLM | {"use_qk_norm": True, "head_dim": 6, "n_routed_experts": 12, "n_shared_experts": 2},
        _GLM | {"first_k_dense_replace": 0, "tie_word_embeddings": True},
    ],
    "deepseek_v3": [
        _DEEPSEEK,
        _DEEPSEEK | {"q_lora_rank": None, "n_routed_experts": 12, "tie_word_embeddings": True},
        _DEEPSEEK | {"first_k_dense_replace": 2, "n_shared_experts": 2, "attention_bias": True},
    ],
    "deepseek_v32": [
        _INDEXED,
        _INDEXED | {"n_routed_experts": 12, "tie_word_embeddings": True, "n_shared_experts": 2},
        _INDEXED | {"first_k_dense_replace": 2, "attention_bias": True},
    ],
    "glm_moe_dsa": [
        _INDEXED | {"index_topk_freq": 2, "index_skip_topk_offset": 1},
        _INDEXED | {"n_routed_experts": 12, "tie_word_embeddings": True, "attention_bias": True},
        _INDEXED | {"num_hidden_layers": 9, "index_topk_freq": 4, "index_skip_topk_offset": 3},
    ],
    "glm4_moe_lite": [
        _DEEPSEEK,
        _DEEPSEEK | {"q_lora_rank": None, "n_routed_experts": 12, "attention_bias": True},
        _DEEPSEEK | {"tie_word_embeddings": True, "mlp_layer_types": ["dense", "sparse", "sparse"]},
    ],
    "minimax_m2": [
        _SIZES | {"num_local_experts": 5, "head_dim": 8, "intermediate_size": 6},
        _SIZES | {"num_local_experts": 12, "head_dim": 6, "tie_word_embeddings": True},
    ],
    "gpt_oss": [
        _SIZES | {"num_local_experts": 5, "head_dim": 8, "intermediate_size": 6},
        _SIZES
        | {"num_local_experts": 12, "head_dim": 6, "attention_bias": False}
        | {"tie_word_embeddings": True},
    ],
    "qwen3_vl_moe": [
        {"text_config": _QWEN, "vision_config": _VISION},
        {
            "text_config": _QWEN
            | {"num_hidden_layers": 5, "mlp_only_layers": [1], "decoder_sparse_step": 2}
            | {"attention_bias": True, "num_experts": 12},
            "vision_config": _VISION,
        },
    ],
    "qwen3_omni_moe": [
        {"text_config": _QWEN, "vision_config": _VISION, "audio_config": _AUDIO},
        {
            "text_config": _QWEN
            | {"num_hidden_layers": 5, "mlp_only_layers": [1], "decoder_sparse_step": 2}
            | {"attention_bias": True, "num_experts": 12},
            "vision_config": _VISION,
            "audio_config": _AUDIO,
        },
    ],
    "step3p5": [_STEP, _STEP | _SLIDING],
    "kimi_vl": [
        {"text_config": _DEEPSEEK},
        {"text_config": _DEEPSEEK | {"q_lora_rank": None, "first_k_dense_replace": 2}},
    ],
}
_M3: Config = _SIZES | {
    "num_local_experts": 5,
    "head_dim": 8,
    "intermediate_size": 6,
    "dense_intermediate_size": 24,
    "shared_intermediate_size": 10,
    "mlp_layer_types": ["dense", "sparse", "sparse"],
    "layer_types": ["full_attention", "minimax_m3_sparse", "minimax_m3_sparse"],
    "index_n_heads": 3,
    "index_head_dim": 6,
}
SMALL["minimax_m3_vl"] = [
    {"text_config": text, "vision_config": _M3_VISION, "projector_hidden_size": 12}
    for text in (_M3, _M3 | {"num_local_experts": 12, "head_dim": 6})
]
SMALL["qwen3_omni"] = [{"thinker_config": config} for config in SMALL["qwen3_omni_moe"]]
SMALL["step3p7"] = [
    {"text_config": {**config, "num_nextn_predict_layers": 0}}
    for config in (_STEP, {**_STEP, **_SLIDING, "layer_types": _SLIDING["layer_types"][:4]})
]
_LAGUNA: Config = _QWEN | {
    "shared_expert_intermediate_size": 10,
    "mlp_layer_types": ["dense", "sparse", "sparse"],
    "num_attention_heads_per_layer": [4, 6, 4],
}
SMALL["laguna"] = [
    _LAGUNA,
    _LAGUNA
    | {"num_experts": 12, "tie_word_embeddings": True, "attention_bias": True}
    | {"num_attention_heads_per_layer": [4, 4, 4]},
]
_HY4: Config = _INDEXED | {
    "n_routed_experts": 5,
    "hc_mult": 2,
    "mlp_layer_types": ["dense", "sparse", "sparse"],
    "indexer_types": ["full", "shared", "full"],
}
SMALL["hy_v4"] = [
    _HY4,
    _HY4
    | {"n_routed_experts": 12, "n_shared_experts": 2, "tie_word_embeddings": True}
    | {"attention_bias": True, "hc_mult": 3, "indexer_types": ["full", "full", "shared"]},
]
_DELTA: Config = {
    "linear_num_key_heads": 2,
    "linear_num_value_heads": 4,
    "linear_key_head_dim": 3,
    "linear_value_head_dim": 5,
    "linear_conv_kernel_dim": 4,
}
_QWEN_NEXT: Config = _QWEN | _DELTA | {"shared_expert_intermediate_size": 10}
SMALL["qwen3_next"] = [
    _QWEN_NEXT | {"full_attention_interval": 2},
    _QWEN_NEXT
    | {"num_experts": 12, "tie_word_embeddings": True, "attention_bias": True}
    | {"num_hidden_layers": 5, "mlp_only_layers": [1]},
]
_ERNIE: Config = _SIZES | {"moe_num_experts": 5, "moe_intermediate_size": 6, "moe_k": 2}
SMALL["ernie4_5_moe"] = [
    _ERNIE | {"moe_num_shared_experts": 2, "moe_layer_start_index": 1},
    _ERNIE
    | {"moe_num_experts": 12, "moe_num_shared_experts": 0, "moe_layer_start_index": 0}
    | {"use_bias": True, "tie_word_embeddings": False, "head_dim": 6},
]
_LINEAR: Config = {
    "linear_head_dim": 5,
    "linear_num_heads": 2,
    "linear_conv_kernel_dim": 4,
    "mlp_layer_types": ["dense", "sparse", "sparse"],
}
_KIMI_LINEAR: Config = {
    **{key: _DEEPSEEK[key] for key in _DEEPSEEK if key not in ("q_lora_rank", "n_routed_experts")},
    **_LINEAR,
    "num_experts": 5,
    "layer_types": ["linear_attention", "full_attention", "linear_attention"],
}
SMALL["kimi_linear"] = [
    _KIMI_LINEAR,
    _KIMI_LINEAR | {"num_experts": 12, "n_shared_experts": 2},
]
_GLM_NEXT: Config = {
    **{key: _INDEXED[key] for key in _INDEXED if key != "num_nextn_predict_layers"},
    **_LINEAR,
    "num_key_value_heads": 4,
    "index_kpool": 2,
    "qk_rope_head_dim": 0,
    "hc_mult": 2,
    "layer_types": ["linear_attention", "indexed_attention", "linear_attention"],
}
_GLM_VISION: Config = {
    "depth": 1,
    "hidden_size": 8,
    "intermediate_size": 12,
    "num_heads": 2,
    "out_hidden_size": 16,
    "projection_intermediate_size": 12,
    "patch_size": 2,
}
SMALL["glm5_next"] = [
    {"text_config": text, "vision_config": _GLM_VISION}
    for text in (
        _GLM_NEXT,
        _GLM_NEXT | {"n_routed_experts": 12, "n_shared_experts": 2, "attention_bias": True},
    )
]
SMALL["qwen3_5_moe"] = [
    {"text_config": text, "vision_config": _VISION}
    for text in (
        {key: _QWEN_NEXT[key] for key in _QWEN_NEXT if key != "intermediate_size"}
        | {"full_attention_interval": 2},
        _QWEN_NEXT | {"num_experts": 12, "attention_bias": True, "num_hidden_layers": 5},
    )
]
_GLM_ONLY = ("n_shared_experts", "num_nextn_predict_layers")
_MIMO: Config = {
    **{key: value for key, value in _GLM.items() if key not in _GLM_ONLY},
    "head_dim": 8,
    "v_head_dim": 5,
    "swa_num_key_value_heads": 4,
    "sliding_window": 4,
    "mlp_layer_types": ["dense", "sparse", "sparse"],
    "layer_types": ["full_attention", "sliding_attention", "sliding_attention"],
}
SMALL["mimo_v2_flash"] = [
    _MIMO,
    _MIMO | {"n_routed_experts": 12, "tie_word_embeddings": True, "attention_bias": True},
]
_HUNYUAN: Config = size_fields("hunyuan_image3", H=16, I=6, E=5, V=40, P=4, K=2, A=8)
SMALL["hunyuan_image3"] = [
    _HUNYUAN | {"num_hidden_layers": 2},
    _HUNYUAN
    | {"num_hidden_layers": 2, "num_experts": 12, "num_shared_expert": 2}
    | {"attention_bias": True, "use_qk_norm": False},
]
_NEMOTRON: Config = {
    **size_fields("nemotron_v3", H=16, I=6, E=5, V=40, P=4, K=2, A=8, D=24, X=10, U=16),
    "moe_latent_size": None,
    "mamba_num_heads": 4,
    "n_groups": 2,
    "num_experts_per_tok": 2,
    "num_hidden_layers": 4,
    "hybrid_override_pattern": "ME*-",
}
SMALL["nemotron_v3"] = [
    _NEMOTRON,
    _NEMOTRON
    | {"n_routed_experts": 12, "moe_latent_size": 7, "use_bias": True, "use_conv_bias": False}
    | {"num_hidden_layers": 5, "hybrid_override_pattern": "-*EME"},
]
_MIMO25: Config = {
    **{key: value for key, value in _MIMO.items() if key not in ("layer_types", "mlp_layer_types")},
    "hybrid_layer_pattern": [0, 1, 1],
    "moe_layer_freq": [0, 1, 1],
    "add_swa_attention_sink_bias": True,
    "swa_num_attention_heads": 8,
    "swa_head_dim": 6,
    "swa_v_head_dim": 3,
    "attention_projection_layout": "fused_qkv",
}
SMALL["mimo_v25"] = [
    _MIMO25,
    _MIMO25
    | {"n_routed_experts": 12, "attention_bias": True, "add_full_attention_sink_bias": True},
]
SMALL["kimi_k25_vl"] = SMALL["kimi_vl"]
_LING: Config = size_fields("ling_v2", V=40, H=16, D=24, I=6, E=5, S=1, P=4, K=2, A=8)
SMALL["ling_v2"] = [
    _LING | {"num_hidden_layers": 3, "first_k_dense_replace": 1},
    _LING
    | {"num_hidden_layers": 2, "first_k_dense_replace": 0, "num_experts": 12}
    | {"use_qk_norm": False, "moe_router_enable_expert_bias": False},
]
_KIMI_K3: Config = {
    **{key: _DEEPSEEK[key] for key in _DEEPSEEK if key not in ("n_routed_experts",)},
    **{"moe_intermediate_size": 6, "num_experts": 5, "num_shared_experts": 1},
    **{"routed_expert_hidden_size": 9, "attn_res_block_size": 2},
    "linear_attn_config": {
        **{"head_dim": 5, "num_heads": 2, "short_conv_kernel_size": 4},
        **{"full_attn_layers": [2], "kda_layers": [1, 3]},
    },
}
SMALL["kimi_k3"] = [
    {"text_config": text}
    for text in (
        _KIMI_K3,
        _KIMI_K3
        | {"num_experts": 12, "q_lora_rank": None, "num_shared_experts": 2}
        | {"latent_moe_use_norm": False, "mla_use_output_gate": False}
        | {
            "linear_attn_config": _KIMI_K3["linear_attn_config"]
            | {"num_heads": 130, "head_dim": 1, "use_full_rank_gate": True}
        },
    )
]
"""Small configs by table; the first of each is the one of the fixtures."""

WITHOUT_MODEL = ("hunyuan_image3", "kimi_k3", "mimo_v25", "ling_v2")
"""The tables of models that transformers has not, nor a part of them."""
KIMI = ("kimi_vl", "kimi_k25_vl")
"""The tables with DeepSeek-V3's language model in a model of another's."""
IN_TRANSFORMERS = tuple(name for name in SMALL if name not in (*KIMI, *WITHOUT_MODEL))
"""The tables of models that transformers has whole."""
