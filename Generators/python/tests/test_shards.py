# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from hymt2.errors import OracleError
from hymt2.expert_parallel import expert_parallel_mesh
from hymt2.folders import read_config, read_folder
from hymt2.nemo import is_grouped_experts, make_adapter
from hymt2.references import write_reference, write_references
from hymt2.shards import compare_shards


@pytest.fixture(scope="module")
def references(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("ep") / "out"
    write_references(out, range(1, 6), range(1, 8))
    return out


@pytest.fixture
def converted(references: Path, tmp_path: Path) -> Path:
    """What a faultless `hymt2` would have made of the checkpoints."""
    for case in json.loads((references / "manifest.json").read_text())["cases"]:
        folder = tmp_path / case["file"].removesuffix(".safetensors")
        folder.mkdir(parents=True)
        shutil.copy(references / case["file"], folder / "model.safetensors")
    return tmp_path


def test_ranks_own_contiguous_ranges_and_the_first_ones_own_one_more(references: Path) -> None:
    for experts in range(1, 6):
        folder = references / str(experts)
        whole = load_file(folder / "unsharded.safetensors")
        for size in range(1, 8):
            start = 0
            for rank in range(size):
                count = experts // size + (rank < experts % size)
                local = load_file(folder / f"n{size}-r{rank}.safetensors")
                for key in filter(is_grouped_experts, whole):
                    assert (key in local) == (count > 0)
                    if count > 0:
                        assert torch.equal(local[key], whole[key][start : start + count])
                start += count
            assert start == experts


def test_a_faultless_conversion_is_equal(references: Path, converted: Path) -> None:
    outcome = compare_shards(references, converted)
    assert outcome.differences == []
    # 5 numbers of experts; 1 + 2 + ... + 7 ranks; 7 sizes with two grouped tensors each.
    assert (outcome.compared, outcome.refused, outcome.joined) == (5 * 28, 0, 5 * 7 * 2)


def test_exchanged_ranks_are_noticed_twice(references: Path, converted: Path) -> None:
    a, b = converted / "4" / "n2-r0", converted / "4" / "n2-r1"
    a.rename(converted / "aside")
    b.rename(a)
    (converted / "aside").rename(b)
    differences = compare_shards(references, converted).differences
    # Two tensors in each of two ranks, and the two that they make together.
    assert len(differences) == 6
    assert sum("all ranks joined" in difference for difference in differences) == 2


def test_a_missing_rank_is_a_difference(references: Path, converted: Path) -> None:
    shutil.rmtree(converted / "3" / "n5-r4")
    (difference,) = compare_shards(references, converted).differences
    assert difference.startswith("3/n5-r4: ")


def test_where_nemo_refuses_only_the_joined_tensors_are_compared(
    references: Path, converted: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    refused = Path(shutil.copytree(references, tmp_path_factory.mktemp("refused") / "out"))
    manifest = json.loads((refused / "manifest.json").read_text())
    for case in manifest["cases"]:
        case["file"] = case["file"].replace("4/n2-r0.safetensors", "4/n2-r0.json")
    (refused / "manifest.json").write_text(json.dumps(manifest))
    outcome = compare_shards(refused, converted)
    assert (outcome.differences, outcome.refused, outcome.joined) == ([], 1, 70)
    file = converted / "4" / "n2-r0" / "model.safetensors"
    save_file({key: tensor.flip(0) for key, tensor in load_file(file).items()}, file)
    differences = compare_shards(refused, converted).differences
    assert ["all ranks joined" in difference for difference in differences] == [True, True]


def test_a_refusal_is_kept_with_its_type_and_message(references: Path, tmp_path: Path) -> None:
    tensors = dict(read_folder(references / "3" / "checkpoint").tensors)
    del tensors["model.layers.0.mlp.experts.2.up_proj.weight"]
    adapter = make_adapter(read_config(references / "3" / "checkpoint"))
    with expert_parallel_mesh(1, 2) as mesh:
        file = write_reference(tmp_path / "n2-r1", adapter, tensors, mesh)
    refusal = json.loads(file.read_text())
    assert file.name == "n2-r1.json"
    assert refusal["error_type"] == "RuntimeError"
    assert "Expert weights missing from checkpoint (rank 1)" in refusal["error_message"]


def test_no_case_at_all_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"cases": []}')
    with pytest.raises(OracleError, match="no case to compare"):
        compare_shards(tmp_path, tmp_path)
