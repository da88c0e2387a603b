# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""An adapter of one's own under test: `hymt2 check --adapter "python3 my_adapter.py"`."""

import re

import torch

from hymt2.serving import Setup, serve

EXPERT = re.compile(r"(.*\.mlp\.experts\.)(\d+)\.(gate|up|down)_proj\.weight")
GROUP = re.compile(r"(.*\.mlp\.experts\.)(gate_and_up|down)_projs")
RENAMES = (  # on disk, native
    (".mlp.expert_bias", ".mlp.gate.e_score_correction_bias"),
    (".mlp.router.gate.weight", ".mlp.gate.weight"),
    (".mlp.shared_mlp.", ".mlp.shared_experts."),
)
StateDict = dict[str, torch.Tensor]


class MyAdapter:
    """Whole checkpoints with gated experts in bfloat16."""

    version = "1.0"
    # What is left out is asked for with all its values: `hymt2 check --list-axes`.
    supports = {
        "LoRA": ["none"],
        "MTP policy": ["drop"],
        "activation": ["swiglu", "swigluoai", "quick_geglu", "geglu"],
        "expert parallelism": ["none"],
        "expert type": ["bf16"],
        "key prefix": ["model."],
        "target type": ["as the experts"],
    }

    def __init__(self, setup: Setup) -> None:
        self.experts = setup.moe.n_routed_experts
        self.inner = setup.moe.moe_inter_dim
        self.layers = setup.config.num_hidden_layers
        self.stored_layers = self.layers + getattr(setup.config, "num_nextn_predict_layers", 0)

    def from_hf(self, state_dict: StateDict) -> StateDict:
        if surplus := [key for key in state_dict if layer(key) >= self.stored_layers]:
            raise ValueError(f"the model has no such layers: {', '.join(surplus)}")
        kept = {key: t for key, t in state_dict.items() if not self.is_mtp_key(key)}
        experts = {key: match for key in kept if (match := EXPERT.fullmatch(key))}
        native: StateDict = {}
        for key, tensor in kept.items():
            if match := experts.get(key):
                kind = "down" if match[3] == "down" else "gate_and_up"
                # Put in anew each time, a group comes to stand where its last member stood.
                name = f"{match[1]}{kind}_projs"
                native.pop(name, None)
            else:
                name = renamed(key, 0, 1)
                if name in native:
                    raise ValueError(f"two keys for {name}, one is {key}")
            native[name] = tensor
        for name in native:
            if match := GROUP.fullmatch(name):
                native[name] = self.stacked(match, kept, experts)
        if experts:
            raise ValueError(f"the model has no such experts: {', '.join(experts)}")
        return native

    def stacked(
        self, group: re.Match[str], kept: StateDict, experts: dict[str, re.Match[str]]
    ) -> torch.Tensor:
        """The group's tensor; the experts that went into it are taken out of `experts`."""
        names = ("down",) if group[2] == "down" else ("gate", "up")
        rows = []
        for expert in range(self.experts):
            keys = [f"{group[1]}{expert}.{name}_proj.weight" for name in names]
            rows.append(torch.cat([kept[key].T for key in keys], dim=-1))
            for key in keys:
                del experts[key]
        return torch.stack(rows)

    def to_hf(self, state_dict: StateDict, exclude_key_regex: str | None = None) -> StateDict:
        hf: StateDict = {}
        for key, tensor in state_dict.items():
            if not (match := GROUP.fullmatch(key)):
                hf[renamed(key, 1, 0)] = tensor
                continue
            for expert, rows in enumerate(tensor):
                halves = {"down": rows}
                if match[2] == "gate_and_up":
                    halves = {"gate": rows[:, : self.inner], "up": rows[:, self.inner :]}
                for name, half in halves.items():
                    hf[f"{match[1]}{expert}.{name}_proj.weight"] = half.T
        return {
            key: tensor
            for key, tensor in hf.items()
            if not exclude_key_regex or not re.match(exclude_key_regex, key)
        }

    def is_mtp_key(self, key: str) -> bool:
        return layer(key) >= self.layers


def layer(key: str) -> int:
    match = re.match(r"(?:model\.)?layers\.(\d+)\.", key)
    return int(match[1]) if match else -1


def renamed(key: str, source: int, target: int) -> str:
    for names in RENAMES:
        # A key that only begins like one of these is another key.
        if key.endswith(names[source]) or (names[source].endswith(".") and names[source] in key):
            return key.replace(names[source], names[target])
    return key


if __name__ == "__main__":
    serve(MyAdapter, name="my-adapter")
