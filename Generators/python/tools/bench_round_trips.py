# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""Cases per second of Hypothesis driving NeMo's adapter through a round trip, as ci/bench compares.

The distribution is the one of `hymt2 bench`: experts 1-16, hidden 1-32, intermediate 1-16, decoder
layers 1-4, dense prefix 0-2, MTP layers 0-2, whole checkpoints in bfloat16 of random bits.
"""

import math
import time

import torch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from hymt2.names import names_of
from hymt2.nemo import ADAPTERS, new_adapter

CASES = 1_000
HEADS, HEAD_SIZE, VOCABULARY = 2, 2, 4
NAMES = names_of("hy_mt2")
SHARED, EXPERTS = NAMES.shared_module(), NAMES.experts
ROUTER, BIAS = NAMES.disk("router"), NAMES.disk("router bias")


def shapes(config: dict[str, int]) -> dict[str, tuple[int, ...]]:
    """The tensors of a whole checkpoint."""
    hidden, inter = config["hidden_size"], config["moe_intermediate_size"]
    layers = config["num_hidden_layers"] + config["num_nextn_predict_layers"]
    result: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (VOCABULARY, hidden)}
    for layer in range(layers):
        base = f"model.layers.{layer}."
        result |= {
            f"{base}input_layernorm.weight": (hidden,),
            f"{base}post_attention_layernorm.weight": (hidden,),
            f"{base}self_attn.q_proj.weight": (HEADS * HEAD_SIZE, hidden),
            f"{base}self_attn.k_proj.weight": (HEAD_SIZE, hidden),
            f"{base}self_attn.v_proj.weight": (HEAD_SIZE, hidden),
            f"{base}self_attn.o_proj.weight": (hidden, HEADS * HEAD_SIZE),
            f"{base}self_attn.q_norm.weight": (HEAD_SIZE,),
            f"{base}self_attn.k_norm.weight": (HEAD_SIZE,),
        }
        mlps = ["mlp."]
        if config["dense"] <= layer:
            mlps = [f"{SHARED}."]
            mlps += [f"{EXPERTS}.{expert}." for expert in range(config["num_experts"])]
            result[base + ROUTER] = (config["num_experts"], hidden)
            result[base + BIAS] = (config["num_experts"],)
        for mlp in mlps:
            result[f"{base}{mlp}gate_proj.weight"] = (inter, hidden)
            result[f"{base}{mlp}up_proj.weight"] = (inter, hidden)
            result[f"{base}{mlp}down_proj.weight"] = (hidden, inter)
        if layer >= config["num_hidden_layers"]:
            result[f"{base}eh_proj.weight"] = (hidden, 2 * hidden)
            for norm in ("enorm", "hnorm", "final_layernorm"):
                result[f"{base}{norm}.weight"] = (hidden,)
    return result | {"model.norm.weight": (hidden,), "lm_head.weight": (VOCABULARY, hidden)}


def checkpoint(config: dict[str, int], seed: int) -> dict[str, torch.Tensor]:
    """The tensors of a config with random bits, all in one allocation."""
    wanted = shapes(config)
    total = sum(math.prod(shape) for shape in wanted.values())
    generator = torch.Generator().manual_seed(seed)
    bits = torch.randint(-(2**15), 2**15, (total,), dtype=torch.int16, generator=generator)
    pieces = bits.view(torch.bfloat16).split([math.prod(shape) for shape in wanted.values()])
    return {key: piece.view(shape) for (key, shape), piece in zip(wanted.items(), pieces)}


@settings(
    max_examples=CASES,
    database=None,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(
    config=st.fixed_dictionaries(
        {
            "num_experts": st.integers(1, 16),
            "hidden_size": st.integers(1, 32),
            "moe_intermediate_size": st.integers(1, 16),
            "num_hidden_layers": st.integers(1, 4),
            "dense": st.integers(0, 2),
            "num_nextn_predict_layers": st.integers(0, 2),
        }
    ),
    seed=st.integers(0, 65535),
)
def round_trip(config: dict[str, int], seed: int) -> None:
    config["dense"] = min(config["dense"], config["num_hidden_layers"])
    original = checkpoint(config, seed)
    moe = {
        "n_routed_experts": config["num_experts"],
        "moe_inter_dim": config["moe_intermediate_size"],
        "dim": config["hidden_size"],
    }
    adapter = new_adapter(ADAPTERS["hy_mt2"], "hy_mt2", config, moe=moe, preserve_mtp=True)
    returned = adapter.to_hf(adapter.from_hf(dict(original)))
    pairs = dict(returned)
    assert pairs.keys() == original.keys()
    for key, tensor in original.items():
        assert pairs[key].dtype == tensor.dtype
        assert torch.equal(pairs[key].contiguous().view(torch.int16), tensor.view(torch.int16))


start = time.perf_counter()
round_trip()
print(CASES / (time.perf_counter() - start))
