# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""The committed golden files against NeMo and against the adapter in NumPy."""

import hashlib
import json
import os
import shutil
from pathlib import Path

import h5py
import pytest

from hymt2.errors import OracleError
from hymt2.golden.cases import GoldenCase, GoldenDict
from hymt2.golden.families import HY
from hymt2.golden.files import read_case, write_case
from hymt2.golden.upstream import Upstream, same
from hymt2.numpy_adapter import NumPyAdapter

ROOT = Path(__file__).parents[3]
# Cases that another program has written can be checked in the place of the committed ones.
GOLDEN = Path(os.environ.get("HYMT2_GOLDEN", ROOT / "Golden"))
FILES = sorted(GOLDEN.glob("*.h5"), key=lambda path: path.stem)

MANIFEST = json.loads((GOLDEN / "manifest.json").read_text())
REFUSED = {entry["file"] for entry in MANIFEST["cases"] if "invalid-input" in entry["flags"]}
CONVERTED = [path for path in FILES if path.name not in REFUSED]


def file_id(path: Path) -> str:
    return path.stem


def right_native(case: GoldenCase) -> GoldenDict:
    return case.groups["native"]


def right_saved(case: GoldenCase) -> GoldenDict:
    return case.groups.get("saved", case.groups["hf"])


def test_there_are_files() -> None:
    assert CONVERTED


def test_files_are_those_of_the_manifest() -> None:
    assert [entry["file"] for entry in MANIFEST["cases"]] == [path.name for path in FILES]
    for entry, path in zip(MANIFEST["cases"], FILES):
        data = path.read_bytes()
        assert (entry["bytes"], entry["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())


@pytest.mark.parametrize("path", FILES, ids=file_id)
def test_rewriting_gives_the_same_bytes(path: Path, tmp_path: Path) -> None:
    write_case(read_case(path), tmp_path / "again.h5")
    assert (tmp_path / "again.h5").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("path", CONVERTED, ids=file_id)
def test_numpy_agrees(path: Path) -> None:
    case = read_case(path)
    if case.description["family"] not in HY:
        pytest.skip("the adapter in NumPy knows Hy's layout only")
    adapter = NumPyAdapter(case.description)
    assert same(adapter.from_hf(case.groups["hf"]), right_native(case))
    if "save" in case.description["directions"]:
        assert same(adapter.to_hf(right_native(case)), right_saved(case))


@pytest.mark.parametrize("path", CONVERTED, ids=file_id)
def test_nemo_agrees(path: Path) -> None:
    case = read_case(path)
    saves = "save" in case.description["directions"]
    native, saved = Upstream(case.description).convert(case.groups["hf"], saves)
    assert same(native, right_native(case))
    assert not saves or same(saved, right_saved(case))


def test_a_changed_bit_is_noticed(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.h5"
    shutil.copy(FILES[0], damaged)
    with h5py.File(damaged) as file:
        tensors = [dataset.id for group in file.values() for dataset in group.values()]
        position = next(t.get_offset() for t in tensors if t.get_storage_size())
    with damaged.open("r+b") as data:
        data.seek(position)
        byte = data.read(1)[0]
        data.seek(position)
        data.write(bytes([byte ^ 1]))
    with pytest.raises(OracleError, match="SHA-256"):
        read_case(damaged)
