# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""NeMo's from_hf for rank r of n, without any other process."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch.distributed
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.testing._internal.distributed.fake_pg import FakeStore

from hymt2_oracle.errors import OracleError


@contextmanager
def expert_parallel_mesh(rank: int, size: int) -> Iterator[DeviceMesh]:
    """A mesh of one dimension, `ep`, seen from `rank`: a process group that sends nothing."""
    if not 0 <= rank < size:
        raise OracleError(f"EP rank {rank} of {size}: the rank must be in 0..<{max(size, 0)}")
    torch.distributed.init_process_group("fake", store=FakeStore(), rank=rank, world_size=size)
    try:
        yield init_device_mesh("cpu", (size,), mesh_dim_names=("ep",))
    finally:
        torch.distributed.destroy_process_group()
