# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
import json
from collections import Counter
from pathlib import Path

import pytest

from hymt2.errors import OracleError
from hymt2.golden.families import family_plans
from hymt2.golden.files import read_case, write_case
from hymt2.golden.mutations import wrong_results
from hymt2.golden.production import produce, valid_case, versions
from hymt2.golden.refusals import refusals
from hymt2.golden.table import Plan, plans

GOLDEN = Path(__file__).parents[3] / "Golden"


@pytest.mark.parametrize("plan", [*plans(), *family_plans()][::12], ids=lambda plan: plan.id)
def test_a_case_made_anew_is_the_committed_one(plan: Plan, tmp_path: Path) -> None:
    write_case(valid_case(plan), tmp_path / "new.h5")
    assert (tmp_path / "new.h5").read_bytes() == (GOLDEN / f"{plan.id}.h5").read_bytes()


def test_every_case_of_the_table_has_a_name_of_its_own() -> None:
    made = (plans(), family_plans(), wrong_results(), refusals())
    names = Counter(case.id for cases in made for case in cases)
    assert [name for name, count in names.items() if count > 1] == []
    manifest = json.loads((GOLDEN / "manifest.json").read_text())
    assert sorted([*names, "transformers"]) == [entry["id"] for entry in manifest["cases"]]


def test_the_committed_set_was_made_by_the_versions_required() -> None:
    manifest = json.loads((GOLDEN / "manifest.json").read_text())
    assert manifest["versions"] == versions()


def test_a_folder_that_exists_is_not_touched(tmp_path: Path) -> None:
    with pytest.raises(OracleError, match="exists already"):
        produce(tmp_path, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_upstream_says_of_invalid_input_is_recorded() -> None:
    said = {
        path.stem: read_case(path).description["expected"]["upstream"]
        for path in GOLDEN.glob("refused-*.h5")
    }
    assert said["refused-surplus-expert"] == "accepts it"
    assert said["refused-missing-projection"].startswith("refuses it with ")
