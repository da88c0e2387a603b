# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""The layout tables against transformers' models and upstream's adapters, which know no tables."""

import importlib
import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from hymt2.bits import compare_state_dicts
from hymt2.layout_models import layout_model, saved_tensors
from hymt2.small_configs import KIMI, SMALL, WITHOUT_MODEL
from hymt2.table_language import evaluate, expand, read_kinds
from hymt2.table_moves import StateDict, disk_tensors, native_tensors
from hymt2.tables import TABLES, Layout, load_table, read_layout, table_names

REPOSITORY = TABLES.parents[2]
CASES = [(name, number) for name in SMALL for number in range(len(SMALL[name]))]

LAST_KEY_TELLS = ("ernie4_5_moe", 1)
"""Upstream takes the prefix of ERNIE's experts from the last key, which is the head's here."""
WITH_ADAPTER = [
    case for case in CASES if "upstream" in load_table(case[0]) and case != LAST_KEY_TELLS
]

PUBLISHED: dict[str, tuple[str, int, int]] = {
    "hy3": ("hy_v3", 47_138, 298_786_155_776),
    "hy-mt2-30b-a3b": ("hy_v3", 18_673, 30_064_725_888),
    "qwen3-30b-a3b": ("qwen3_moe", 18_867, 30_532_122_624),
    "glm-4.5-air": ("glm4_moe", 18_329, 110_468_824_832),
    "deepseek-v3": ("deepseek_v3", 46_183, 684_489_845_504),
    "kimi-k2-instruct": ("deepseek_v3", 69_975, 1_026_408_232_448),
    "deepseek-v3.2": ("deepseek_v32", 46_493, 685_355_329_792),
    "glm-5.2": ("glm_moe_dsa", 59_585, 753_329_940_480),
    "glm-4.7-flash": ("glm4_moe_lite", 9_703, 31_221_488_576),
    "minimax-m2": ("minimax_m2", 48_239, 228_689_764_864),
    "qwen3-vl-30b-a3b": ("qwen3_vl_moe", 531, 30_532_122_624),
    "qwen3-omni-30b-a3b-thinker": ("qwen3_omni_moe", 18_867, 30_532_646_912),
    "qwen3-omni-30b-a3b": ("qwen3_omni", 18_867, 30_532_646_912),
    "kimi-vl-a3b-instruct": ("kimi_vl", 5_317, 15_960_110_208),
    "minimax-m3": ("minimax_m3_vl", 22_893, 426_174_572_928),
    "step-3.5-flash": ("step3p5", 804, 199_384_301_376),
    "step-3.7-flash": ("step3p7", 753, 196_956_130_368),
    "laguna-xs.2": ("laguna", 30_513, 33_189_975_808),
    "hy4-preview": ("hy_v4", 868, 58_278_201_581),
    "gpt-oss-20b": ("gpt_oss", 411, 20_914_757_184),
    "ernie-4.5-21b-a3b": ("ernie4_5_moe", 5_492, 21_825_437_888),
    "qwen3-next-80b-a3b": ("qwen3_next", 74_391, 79_674_391_296),
    "kimi-linear-48b-a3b": ("kimi_linear", 20_493, 49_122_681_728),
    "glm-5.3-flash": ("glm5_next", 37_534, 313_326_828_862),
    "hunyuan-image-3": ("hunyuan_image3", 4_387, 80_958_730_240),
    "mimo-v2-flash": ("mimo_v2_flash", 36_523, 308_778_780_864),
    "nemotron-3-nano-30b-a3b": ("nemotron_v3", 6_243, 31_577_940_288),
    "qwen3.5-35b-a3b": ("qwen3_5_moe", 693, 34_660_610_688),
    "kimi-k2.5": ("kimi_k25_vl", 69_975, 1_026_408_232_448),
    "ling-mini-2.0": ("ling_v2", 14_813, 16_255_643_392),
    "mimo-v2.5-pro": ("mimo_v25", 79_972, 1_021_248_126_336),
    "kimi-k3": ("kimi_k3", 249_756, 2_779_484_478_208),
}
"""Published configs: their table, and how many tensors and parameters follow from it."""

