# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""Folders that PEFT saves, and what hymt2 makes of them. Needs peft and the program: HYMT2, or hymt2 in PATH."""

import json
import subprocess
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import HYV3Config, HYV3ForCausalLM

from hymt2 import program
from hymt2.presets import complete_config

peft = pytest.importorskip("peft")

try:
    HYMT2 = program.find()
except program.ProgramError as error:
    pytest.skip(f"{error}", allow_module_level=True)

GATE_UP, DOWN = "mlp.experts.gate_up_proj", "mlp.experts.down_proj"
RANK, ALPHA = 2, 8

Deltas = dict[tuple[str, str], torch.Tensor]


def hymt2(*arguments: str | Path) -> str:
    done = subprocess.run(
        [HYMT2, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stderr


def save_adapter(folder: Path, targets: list[str], **changes: int) -> tuple[Path, Deltas]:
    """An adapter of a small model, and PEFT's own changes of the parameters."""
    config = complete_config({"num_hidden_layers": 3, "num_experts": 3, **changes})
    model = HYV3ForCausalLM(HYV3Config(**config)).float()
    (folder / "base").mkdir(parents=True)
    (folder / "base/config.json").write_text(json.dumps({"model_type": "hy_v3", **config}))
    lora = peft.LoraConfig(
        r=RANK, lora_alpha=ALPHA, target_modules=["q_proj"], target_parameters=targets
    )
    wrapped = peft.get_peft_model(model, lora)
    torch.manual_seed(7)
    with torch.no_grad():
        for name, parameter in wrapped.named_parameters():
            if "lora_" in name:
                # Small integers, whose products and sums are exact.
                parameter.copy_(torch.randint(-3, 4, parameter.shape).float())
    wrapped.save_pretrained(folder / "lora")
    deltas = {}
    for name, module in wrapped.named_modules():
        if hasattr(module, "parameter_name"):
            layer = name.split(".layers.")[1].split(".")[0]
            deltas[layer, module.parameter_name] = module.get_delta_weight("default").detach()
    assert len(deltas) == 2 * len(targets)
    return folder / "lora", deltas


def of_expert(tensors: dict[str, torch.Tensor], layer: str, expert: int, part: str) -> torch.Tensor:
    start = f"base_model.model.model.layers.{layer}.mlp.experts.{expert}.{part}"
    a, b = tensors[f"{start}.lora_A.weight"], tensors[f"{start}.lora_B.weight"]
    return b @ a * (ALPHA / RANK)


SHAPES = {
    "as usual": {"hidden_size": 24, "moe_intermediate_size": 10},
    "hidden = 2 inter": {"hidden_size": 16, "moe_intermediate_size": 8},
    "square": {"hidden_size": 16, "moe_intermediate_size": 16},
}


@pytest.mark.parametrize("targets", [[GATE_UP, DOWN], [GATE_UP], [DOWN]], ids=len)
@pytest.mark.parametrize("shape", SHAPES)
def test_each_expert_changes_as_peft_changes_it(
    shape: str, targets: list[str], tmp_path: Path
) -> None:
    folder, deltas = save_adapter(tmp_path, targets, **SHAPES[shape])
    config = tmp_path / "base/config.json"
    hymt2("convert", "--to", "hf", folder, tmp_path / "single", "--config", config)
    single = load_file(tmp_path / "single/adapter_model.safetensors")
    for (layer, parameter), delta in deltas.items():
        for expert in range(3):
            parts = ["gate_proj", "up_proj"] if "gate_up" in parameter else ["down_proj"]
            found = torch.cat([of_expert(single, layer, expert, part) for part in parts])
            assert torch.equal(found, delta[expert]), (layer, parameter, expert)
    others = {key for key in load_file(folder / "adapter_model.safetensors") if "q_proj" in key}
    assert others == {key for key in single if "q_proj" in key}
    assert others
    saved = json.loads((tmp_path / "single/adapter_config.json").read_text())
    assert saved["target_parameters"] is None
    assert {"q_proj"} < set(saved["target_modules"])

    native, back = tmp_path / "native", tmp_path / "back"
    hymt2("convert", "--to", "native", folder, native, "--config", config)
    hymt2("convert", "--to", "hf", native, back, "--config", config)
    for name in ["adapter_model.safetensors", "adapter_config.json"]:
        assert (back / name).read_bytes() == (tmp_path / "single" / name).read_bytes()


def test_shapes_that_fit_both_layouts_need_the_version_or_a_word(tmp_path: Path) -> None:
    folder, _ = save_adapter(tmp_path, [DOWN], **SHAPES["square"])
    arguments = ["convert", "--to", "native", folder]
    config = ["--config", tmp_path / "base/config.json"]
    hymt2(*arguments, tmp_path / "known", *config)
    text = json.loads((folder / "adapter_config.json").read_text())
    assert text.pop("peft_version")
    (folder / "adapter_config.json").write_text(json.dumps(text))
    done = subprocess.run(
        [HYMT2, *map(str, [*arguments, tmp_path / "unknown", *config])],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "--peft-layout" in done.stderr.splitlines()[0]
    modern = tuple(map(int, peft.__version__.split(".")[:2])) >= (0, 19)
    word = "peft-0.19.1" if modern else "peft-0.18"
    hymt2(*arguments, tmp_path / "told", *config, "--peft-layout", word)
    name = "adapter_model.safetensors"
    assert (tmp_path / "told" / name).read_bytes() == (tmp_path / "known" / name).read_bytes()
