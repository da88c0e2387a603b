# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hymt2.errors import OracleError
from hymt2.folders import INDEX_NAME, read_folder


@pytest.fixture
def copy(checkpoint: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(checkpoint, tmp_path / "copy"))


def edit_index(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    index = json.loads((folder / INDEX_NAME).read_text())
    change(index)
    (folder / INDEX_NAME).write_text(json.dumps(index))


def test_a_checkpoint_is_read_whole(checkpoint: Path) -> None:
    folder = read_folder(checkpoint)
    assert sorted(folder.tensors) == sorted(key for keys in folder.shards.values() for key in keys)


def test_a_key_in_the_wrong_shard_is_refused(copy: Path) -> None:
    edit_index(copy, lambda i: i["weight_map"].update({"lm_head.weight": "model.safetensors"}))
    with pytest.raises(OracleError, match="wrong for 1 tensors; first lm_head.weight"):
        read_folder(copy)


def test_a_key_that_is_nowhere_is_refused(copy: Path) -> None:
    edit_index(copy, lambda i: i["weight_map"].update({"extra": "model.safetensors"}))
    with pytest.raises(OracleError, match="first extra"):
        read_folder(copy)


def test_a_wrong_total_size_is_refused(copy: Path) -> None:
    edit_index(copy, lambda i: i["metadata"].update({"total_size": 1}))
    with pytest.raises(OracleError, match="total_size is 1"):
        read_folder(copy)


def test_shards_without_an_index_are_refused(copy: Path) -> None:
    (copy / INDEX_NAME).unlink()
    with pytest.raises(OracleError, match="no model.safetensors.index.json"):
        read_folder(copy)


def test_a_key_in_two_shards_is_refused(copy: Path) -> None:
    first = min(copy.glob("*.safetensors"))
    shutil.copy(first, copy / "model-again.safetensors")
    with pytest.raises(OracleError, match="an earlier shard"):
        read_folder(copy)


def test_garbage_is_refused(copy: Path) -> None:
    min(copy.glob("*.safetensors")).write_bytes(b"\xff" * 100)
    with pytest.raises(OracleError, match="cannot be read as safetensors"):
        read_folder(copy)


def test_an_empty_or_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OracleError, match="holds no .safetensors file"):
        read_folder(tmp_path)
    with pytest.raises(OracleError, match="no such folder"):
        read_folder(tmp_path / "nowhere")