MOVED_LAST: dict[str, Callable[[str, str], bool]] = {
    "minimax_m2": lambda disk, native: ".block_sparse_moe." in disk,
    "gpt_oss": lambda disk, native: disk != native,
    "ernie4_5_moe": lambda disk, native: ".moe_statics." in disk,
    **dict.fromkeys(KIMI, lambda disk, native: disk.startswith("language_model.model.")),
    "minimax_m3_vl": lambda disk, native: disk != f"language_model.{native}",
    "step3p7": lambda disk, native: disk.startswith("model."),
}
"""Upstream's adapters that put some keys after all others before they do anything else."""


def shapes(layout: Layout, mtp: bool) -> dict[str, tuple[int, ...]]:
    return {t.name: t.shape for t in layout.tensors if mtp or t.kind != "mtp"}


def random_tensors(layout: Layout, seed: int, bits: bool) -> StateDict:
    """A checkpoint of random bits, or of random numbers, in the table's order."""
    generator = torch.Generator().manual_seed(seed)
    tensors: StateDict = {}
    for tensor in layout.tensors:
        if tensor.dtype == "F32" or tensor.places["automodel"].dtype:
            value = torch.rand(tensor.shape, generator=generator)
            value = value if tensor.dtype else value.to(torch.bfloat16)
        elif bits:
            value = torch.randint(-(2**15), 2**15, tensor.shape, generator=generator)
            value = value.to(torch.int16).view(torch.bfloat16)
        else:
            value = torch.randn(tensor.shape, generator=generator).to(torch.bfloat16)
        place = tensor.places["automodel"]
        if place.shape and place.cropped:
            value[place.shape[0] :] = 0
        tensors[tensor.name] = value
    return tensors


def new_adapter(layout: Layout, dtype: torch.dtype) -> Any:
    """Upstream's adapter that a table names, with what such adapters read of a config."""
    module, name = str(layout.table["upstream"]).rsplit(".", 1)
    adapter = getattr(importlib.import_module(f"nemo_automodel.components.models.{module}"), name)
    has_gates = any("gate" in str(tensor.part) for tensor in layout.tensors)
    moe = SimpleNamespace(
        n_routed_experts=layout.sizes["E"],
        moe_inter_dim=layout.sizes["I"],
        dim=layout.sizes["H"],
        expert_activation="swiglu" if has_gates else "relu2",
        expert_bias=layout.name == "gpt_oss",
    )
    backend = SimpleNamespace(dispatcher="torch", experts="torch", attn="sdpa")
    count = layout.fields[layout.table["layers"]["count"]]
    linear = layout.fields.get("linear_attn_config")
    config = SimpleNamespace(**{**layout.fields, "num_hidden_layers": count, "linear_attn_config": linear})
    config.text_config = config
    return adapter(config, moe, backend, dtype)


def loaded(layout: Layout, native: Mapping[str, torch.Tensor]) -> list[str]:
    """The native keys that from_hf gives, in its order, for tensors in the table's order."""
    dropped = layout.table["layers"].get("mtp", {}).get("on load") == "drop"
    pairs = [
        (t.name, key)
        for t in layout.tensors
        if not (dropped and t.kind == "mtp")
        for key in t.places["automodel"].keys
    ]
    first = MOVED_LAST.get(layout.name, lambda disk, native: False)
    pairs.sort(key=lambda pair: first(*pair))
    # A group stands where its last member stood.
    places = {key: place for place, (_, key) in enumerate(pairs)}
    return sorted(places, key=lambda key: places[key])


