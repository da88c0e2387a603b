# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""Record what nemo-automodel's HyMT2StateDictAdapter makes of small state dicts.

Usage: python make_order_fixture.py OUTPUT.json

Every element of an input holds its own address, counted through the tensors in order, so the
bits of an output tell where each element came from. A tensor of an input is stored as
"name dtype shape", one of an output as "name dtype shape bytes", or as "position bytes" if it has
the name, dtype and shape of the tensor at that position of the input. Bytes are hexadecimal.
"""

from __future__ import annotations

import json
import math
import random
import sys
from importlib.metadata import version
from types import SimpleNamespace

import torch

from hymt2.names import names_of
from hymt2.nemo import ADAPTERS, new_adapter

NAMES = names_of("hy_mt2")
EXPERTS, SHARED = NAMES.experts, NAMES.shared_module()
DTYPES = {"BF16": torch.bfloat16, "F16": torch.float16, "F32": torch.float32}
CARRIERS = {2: torch.int16, 4: torch.int32}


class Shape(SimpleNamespace):
    """The sizes of a case: experts E, hidden H, inter I, rank R, layer kinds and prefix."""


def sizes(experts=3, hidden=2, inter=3, layers="ds", mtp=0, activation="swiglu", prefix="model."):
    return Shape(
        E=experts, H=hidden, I=inter, R=2, layers=layers, mtp=mtp, activation=activation, prefix=prefix
    )


def is_gated(s):
    return s.activation != "relu2"


def projections(s):
    return ["gate_proj", "up_proj", "down_proj"] if is_gated(s) else ["up_proj", "down_proj"]


def sparse_layers(s):
    kinds = s.layers + "s" * s.mtp
    return [layer for layer, kind in enumerate(kinds) if kind == "s"]


def base_keys(s, dtype="BF16"):
    """A few tensors of every class, in the order of a checkpoint that was written at one go."""
    keys = [(f"{s.prefix}embed_tokens.weight", dtype, [2, s.H])]
    for layer in range(len(s.layers) + s.mtp):
        base = f"{s.prefix}layers.{layer}."
        keys.append((f"{base}input_layernorm.weight", dtype, [s.H]))
        if layer not in sparse_layers(s):
            continue
        keys.append((base + NAMES.disk("router"), dtype, [s.E, s.H]))
        keys.append((base + NAMES.disk("router bias"), "F32", [s.E]))
        keys.append((f"{base}{SHARED}.up_proj.weight", dtype, [s.I, s.H]))
        for expert in range(s.E):
            for projection in projections(s):
                shape = [s.H, s.I] if projection == "down_proj" else [s.I, s.H]
                keys.append((f"{base}{EXPERTS}.{expert}.{projection}.weight", dtype, shape))
    keys.append(("lm_head.weight", dtype, [2, s.H]))
    return keys


def scale_keys(s):
    keys = base_keys(s)
    for suffix in ["weight_scale", "input_scale", "weight_scale_inv"]:
        for expert in range(s.E):
            keys.append((f"{s.prefix}layers.1.{EXPERTS}.{expert}.up_proj.{suffix}", "BF16", []))
        keys.append((f"{s.prefix}layers.1.{SHARED}.up_proj.{suffix}", "F32", [1]))
    return keys


def lora_keys(s, prefix="base_model.model.model."):
    keys = []
    for layer in sparse_layers(s):
        base = f"{prefix}layers.{layer}."
        for factor, shape in [("A", [s.R, s.H]), ("B", [s.H, s.R])]:
            keys.append((f"{base}self_attn.o_proj.lora_{factor}.weight", "BF16", shape))
            keys.append((f"{base}{SHARED}.up_proj.lora_{factor}.weight", "BF16", shape))
        for expert in range(s.E):
            for projection in projections(s):
                rows, columns = (s.H, s.I) if projection == "down_proj" else (s.I, s.H)
                stem = f"{base}{EXPERTS}.{expert}.{projection}"
                keys.append((f"{stem}.lora_A.weight", "BF16", [s.R, columns]))
                keys.append((f"{stem}.lora_B.weight", "BF16", [rows, s.R]))
    return keys


def param_wrapper_keys(s, legacy, prefix="base_model.model.model."):
    width = 2 * s.I if is_gated(s) else s.I
    fused = s.R * s.E
    keys = []
    for layer in sparse_layers(s):
        base = f"{prefix}layers.{layer}.{EXPERTS}."
        for stem, inner, outer in [("", s.I, s.H), ("base_layer.", s.H, width)]:
            a, b = (outer, inner) if legacy else (inner, outer)
            keys.append((f"{base}{stem}lora_A.weight", "BF16", [fused, a]))
            keys.append((f"{base}{stem}lora_B.weight", "BF16", [b, fused]))
    return keys


def shuffled(keys, seed):
    keys = list(keys)
    random.Random(seed).shuffle(keys)
    return keys


def by_shard(keys, count=3):
    shards = [sorted(keys[start::count]) for start in range(count)]
    return [key for shard in shards for key in shard]


def by_projection(keys, order):
    def place(key):
        return next((i for i, projection in enumerate(order) if projection in key[0]), -1)

    return sorted(keys, key=place)


def case(name, s, keys, **more):
    return {"name": name, "sizes": s, "keys": keys, **more}


def base_cases():
    s = sizes()
    keys = base_keys(s)
    yield case("as written", s, keys)
    yield case("sorted", s, sorted(keys))
    yield case("reversed", s, keys[::-1])
    yield case("by shard", s, by_shard(keys))
    for order in [["gate", "up_proj", "down"], ["down", "up_proj", "gate"], ["up_proj", "gate"]]:
        yield case(f"projections {' '.join(order)}", s, by_projection(keys, order))
    two = sizes(layers="ss", experts=2, hidden=1, inter=2)
    for seed in range(3):
        yield case(f"two layers shuffled {seed}", two, shuffled(base_keys(two), seed))
    eleven = sizes(experts=11, hidden=1, inter=2)
    yield case("eleven experts sorted", eleven, sorted(base_keys(eleven)))
    deep = sizes(experts=1, hidden=1, inter=2, layers="d" + 10 * "s")
    yield case("eleven layers sorted", deep, sorted(base_keys(deep)))
    square = sizes(hidden=2, inter=2)
    yield case("square", square, shuffled(base_keys(square), 3))
    whole = sizes(hidden=2, inter=2)
    for dtype in ["F16", "F32"]:
        yield case(f"{dtype} shuffled", whole, shuffled(base_keys(whole, dtype), 4), dtype=dtype)
    mtp = sizes(experts=2, layers="ds", mtp=1)
    yield case("MTP dropped", mtp, shuffled(base_keys(mtp), 5))
    yield case("MTP preserved", mtp, shuffled(base_keys(mtp), 5), preserve=True)
    yield case("scales", s, shuffled(scale_keys(s), 6))
    extra = [("visual.layers.7.proj.weight", "BF16", [2]), ("model.layers.1.new.weight", "BF16", [1])]
    yield case("keys of no rule", s, shuffled(keys + extra, 7))
    for exclude in ["lm_head", r"model\.layers\.1\.mlp\.experts\.[02]\.(gate|down)", r".*_proj\.weight$"]:
        yield case(f"excluding {exclude}", s, keys, exclude=exclude)


def variant_cases():
    relu = sizes(activation="relu2", experts=2)
    yield case("relu2 shuffled", relu, shuffled(base_keys(relu), 8))
    for prefix in ["", "model.language_model.", "language_model."]:
        s = sizes(prefix=prefix, experts=2)
        yield case(f"prefix '{prefix}'", s, shuffled(base_keys(s), 9))


def lora_cases():
    s = sizes(experts=2)
    keys = lora_keys(s)
    yield case("LoRA sorted", s, sorted(keys))
    yield case("LoRA reversed", s, keys[::-1])
    yield case("LoRA down between up and gate", s, by_projection(keys, ["up_proj", "down", "gate"]))
    two = sizes(experts=1, hidden=1, inter=2, layers="ss")
    for seed in range(4):
        yield case(f"LoRA shuffled {seed}", two, shuffled(lora_keys(two), seed))
    yield case("LoRA beside weights", s, shuffled(base_keys(s) + lora_keys(s, "model."), 1))
    relu = sizes(activation="relu2", experts=2)
    yield case("LoRA relu2", relu, shuffled(lora_keys(relu), 2))
    mtp = sizes(experts=1, hidden=1, inter=2, layers="s", mtp=1)
    yield case("LoRA of MTP layers", mtp, shuffled(lora_keys(mtp) + lora_keys(mtp, "model."), 3))
    for legacy in [False, True]:
        layout = "peft-0.18" if legacy else "peft-0.19.1"
        wrapped = param_wrapper_keys(s, legacy)
        yield case(f"ParamWrapper {layout}", s, wrapped)
        yield case(f"ParamWrapper {layout} reversed", s, wrapped[::-1])
        yield case(f"ParamWrapper {layout} relu2", relu, shuffled(param_wrapper_keys(relu, legacy), 4))
        square = sizes(experts=2, hidden=2, inter=2)
        down = [key for key in param_wrapper_keys(square, legacy) if "base_layer" not in key[0]]
        yield case(f"ParamWrapper {layout} stated", square, down, hint=layout)


def fill(keys):
    """The input of a case: consecutive addresses as bit patterns.

    A LoRA factor A of an up projection repeats that of the gate projection, as upstream writes it.
    """
    starts, address = {}, 0
    for name, _, shape in keys:
        starts[name] = address
        address += math.prod(shape)
    assert address < 1 << 15, "addresses must fit the narrowest type"
    state_dict = {}
    for name, dtype, shape in keys:
        gate = name.replace(".up_proj.lora_A.", ".gate_proj.lora_A.")
        start = starts.get(gate, starts[name])
        carrier = CARRIERS[DTYPES[dtype].itemsize]
        bits = torch.arange(start, start + math.prod(shape), dtype=carrier).reshape(shape)
        state_dict[name] = bits.view(DTYPES[dtype])
    return state_dict


def describe(name, dtype, shape):
    return f"{name} {dtype} {'x'.join(map(str, shape)) or 'scalar'}"


def record(pairs, inputs):
    names = {dtype: name for name, dtype in DTYPES.items()}
    positions = {text: position for position, text in enumerate(inputs)}
    result = []
    for name, tensor in pairs:
        data = tensor.contiguous().view(CARRIERS[tensor.element_size()]).numpy().tobytes()
        text = describe(name, names[tensor.dtype], tensor.shape)
        result.append(f"{positions.get(text, text)} {data.hex()}")
    return result


def run(c):
    s = c["sizes"]
    config = {"num_hidden_layers": len(s.layers), "num_nextn_predict_layers": s.mtp}
    moe = dict(n_routed_experts=s.E, moe_inter_dim=s.I, dim=s.H, expert_activation=s.activation)
    adapter = new_adapter(
        ADAPTERS["hy_mt2"], "hy_mt2", config, DTYPES[c.get("dtype", "BF16")], moe, c.get("preserve")
    )
    adapter._paramwrapper_layout_hint = c.get("hint")
    exclude = c.get("exclude")
    native = adapter.from_hf(fill(c["keys"]))
    back = adapter.to_hf(native, exclude_key_regex=exclude)
    single = [
        pair
        for name, tensor in native.items()
        for pair in adapter.convert_single_tensor_to_hf(name, tensor, exclude_key_regex=exclude)
    ]
    inputs = [describe(*key) for key in c["keys"]]
    assert record(single, inputs) == record(back.items(), inputs), c["name"]
    optional = {key: c[key] for key in ["preserve", "dtype", "hint", "exclude"] if key in c}
    return {
        "name": c["name"],
        "sizes": vars(s),
        **optional,
        "input": inputs,
        "native": record(native.items(), inputs),
        "back": record(back.items(), inputs),
    }


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    cases = [run(c) for group in [base_cases(), variant_cases(), lora_cases()] for c in group]
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        head = {"nemo_automodel": version("nemo-automodel"), "torch": torch.__version__.split("+")[0]}
        lines = ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases)
        file.write(f'{{"made_by":{json.dumps(head)},\n"cases":[\n{lines}\n]}}\n')
    print(f"{len(cases)} cases")


if __name__ == "__main__":
    main()
