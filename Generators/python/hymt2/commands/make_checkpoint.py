# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""make-checkpoint."""

import json
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from hymt2.errors import OracleError
from hymt2.presets import PRESETS, Preset, complete_config
from hymt2.random_configs import random_config
from hymt2.words import DTYPES, one_of

NAME = "make-checkpoint"
SUMMARY = "write a real checkpoint with random weights"
DETAILS = (
    "transformers' HYV3ForCausalLM saves it with save_pretrained, so it has the layout of the\n"
    "published ones. What landed on disk is checked: every key, shape and dtype, the router's\n"
    "bias in float32, no two tensors equal. Same seed and versions: the same bits.\n\npresets:\n"
    + "\n".join(f"  {name:<17} {preset.purpose}" for name, preset in PRESETS.items())
)


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("out", metavar="OUT", type=Path, help="the folder to make; must not exist")
    base = parser.add_mutually_exclusive_group()
    base.add_argument("--preset", type=one_of(PRESETS), metavar="NAME", help="a config by its name")
    base.add_argument("--random", type=int, metavar="N", help="a small random config by its number")
    parser.add_argument("--config", type=Path, metavar="FILE", help="fields from a config.json")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a config field; VALUE is JSON, or else a string. Applied after --preset,"
        " --random and --config; moe_intermediate_size also sets expert_hidden_dim, and"
        " first_k_dense_replace sets mlp_layer_types",
    )
    parser.add_argument("--seed", type=int, default=0, metavar="S")
    parser.add_argument("--dtype", default="bfloat16", type=one_of(DTYPES), metavar="NAME")
    parser.add_argument(
        "--max-shard-size", metavar="SIZE", help="such as 50KB; by default 20KB or the preset's"
    )
    parser.add_argument(
        "--mtp-layers",
        type=int,
        metavar="K",
        help="how many multi-token prediction layers to add; by default the preset's",
    )


def run(arguments: Namespace) -> int:
    from hymt2.checkpoints import DTYPES, Recipe, make_checkpoint
    from hymt2.folders import read_json

    preset = _preset(arguments)
    from_file = read_json(arguments.config) if arguments.config else {}
    config = complete_config(preset.changes, from_file, _settings(arguments.set))
    mtp_layers = preset.mtp_layers if arguments.mtp_layers is None else arguments.mtp_layers
    recipe = Recipe(
        config,
        seed=arguments.seed,
        dtype=DTYPES[arguments.dtype],
        max_shard_size=arguments.max_shard_size or preset.max_shard_size,
        scatter=preset.scatter,
        mtp_layers=mtp_layers,
    )
    folder = make_checkpoint(arguments.out, recipe)
    print(f"{folder.path}: {len(folder.tensors)} tensors in {len(folder.shards)} files")
    return 0


def _preset(arguments: Namespace) -> Preset:
    if arguments.preset:
        return PRESETS[arguments.preset]
    changes = {} if arguments.random is None else random_config(arguments.random)
    return Preset("as asked for", changes)


def _settings(words: list[str]) -> dict[str, Any]:
    settings = {}
    for word in words:
        key, separator, value = word.partition("=")
        if not key or not separator:
            raise OracleError(f"--set {word}: expected KEY=VALUE")
        try:
            settings[key] = json.loads(value)
        except ValueError:
            settings[key] = value
    return settings
