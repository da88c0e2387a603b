# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""Every rank's converted checkpoint against NeMo's, and all ranks together against the whole."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from hymt2.bits import compare_state_dicts, compare_tensors
from hymt2.errors import OracleError
from hymt2.folders import read_folder, read_json
from hymt2.nemo import StateDict, is_grouped_experts
from hymt2.references import MANIFEST, case_name


@dataclass
class ShardOutcome:
    """How much was compared, and what differs."""

    compared: int = 0
    refused: int = 0
    """Cases where NeMo gives an error: there is nothing to compare with."""
    joined: int = 0
    """Grouped tensors put together from all ranks of a size."""
    differences: list[str] = field(default_factory=list)


def compare_shards(references: Path, native_root: Path) -> ShardOutcome:
    """NATIVE_ROOT/E/nN-rR against what `write_references` put into OUT_DIR/E."""
    outcome = ShardOutcome()
    groups: dict[tuple[int, int], list[dict[str, Any]]] = {}
    for case in read_json(references / MANIFEST)["cases"]:
        groups.setdefault((case["experts"], case["size"]), []).append(case)
    for (experts, size), cases in groups.items():
        ranks = [_check_rank(references, native_root, case, outcome) for case in cases]
        complete = [rank for rank in ranks if rank is not None]
        if len(complete) == size:
            whole = load_file(references / str(experts) / "unsharded.safetensors")
            _check_joined(f"{experts}/n{size}", whole, complete, outcome)
    if outcome.compared == 0:
        raise OracleError(f"{references / MANIFEST}: no case to compare")
    return outcome


def _check_rank(
    references: Path, native_root: Path, case: dict[str, Any], outcome: ShardOutcome
) -> StateDict | None:
    name = f"{case['experts']}/{case_name(case['rank'], case['size'])}"
    try:
        found = read_folder(native_root / name).tensors
    except OracleError as error:
        found = None
        reason = f"{name}: {error}"
    if case["file"].endswith(".json"):
        outcome.refused += 1
        return found
    outcome.compared += 1
    if found is None:
        outcome.differences.append(reason)
        return None
    expected = load_file(references / case["file"])
    differences = compare_state_dicts(expected, found)
    outcome.differences += [f"{name}: {difference}" for difference in differences]
    return found


def _check_joined(
    name: str, whole: StateDict, ranks: list[StateDict], outcome: ShardOutcome
) -> None:
    """Ranks in order, along axis 0. A rank without experts has no grouped key."""
    for key in filter(is_grouped_experts, whole):
        parts = [rank[key] for rank in ranks if key in rank]
        outcome.joined += 1
        try:
            joined = torch.cat(parts)
        except (RuntimeError, ValueError) as error:
            outcome.differences.append(f"{name}: {key}: ranks cannot be joined: {error}")
            continue
        difference = compare_tensors(key, whole[key], joined)
        if difference is not None:
            outcome.differences.append(f"{name}: all ranks joined: {difference}")
