# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""Seconds that h5py takes to write, sync and read one raw contiguous dataset, as ci/bench compares."""

import json
import os
import statistics
import sys
import tempfile
import time

import h5py
import numpy as np

SIZE, RUNS = 1 << 30, 3


def seconds(folder: str, data: np.ndarray) -> tuple[float, float]:
    path = os.path.join(folder, "bench.h5")
    start = time.perf_counter()
    with h5py.File(path, "w", libver=("v108", "v110")) as file:
        file.create_dataset("tensor", data=data)
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)
    written = time.perf_counter()
    with h5py.File(path, "r") as file:
        read = np.empty(data.shape, data.dtype)
        file["tensor"].read_direct(read)
    end = time.perf_counter()
    os.unlink(path)
    return written - start, end - written


bits = np.random.default_rng(0).integers(0, 1 << 16, SIZE // 2, dtype=np.uint16)
with tempfile.TemporaryDirectory(dir=sys.argv[1]) as folder:
    times = [seconds(folder, bits) for _ in range(RUNS + 1)][1:]
print(
    json.dumps(
        {
            "writeSeconds": statistics.median(write for write, _ in times),
            "readSeconds": statistics.median(read for _, read in times),
        }
    )
)
