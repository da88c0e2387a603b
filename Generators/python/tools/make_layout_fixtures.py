# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""Checkpoints that transformers' save_pretrained wrote, one for each layout table of its models.

    python3 Generators/python/tools/make_layout_fixtures.py [FOLDER]

The files come out the same byte for byte with the same versions of torch and transformers.
"""

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import PreTrainedModel
from transformers.utils import logging

from hymt2.layout_models import layout_model
from hymt2.small_configs import SMALL
from hymt2.names import names_of
from hymt2.tables import TABLES, load_table

ORDER = (
    *("deepseek_v3", "glm4_moe", "gpt_oss", "hy_v3", "minimax_m2", "qwen3_moe", "qwen3_vl_moe"),
    *("step3p5", "deepseek_v32", "glm_moe_dsa", "glm4_moe_lite", "qwen3_omni_moe", "qwen3_omni"),
    "minimax_m3_vl",
)
"""The tables, each of which has its place as the seed of its fixture. New ones stand at the end."""
FOLDER = TABLES.parents[2] / "Tests" / "LayoutsTests" / "Fixtures"


def make(table: str, folder: Path) -> None:
    """Writes the fixture of a table: a model with random weights, all of them different."""
    torch.manual_seed(ORDER.index(table))
    # transformers has no modules for MTP layers, and the config should not speak of any.
    config = SMALL[table][0]
    if "num_hidden_layers" in config:
        config = config | {"num_nextn_predict_layers": 0}
    model = layout_model(table, config).to(torch.bfloat16)
    bias = router_bias(table)
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            tensor.copy_(torch.randn(tensor.shape) / 4 + (1 if "norm" in name else 0))
        for module in model.modules():
            if hasattr(module, bias):
                # Published files hold it as float32, whatever the type of the rest.
                setattr(module, bias, torch.rand(len(getattr(module, bias))))
                if table.startswith("minimax"):
                    getattr(module, "gate", module).to(torch.float32)
    model.save_pretrained(folder, max_shard_size="1GB")
    (folder / "generation_config.json").unlink(missing_ok=True)
    (folder / "model.safetensors").chmod(0o644)
    if table == "qwen3_vl_moe":
        turn_experts(model, folder)
    check(table, folder)


def router_bias(table: str) -> str:
    """What a module of transformers calls the router's bias; a name of none if there is no bias."""
    names = names_of(table)
    if all(tensor.role != "router bias" for tensor in names.layout.tensors):
        return "no router's bias"
    forms = names.layout.table.get("natives", ["automodel"])
    return names.native("router bias", forms[-1]).rpartition(".")[2]


def turn_experts(model: PreTrainedModel, folder: Path) -> None:
    """Turns each expert's matrix to where published files have it; transformers reads both."""
    path = folder / "model.safetensors"
    tensors = load_file(path)
    for key, tensor in tensors.items():
        if names_of("qwen3_vl_moe").is_of_experts(key):
            tensors[key] = tensor.transpose(1, 2).contiguous()
    save_file(tensors, path, metadata={"format": "pt"})
    read = type(model).from_pretrained(folder, dtype=torch.bfloat16).state_dict()
    assert all(torch.equal(read[key], tensor) for key, tensor in model.state_dict().items())


def check(table: str, folder: Path) -> None:
    """Refuses what would be of no use in a test."""
    path = folder / "model.safetensors"
    size = path.stat().st_size
    contents = [tensor.flatten().tolist() for tensor in load_file(path).values()]
    config = json.loads((folder / "config.json").read_text())
    assert size < 150_000, f"{table}: {size} bytes"
    assert len({str(content) for content in contents}) == len(contents), f"{table}: equal tensors"
    assert config["model_type"] in load_table(table)["models"], config["model_type"]


def main() -> None:
    """Makes those of `ORDER`, in the given folder or in their place."""
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    for table in SMALL:
        # transformers knows Step-3.5 as a part of a later model, and would write its config.
        if table in ORDER and table != "step3p5":
            make(table, folder / table)


if __name__ == "__main__":
    main()