@pytest.mark.parametrize(("name", "number"), [c for c in CASES if c[0] not in WITHOUT_MODEL])
def test_tensors_are_those_that_transformers_saves(name: str, number: int) -> None:
    config = SMALL[name][number]
    with torch.device("meta"):
        model = layout_model(name, config)
    saved = {key: tuple(tensor.shape) for key, tensor in saved_tensors(name, model).items()}
    assert shapes(read_layout(name, config), mtp=False) == saved


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_config(name: str) -> None:
    table, count, parameters = PUBLISHED[name]
    config = json.loads((REPOSITORY / "Generators/configs" / f"{name}.json").read_text())
    layout = read_layout(table, config)
    assert config["model_type"] in layout.table["models"]
    assert config["architectures"] == [layout.table["architecture"]]
    if table not in WITHOUT_MODEL:
        with torch.device("meta"):
            model = layout_model(table, config)
        saved = {key: tuple(tensor.shape) for key, tensor in saved_tensors(table, model).items()}
        assert shapes(layout, mtp=False) == saved
    assert len(layout.tensors) == count
    assert sum(math.prod(t.shape) for t in layout.tensors) == parameters


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32, torch.float16], ids=str)
@pytest.mark.parametrize(("name", "number"), [*WITH_ADAPTER, ("hy_mt2", 0), ("hy_mt2", 2)])
def test_upstream_moves_what_the_formulas_say(name: str, number: int, dtype: torch.dtype) -> None:
    layout = read_layout(name, SMALL["hy_v3" if name == "hy_mt2" else name][number])
    # With a cast, the payload of a NaN is not upstream's to keep.
    tensors = random_tensors(layout, number, bits=dtype == torch.bfloat16)
    native = native_tensors(layout, tensors, dtype=dtype)
    order = loaded(layout, native)
    adapter = new_adapter(layout, dtype)
    found = adapter.from_hf(dict(tensors))
    assert list(found) == order
    assert compare_state_dicts({key: native[key] for key in order}, found) == []

    groups = layout.groups()
    expected = disk_tensors(layout, found)
    back = adapter.to_hf(dict(found))
    joined = {t.name for t in layout.tensors if t.places["automodel"].pieces}
    names = [tensor.name for key in order for tensor in groups[key]]
    last = dict.fromkeys(name for name in names if name in joined)
    assert list(back) == [name for name in names if name not in joined] + list(last)
    assert compare_state_dicts(expected, back) == []
    if dtype == torch.bfloat16:
        forced = {t.name for t in layout.tensors if t.places["automodel"].dtype}
        kept = {key: tensors[key].float() if key in forced else tensors[key] for key in back}
        if "cast all" in layout.table:
            kept = {key: kept[key].to(dtype) for key in kept}
        assert compare_state_dicts(kept, back) == []
    if not hasattr(adapter, "convert_single_tensor_to_hf"):
        return
    whole = [key for key in found if groups[key][0].name not in joined]
    one_by_one = [pair for key in whole for pair in _single(adapter, key, found[key])]
    expected = {key: expected[key] for key in expected if key not in joined}
    assert compare_state_dicts(expected, dict(one_by_one)) == []


def _single(adapter: Any, key: str, tensor: torch.Tensor) -> list[tuple[str, torch.Tensor]]:
    return list(adapter.convert_single_tensor_to_hf(key, tensor))


@pytest.mark.parametrize(
    ("name", "number"), [case for case in CASES if case[0] in ("hy_v3", "hy_v4")]
)
def test_native_form_of_transformers(name: str, number: int) -> None:
    config = SMALL[name][number]
    layout = read_layout(name, {**config, "num_nextn_predict_layers": 0})
    torch.manual_seed(number)
    model = layout_model(name, config)
    tied = getattr(model, "all_tied_weights_keys", None) or {}
    state = {key: tensor for key, tensor in model.state_dict().items() if key not in tied}
    native = native_tensors(layout, saved_tensors(name, model), "transformers")
    assert compare_state_dicts(state, native) == []


