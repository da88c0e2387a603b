# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors

"""Writes Tests/SafetensorsTests/Fixtures with the libraries that Swift must agree with.

Made with safetensors 0.8.0, huggingface_hub 2.4.0, transformers 5.23.0 and torch 2.13.0:

    python make_safetensors_fixtures.py ../../../Tests/SafetensorsTests/Fixtures
"""

import argparse
import json
import os
import random
import shutil
import struct
import sys
from pathlib import Path

import torch
from huggingface_hub.serialization import split_state_dict_into_shards_factory
from safetensors import SafetensorError, deserialize
from safetensors.torch import save
from transformers import HYV3Config, HYV3ForCausalLM

from hymt2.names import names_of

DTYPES = {
    "BOOL": torch.bool,
    "U8": torch.uint8,
    "I8": torch.int8,
    "F8_E5M2": torch.float8_e5m2,
    "F8_E4M3": torch.float8_e4m3fn,
    "F8_E8M0": torch.float8_e8m0fnu,
    "I16": torch.int16,
    "U16": torch.uint16,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I32": torch.int32,
    "U32": torch.uint32,
    "F32": torch.float32,
    "F64": torch.float64,
    "I64": torch.int64,
    "U64": torch.uint64,
}


def random_tensor(rng: random.Random, dtype: torch.dtype, shape: tuple[int, ...]) -> torch.Tensor:
    """Returns random bits, for booleans zeros and ones."""
    count = dtype.itemsize
    for extent in shape:
        count *= extent
    top = 2 if dtype == torch.bool else 256
    data = bytearray(rng.randrange(top) for _ in range(count))
    if count == 0:
        return torch.zeros(shape, dtype=dtype)
    return torch.frombuffer(data, dtype=torch.uint8).view(dtype).reshape(shape)


def describe(tensors: dict[str, torch.Tensor]) -> list[list]:
    """Returns name, shape and data in hexadecimal of each tensor."""
    return [
        [name, list(t.shape), t.reshape(-1).view(torch.uint8).numpy().tobytes().hex()]
        for name, t in tensors.items()
    ]


def write_files(folder: Path) -> None:
    """Writes single safetensors files and what is in them."""
    rng = random.Random(1)
    dtypes = {}
    for name, dtype in sorted(DTYPES.items()):
        for suffix in ("b", "a"):
            dtypes[f"{name.lower()}.{suffix}"] = random_tensor(rng, dtype, (2, 3))
    names = {
        'quote"backslash\\slash/': random_tensor(rng, torch.float32, (1,)),
        "\x00\x01\x08\t\n\x0b\x0c\r\x1f\x7f": random_tensor(rng, torch.float32, (2,)),
        "\u00e9": random_tensor(rng, torch.bfloat16, (1,)),
        "e\u0301": random_tensor(rng, torch.bfloat16, (1,)),
        # UTF-16 would order these two the other way round.
        "\U0001f600": random_tensor(rng, torch.int8, (3,)),
        "\uff5e\u2028": random_tensor(rng, torch.int8, (5,)),
        "": random_tensor(rng, torch.uint8, (1,)),
        "scalar": random_tensor(rng, torch.float64, ()),
        "none": random_tensor(rng, torch.float32, (3, 0, 2)),
        "long" * 40: random_tensor(rng, torch.uint8, (1, 1, 1, 1, 1)),
    }
    one = {"a": random_tensor(rng, torch.float16, (3,))}
    files = {
        "dtypes": (dtypes, {"format": "pt"}),
        "names": (names, None),
        "empty": ({}, None),
        "metadata-empty": (one, {}),
        "metadata-escapes": (one, {"k\u00e9y\n": 'v"\\\x00\U0001f600'}),
    }
    for name, (tensors, metadata) in files.items():
        (folder / f"{name}.safetensors").write_bytes(save(tensors, metadata))
        write_json(folder / f"{name}.json", describe(tensors))


