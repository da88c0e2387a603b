# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""What nemo-automodel 0.7.0 does otherwise in adapters that no table describes: docs/upstream.md.

Each test is the smallest state dict that shows it. One that fails says that upstream has changed.
"""

import importlib
from types import SimpleNamespace
from typing import Any

import pytest
import torch

MODELS = "nemo_automodel.components.models"
MIXIN_EXPERTS = {
    "deepseek_v3": "DeepSeekV3StateDictAdapter",
    "ernie4_5": "Ernie4_5_MoeStateDictAdapter",
    "glm4_moe": "Glm4MoeStateDictAdapter",
    "hy_v3": "HYV3StateDictAdapter",
    "laguna": "LagunaStateDictAdapter",
    "ling_v2": "BailingMoeV2StateDictAdapter",
    "qwen3_moe": "Qwen3MoeStateDictAdapter",
    "qwen3_next": "Qwen3NextStateDictAdapter",
}
"""Adapters of `MoESplitExpertsStateDictMixin` whose experts have its own names on disk."""


def adapter(model: str, name: str, dtype: torch.dtype = torch.bfloat16) -> Any:
    module = importlib.import_module(f"{MODELS}.{model}.state_dict_adapter")
    config = SimpleNamespace(
        num_hidden_layers=1, num_attention_heads=1, num_key_value_heads=1, head_dim=2,
        layer_types=["full_attention"],
    )  # fmt: skip
    config.text_config = config
    moe = SimpleNamespace(
        n_routed_experts=1, moe_inter_dim=2, dim=2, expert_activation="swiglu", expert_bias=False
    )
    backend = SimpleNamespace(dispatcher="torch", experts="torch", attn="sdpa")
    return getattr(module, name)(config, moe, backend, dtype=dtype)


def experts(prefix: str = "model.") -> dict[str, torch.Tensor]:
    names = ("gate_proj", "up_proj", "down_proj")
    start = f"{prefix}layers.0.mlp.experts.0."
    return {f"{start}{name}.weight": torch.ones(2, 2, dtype=torch.bfloat16) for name in names}


GROUP = "layers.0.mlp.experts.down_projs"


def test_step_saves_two_native_biases_under_one_name() -> None:
    step = adapter("step3p5", "Step3p5StateDictAdapter")
    one, other = "model.layers.0.moe.gate.bias", "model.layers.0.moe.gate.e_score_correction_bias"
    saved = step.to_hf({one: torch.zeros(1), other: torch.ones(1)})
    assert saved == {"model.layers.0.moe.router_bias": torch.ones(1)}


def test_ling_excludes_by_search_and_not_at_all_one_by_one() -> None:
    ling = adapter("ling_v2", "BailingMoeV2StateDictAdapter")
    native = {"lm_head.weight": torch.ones(1)}
    assert ling.to_hf(dict(native), exclude_key_regex="weight") == {}
    single = ling.convert_single_tensor_to_hf(*native.popitem(), exclude_key_regex="lm_head")
    assert [key for key, _ in single] == ["lm_head.weight"]


def test_ling_saves_single_projections_under_names_that_no_file_has() -> None:
    ling = adapter("ling_v2", "BailingMoeV2StateDictAdapter")
    name = "model.layers.0.self_attn.q_proj.weight"
    single = ling.convert_single_tensor_to_hf(name, torch.ones(2, 2))
    assert single[0][0] == "model.layers.0.attention.q_proj.weight"


def test_gemma_excludes_single_tensors_by_their_native_names() -> None:
    gemma = adapter("gemma4_moe", "Gemma4MoEStateDictAdapter")
    name, disk = "model.layers.0.moe.gate.scale", r"model\.layers\.0\.router"
    assert gemma.convert_single_tensor_to_hf(name, torch.ones(1), exclude_key_regex=disk)
    native = r".*\.moe\.gate"
    assert not gemma.convert_single_tensor_to_hf(name, torch.ones(1), exclude_key_regex=native)


def test_deepseek_v4_excludes_by_native_names() -> None:
    deepseek = adapter("deepseek_v4", "DeepSeekV4StateDictAdapter")
    name = "model.embed_tokens.weight"
    kept = deepseek.convert_single_tensor_to_hf(name, torch.ones(1), exclude_key_regex="embed")
    assert [key for key, _ in kept] == ["embed.weight"]
    assert not deepseek.convert_single_tensor_to_hf(name, torch.ones(1), exclude_key_regex="model")


def test_nemotron_omni_excludes_by_native_names_and_then_by_others() -> None:
    module = importlib.import_module(f"{MODELS}.nemotron_omni.state_dict_adapter")
    moe = SimpleNamespace(
        n_routed_experts=1, moe_inter_dim=2, expert_activation="relu2", expert_bias=False
    )
    config = SimpleNamespace(num_hidden_layers=1)
    backend = SimpleNamespace(dispatcher="torch", experts="torch")
    omni = module.NemotronOmniStateDictAdapter(config, config, moe, backend)
    native, disk = "language_model.model.norm.weight", "language_model.backbone.norm_f.weight"
    patterns = {
        "language_model.model": [],  # the native name
        "backbone": [],  # the name on disk without its start
        "language_model.backbone": [disk],  # the name on disk
    }
    for pattern, left in patterns.items():
        saved = omni.to_hf({native: torch.ones(1)}, exclude_key_regex=pattern)
        assert list(saved) == left, pattern


def test_kimi_k25_casts_the_routers_bias_and_all_else() -> None:
    kimi = adapter("kimi_k25_vl", "KimiK25VLStateDictAdapter", torch.float32)
    name = "language_model.model.layers.0.mlp.gate.e_score_correction_bias"
    (found,) = kimi.from_hf({name: torch.tensor([1.001])}).values()
    assert found.dtype == torch.bfloat16 and found.item() == 1.0


@pytest.mark.parametrize(("model", "name"), MIXIN_EXPERTS.items())
def test_the_mixin_drops_scales_without_a_word(model: str, name: str) -> None:
    scale = "model.layers.0.mlp.shared_experts.up_proj.weight_scale_inv"
    native = adapter(model, name).from_hf({**experts(), scale: torch.ones(1, 1)})
    assert not any("scale_inv" in key for key in native)


@pytest.mark.parametrize(("model", "name"), MIXIN_EXPERTS.items())
def test_the_mixin_reads_no_further_than_weight(model: str, name: str) -> None:
    down = "model.layers.0.mlp.experts.0.down_proj.weight"
    state = {**experts(), f"{down}.extra.weight": torch.full((2, 2), 5, dtype=torch.bfloat16)}
    native = adapter(model, name).from_hf(state)
    assert native[f"model.{GROUP}"].max() == 5


@pytest.mark.parametrize(("model", "name"), MIXIN_EXPERTS.items())
def test_loading_one_checkpoint_changes_how_another_is_saved(model: str, name: str) -> None:
    grouped = {f"model.{GROUP}": torch.ones(1, 2, 2)}
    fresh, used = adapter(model, name), adapter(model, name)
    used.from_hf(experts(prefix=""))
    differs = list(fresh.to_hf(dict(grouped))) != list(used.to_hf(dict(grouped)))
    assert differs == (model != "hy_v3")


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("deepseek_v3", "DeepSeekV3StateDictAdapter"),
        ("glm5_next", "Glm5NextStateDictAdapter"),
        ("minimax_m2", "MiniMaxM2StateDictAdapter"),
    ],
)
def test_quantised_export_has_scales_of_one(model: str, name: str) -> None:
    start = "model.language_model." if model == "glm5_next" else "model."
    key = f"{start}layers.0.self_attn.q_a_proj.weight"
    weight = torch.full((128, 128), 1000.0, dtype=torch.bfloat16)
    saved = adapter(model, name).to_hf({key: weight}, quantization=True)
    scale = saved[f"{key}_scale_inv"].float()
    assert bool((saved[key].float() != 1000).all()) and bool((scale == 1).all())


def test_gpt_oss_exports_ninety_groups_whatever_the_size() -> None:
    oss = adapter("gpt_oss", "GPTOSSStateDictAdapter")
    key = "model.layers.0.mlp.experts.gate_and_up_projs"
    saved = oss.to_hf({key: torch.ones(1, 32, 4)}, quantization=True)
    assert {tensor.shape[2] for tensor in saved.values()} == {90}


def test_fp4_decoders_differ_in_negative_zeros_and_in_the_least_scale() -> None:
    v4 = importlib.import_module(f"{MODELS}.deepseek_v4.state_dict_adapter")
    k3 = importlib.import_module(f"{MODELS}.kimi_k3.state_dict_adapter")
    decode = v4.DeepSeekV4StateDictAdapter._dequantize_expert_fp4
    packed, scale = torch.full((1, 16), 0x88, dtype=torch.uint8), torch.tensor([[127]])
    zeros = decode(packed, scale.to(torch.uint8), torch.float32)
    others = k3.dequantize_mxfp4(packed, scale.to(torch.uint8), torch.float32)
    assert not torch.signbit(zeros).any() and bool(torch.signbit(others).all())
    packed = torch.full((1, 16), 0x22, dtype=torch.uint8)
    scale = torch.zeros(1, 1, dtype=torch.uint8)
    assert bool((decode(packed, scale, torch.float32) == 0).all())
    assert bool((k3.dequantize_mxfp4(packed, scale, torch.float32) == 2.0**-127).all())
