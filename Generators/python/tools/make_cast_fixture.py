# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""Writes what torch gives for casts between floating-point types, for the tests of `Cast`.

    python3 make_cast_fixture.py Tests/TensorsTests/Fixtures/Casts

Files are named SOURCE.TARGET and hold little-endian results in the order of the inputs:

- 8-bit sources: the result of each of the 256 patterns.
- 16-bit sources: for each 256 consecutive patterns the FNV-1a 64 hash of their results.
- F32, F64: the result of each pattern in the file SOURCE.inputs.

Every NaN result is written as the positive quiet NaN with no other payload bit, since torch's
choice depends on the processor. ml_dtypes must agree except where F8_E4M3 overflows: torch 2.13
gives 448 there (older versions NaN), ml_dtypes NaN.
"""

import pathlib
import sys

import ml_dtypes
import numpy as np
import torch

# Name: torch type, ml_dtypes type, exponent bits, mantissa bits, canonical NaN.
TARGETS = {
    "BF16": (torch.bfloat16, ml_dtypes.bfloat16, 8, 7, 0x7FC0),
    "F16": (torch.float16, np.float16, 5, 10, 0x7E00),
    "F32": (torch.float32, np.float32, 8, 23, 0x7FC00000),
    "F64": (torch.float64, np.float64, 11, 52, 0x7FF8000000000000),
    "F8_E4M3": (torch.float8_e4m3fn, ml_dtypes.float8_e4m3fn, 4, 3, 0x7F),
    "F8_E5M2": (torch.float8_e5m2, ml_dtypes.float8_e5m2, 5, 2, 0x7E),
}
SOURCES = dict(TARGETS)
SOURCES["F8_E8M0"] = (torch.float8_e8m0fnu, ml_dtypes.float8_e8m0fnu, 8, 0, 0xFF)
RANDOM_PATTERNS = 300


def unsigned(width):
    return np.dtype(f"<u{width}")


def midpoints(exponent_bits, mantissa_bits):
    """Ties between neighbors of a type, and its largest and smallest values, as exact F64."""
    bias = 2 ** (exponent_bits - 1) - 1
    lowest, highest = 1 - bias, bias
    # Around the subnormals, one, and the overflow, which for E4M3 lies one exponent higher.
    exponents = {lowest - 1, lowest, lowest + 1, -1, 0, 3, highest - 1, highest, highest + 1}
    units = 2**mantissa_bits
    steps = {0, 1, 2, units // 2 - 1, units // 2, units - 2, units - 1}
    values = []
    for exponent in sorted(exponents):
        for step in sorted(steps):
            for half in (0.0, 0.5):
                unit = 2.0 ** (max(exponent, lowest) - mantissa_bits)
                base = 0.0 if exponent < lowest else 2.0**exponent
                values.append(base + (step + half) * unit)
    return values


def wide_inputs(width):
    """Bit patterns of F32 or F64 at and next to the places where results change."""
    dtype, word = np.dtype(f"<f{width}"), unsigned(width)
    generator = np.random.default_rng(width)
    parts = []
    for _, target_numpy, exponent_bits, mantissa_bits, _ in TARGETS.values():
        if np.dtype(target_numpy).itemsize < width:
            with np.errstate(over="ignore"):
                bits = np.array(midpoints(exponent_bits, mantissa_bits)).astype(dtype).view(word)
            neighbors = [bits - word.type(bits > 0), bits, bits + word.type(1)]
            if width == 8:
                # Near enough to a tie for the rounding to F32 to make it one.
                neighbors += [bits + word.type(2**28 - 1), bits + word.type(2**28 + 1)]
                neighbors += [bits - word.type(2**27)]
            parts += neighbors
    parts.append(generator.integers(0, 2 ** (8 * width), RANDOM_PATTERNS, word))
    scales = 10.0 ** generator.integers(-12, 12, RANDOM_PATTERNS)
    parts.append((generator.normal(size=RANDOM_PATTERNS) * scales).astype(dtype).view(word))
    infinity = np.array(np.inf, dtype).view(word)
    edges = [0, 1, 2, 3, infinity - 1, infinity, np.array(1, dtype).view(word)]
    parts.append(np.array(edges, word))
    bits = np.unique(np.concatenate(parts))
    positive = bits & word.type(2 ** (8 * width - 1) - 1)
    return np.unique(np.concatenate([positive, positive | word.type(2 ** (8 * width - 1))]))


def fnv1a(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return value


def results(source, target, inputs):
    source_torch, source_numpy = SOURCES[source][:2]
    target_torch, target_numpy, _, _, nan = TARGETS[target]
    word = unsigned(np.dtype(target_numpy).itemsize)
    raw = torch.from_numpy(inputs.view(np.uint8).copy()).view(source_torch)
    made = np.frombuffer(raw.to(target_torch).view(torch.uint8).numpy().tobytes(), word).copy()

    middle = inputs.view(source_numpy)
    if source in ("F64", "F8_E8M0"):  # Through F32, as torch does and ml_dtypes must for E8M0.
        middle = middle.astype(np.float32)
    other = middle.astype(target_numpy).view(word)
    made_nan = np.isnan(made.view(target_numpy).astype(np.float64))
    other_nan = np.isnan(other.view(target_numpy).astype(np.float64))
    differs = (made != other) & ~(made_nan & other_nan)
    saturated = (target == "F8_E4M3") & (made & 0x7F == 0x7E) & other_nan
    if np.any(differs & ~saturated):
        found = inputs[differs & ~saturated][0]
        sys.exit(f"{source} -> {target}: torch and ml_dtypes differ on {found:#x}")
    made[made_nan] = nan
    return made


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    for source, (_, source_numpy, *_) in SOURCES.items():
        width = np.dtype(source_numpy).itemsize
        if width <= 2:
            inputs = np.arange(256**width).astype(unsigned(width))
        else:
            inputs = wide_inputs(width)
            (folder / f"{source}.inputs").write_bytes(inputs.tobytes())
        for target in TARGETS:
            if target == source:
                continue
            made = results(source, target, inputs)
            if width == 2:
                blocks = made.reshape(256, 256)
                made = np.array([fnv1a(block.tobytes()) for block in blocks], unsigned(8))
            (folder / f"{source}.{target}").write_bytes(made.tobytes())


if __name__ == "__main__":
    np.seterr(all="ignore")
    main(pathlib.Path(sys.argv[1]))