STEP: dict[str, Any] = {
    "layer_types": ["full_attention"] * 6,
    "max_position_embeddings": 64,
    "moe_top_k": 2,
    "rms_norm_eps": 1e-5,
    "rope_parameters": {"rope_type": "default", "rope_theta": 1e4},
    "rope_theta": 1e4,
    "tie_word_embeddings": False,
    "torch_dtype": "bfloat16",
}
"""What upstream's Step-3.5 model reads of a config beside the sizes."""

CONFIGS = {"mimo_v25": "MiMoV2Config", "ling_v2": "BailingMoeV2Config"}
"""Upstream's configs of models that transformers has not."""

# Not among them: hy_v3 needs a GPU, qwen3_vl_moe an older transformers. DeepSeek and gpt-oss do
# not look at attention_bias.
MODELS = [
    *[(name, 0) for name in ("qwen3_moe", "glm4_moe", "deepseek_v3", "minimax_m2", "gpt_oss")],
    *[("qwen3_moe", 2), ("glm4_moe", 1), ("step3p5", 0), ("step3p5", 1)],
    *[("deepseek_v32", 0), ("glm_moe_dsa", 0), ("glm_moe_dsa", 2), ("glm4_moe_lite", 0)],
    *[("nemotron_v3", 0), ("nemotron_v3", 1)],
    *[(name, number) for name in ("mimo_v25", "ling_v2") for number in (0, 1)],
    *[("kimi_k3", 0), ("kimi_k3", 1)],
]


def kimi_k3_text(fields: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch) -> Any:
    """The config of K3's language model, whose modules of a GPU package have stand-ins."""
    model = importlib.import_module("nemo_automodel.components.models.kimi_k3.model")

    def convolution(hidden_size: int, kernel_size: int, **_: Any) -> torch.nn.Module:
        return torch.nn.Conv1d(hidden_size, hidden_size, kernel_size, groups=hidden_size, bias=False)

    monkeypatch.setattr(model, "_require_fla", lambda: None)
    monkeypatch.setattr(model, "ShortConvolution", convolution)
    monkeypatch.setattr(model, "FusedRMSNormGated", lambda size, **_: torch.nn.RMSNorm(size))
    made = importlib.import_module("nemo_automodel.components.models.kimi_k3.config")
    return made.KimiK3TextConfig(**fields["text_config"])


