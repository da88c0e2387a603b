# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""NeMo's from_hf for rank r of n, without any other process."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch.distributed
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.testing._internal.distributed.fake_pg import FakeStore

from hymt2.errors import OracleError


@contextmanager
def expert_parallel_mesh(rank: int, size: int) -> Iterator[DeviceMesh]:
    """A mesh of one dimension, `ep`, seen from `rank`: a process group that sends nothing."""
    try:
        yield _join_mesh(rank, size)
    finally:
        if torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()


class LastingMesh:
    """The mesh of the rank asked for last: making one takes longer than converting a small model.

    A process can be in one group of processes only; a mesh made before ends with its group.
    """

    def __init__(self) -> None:
        self._place: tuple[int, int] | None = None
        self._mesh: DeviceMesh | None = None

    def seen_from(self, rank: int, size: int) -> DeviceMesh:
        """A mesh of one dimension, `ep`; one that was given before is no longer of use."""
        is_there = torch.distributed.is_initialized()
        if self._mesh is None or not is_there or self._place != (rank, size):
            if is_there:
                torch.distributed.destroy_process_group()
            self._mesh, self._place = _join_mesh(rank, size), (rank, size)
        return self._mesh


def _join_mesh(rank: int, size: int) -> DeviceMesh:
    if not 0 <= rank < size:
        raise OracleError(f"EP rank {rank} of {size}: the rank must be in 0..<{max(size, 0)}")
    torch.distributed.init_process_group("fake", store=FakeStore(), rank=rank, world_size=size)
    return init_device_mesh("cpu", (size,), mesh_dim_names=("ep",))