def write_json(path: Path, value: object) -> None:
    """Writes JSON as transformers writes it."""
    path.write_text(json.dumps(value, indent=2, sort_keys=True) + "\n")


def write_spellings(folder: Path) -> None:
    """Writes a document that shows how json.dumps spells strings and floats."""
    rng = random.Random(2)
    doubles = [struct.unpack("<d", rng.randbytes(8))[0] for _ in range(300)]
    doubles += [rng.uniform(-1, 1) * 10 ** rng.randrange(-8, 20) for _ in range(300)]
    doubles += [float(rng.randrange(2**52, 2**55)) for _ in range(100)]
    document = {
        "strings": {chr(c): chr(c) for c in [*range(0, 0x120), 0x2028, 0xFFFF, 0x1F600]},
        "doubles": {struct.pack(">d", d).hex(): d for d in doubles if abs(d) < float("inf")},
        "empty": [{}, [], "", None, True, False, -1, 2**70],
    }
    write_json(folder / "python-json.json", document)


def write_shardings(folder: Path) -> None:
    """Writes how huggingface_hub splits lists of tensor sizes."""
    rng = random.Random(3)
    cases = []
    for _ in range(60):
        limit = rng.randrange(1, 60)
        top = rng.choice([limit // 3 + 1, limit + 1, 2 * limit + 1])
        sizes = [rng.randrange(top) for _ in range(rng.randrange(1, 25))]
        split = split_state_dict_into_shards_factory(
            {f"t{i}": size for i, size in enumerate(sizes)},
            get_storage_size=lambda size: size,
            filename_pattern="model{suffix}.safetensors",
            max_shard_size=limit,
        )
        shards = [[f, *names] for f, names in split.filename_to_tensors.items()]
        cases.append({"limit": limit, "sizes": sizes, "shards": shards})
    (folder / "sharding.json").write_text(json.dumps(cases, separators=(",", ":")) + "\n")


def write_replacements(folder: Path) -> None:
    """Writes which replacements of one byte of a file the library still reads."""
    rng = random.Random(5)
    base = save({"a\u00e9": random_tensor(rng, torch.bfloat16, (2, 1))}, {"k": "v"})
    header_end = 8 + int.from_bytes(base[:8], "little")
    accepted = []
    for position in range(header_end):
        accepted.append([])
        for byte in range(256):
            try:
                deserialize(base[:position] + bytes([byte]) + base[position + 1 :])
                accepted[-1].append(byte)
            except SafetensorError:
                pass
    document = {"base": base.hex(), "accepted": accepted}
    (folder / "replacements.json").write_text(json.dumps(document, separators=(",", ":")) + "\n")


def write_checkpoint(folder: Path) -> None:
    """Writes a HYV3 checkpoint in several shards with no weight zero."""
    config = HYV3Config(
        num_hidden_layers=3,
        first_k_dense_replace=1,
        hidden_size=8,
        intermediate_size=12,
        moe_intermediate_size=4,
        num_experts=4,
        num_experts_per_tok=2,
        num_shared_experts=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=4,
        vocab_size=16,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
        dtype="bfloat16",
    )
    model = HYV3ForCausalLM(config).to(torch.bfloat16)
    generator = torch.Generator().manual_seed(4)
    for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
        values = torch.rand(tensor.shape, generator=generator) * 0.9 + 0.1
        values *= torch.randint(0, 2, tensor.shape, generator=generator) * 2 - 1
        is_bias = name.endswith(names_of("hy_v3").native("router bias", "transformers"))
        tensor.data = values.to(torch.float32 if is_bias else tensor.dtype)
    model.save_pretrained(folder, max_shard_size="2KB")
    # The library keeps its shards from others, which a checkout would not.
    for file in folder.iterdir():
        os.chmod(file, 0o644)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="is emptied first")
    folder = parser.parse_args().folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    write_files(folder)
    write_spellings(folder)
    write_shardings(folder)
    write_replacements(folder)
    write_checkpoint(folder / "tiny-hyv3")
    return 0


if __name__ == "__main__":
    sys.exit(main())