@pytest.mark.parametrize(("name", "number"), MODELS)
def test_native_form_is_upstreams_model(
    name: str, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Some of the models ask for it while they are built on the meta device.
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    layout = read_layout(name, SMALL[name][number])
    fields = {**layout.table.get("constants", {}), **SMALL[name][number]}
    if name == "step3p5":
        enum = [int(layer) for layer in fields["moe_layers_enum"].split(",")]
        config: Any = SimpleNamespace(**{**STEP, **fields, "moe_layers_enum": enum})
        config.to_dict = lambda: vars(config)
    elif name in CONFIGS:
        made = importlib.import_module(f"nemo_automodel.components.models.{name}.config")
        config = getattr(made, CONFIGS[name])(**fields)
    elif name == "kimi_k3":
        config = kimi_k3_text(fields, monkeypatch)
    else:
        with torch.device("meta"):
            config = layout_model(name, fields).config
    module = importlib.import_module(f"nemo_automodel.components.models.{name}.model")
    backend = importlib.import_module("nemo_automodel.components.models.common").BackendConfig(
        attn="flex" if name == "gpt_oss" else "sdpa",
        linear="torch",
        rms_norm="torch",
        dispatcher="torch",
        experts="torch",
        rope_fusion=False,
        enable_hf_state_dict_adapter=False,
    )
    with torch.device("meta"):
        model = module.ModelClass(config, backend=backend)
    found = {key: tuple(tensor.shape) for key, tensor in model.state_dict().items()}
    tensors = {
        tensor.name: torch.empty(tensor.shape, device="meta") for tensor in layout.tensors
    }
    native = new_adapter(layout, torch.bfloat16).from_hf(tensors)
    mtp = {t.places["automodel"].key for t in layout.tensors if t.kind == "mtp"}
    assert {key: tuple(native[key].shape) for key in native if key not in mtp} == found
    groups = layout.groups()
    for key in found:
        if groups[key][0].places["automodel"].axes is not None:
            assert layout.native_shape("automodel", key, groups[key]) == found[key]


def fixtures() -> list[Path]:
    return sorted((REPOSITORY / "Tests/LayoutsTests/Fixtures").glob("*/config.json"))


@pytest.mark.parametrize("path", fixtures(), ids=lambda path: path.parent.name)
def test_fixtures(path: Path) -> None:
    layout = read_layout(path.parent.name, json.loads(path.read_text()))
    file = load_file(path.parent / "model.safetensors")
    # Not the vision tower.
    starts = tuple({tensor.name.partition(".")[0] + "." for tensor in layout.tensors})
    towers = ("vision_tower.", "model.visual.", "thinker.visual.", "thinker.audio_tower.")
    found = {k: file[k] for k in file if k.startswith(starts) and not k.startswith(towers)}
    assert shapes(layout, mtp=True) == {key: tuple(found[key].shape) for key in found}
    wide = {key for key in found if found[key].dtype == torch.float32}
    assert wide == {tensor.name for tensor in layout.tensors if tensor.dtype == "F32"}
    native = native_tensors(layout, found)
    assert compare_state_dicts(native, new_adapter(layout, torch.bfloat16).from_hf(found)) == []


def test_every_table_has_configs() -> None:
    assert table_names() == sorted([*SMALL, "hy_mt2"])


def test_tables_are_short() -> None:
    for path in TABLES.glob("*.yaml"):
        lines = path.read_text().splitlines()
        assert lines[0].startswith("# ")
        assert max(map(len, lines)) <= 120, path.name


def test_extends() -> None:
    assert load_table("hy_mt2")["tensors"] == load_table("hy_v3")["tensors"]
    assert load_table("hy_mt2")["upstream"] != load_table("hy_v3")["upstream"]


def test_language() -> None:
    values = {"A": 6, "B": 4, "L": 3, "tied": False}
    assert evaluate("A * (B + 2) / 4", values) == 9
    assert evaluate("(L + 1) % 2 == 0 and not tied", values) is True
    assert evaluate("A < B or tied", values) is False
    assert expand("{q,k}_{a,b}") == [
        ("q_a", (0, 0)),
        ("q_b", (0, 1)),
        ("k_a", (1, 0)),
        ("k_b", (1, 1)),
    ]
    assert expand("layers.{L}.{e}") == [("layers.{L}.{e}", ())]


@pytest.mark.parametrize(
    ("form", "fields", "sparse"),
    [
        ("all", {}, "1111"),
        ({"from": "first"}, {"first": 3}, "0001"),
        ({"from": "first", "default": 1}, {}, "0111"),
        ({"kinds": "types"}, {"types": ["dense", "sparse", "sparse", "dense", "sparse"]}, "0110"),
        ({"except": "dense", "step": "step"}, {"dense": [1], "step": 2}, "0001"),
        ({"except": "dense", "step": "step"}, {}, "1111"),
        ({"only": "list"}, {"list": "1, 3"}, "0101"),
        ({"only": "list"}, {"list": [0]}, "1000"),
        ([{"from": "first"}, {"only": "list"}], {"first": 2, "list": [2, 3]}, "0011"),
    ],
)
def test_kinds_of_layers(form: Any, fields: dict[str, Any], sparse: str) -> None:
    kinds = read_kinds({"count": "n", "sparse": form}, {"n": 4, **fields})
    assert kinds == [("dense", "sparse")[int(digit)] for digit in sparse]
