# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""`hymt2 digest` against the SHA-256 of what upstream's adapters make, for every layout."""

import hashlib
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import save_file

from hymt2.configs import table_of
from hymt2.folders import SINGLE_NAME
from hymt2.golden.cases import GoldenDict
from hymt2.golden.families import WITHOUT_RANKS
from hymt2.golden.table import Plan
from hymt2.golden.upstream import Upstream, as_tensors
from hymt2.golden.values import fill
from hymt2.names import prefixes_of
from hymt2.tables import table_names

HYMT2 = os.environ.get("HYMT2")

LAYOUTS = [name for name in table_names() if table_of(name).get("upstream")]
"""The layouts that upstream has an adapter for."""

pytestmark = pytest.mark.skipif(HYMT2 is None, reason="HYMT2 names the program to be compared")


def digest(folder: Path, *options: str) -> dict[str, Any]:
    result = subprocess.run(
        [str(HYMT2), "digest", str(folder), "--json", "--quiet", *options],
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def digests_of(tensors: GoldenDict) -> dict[str, Any]:
    return {
        key: {
            "dtype": tensor.dtype,
            "shape": list(tensor.bits.shape),
            "sha256": hashlib.sha256(tensor.data()).hexdigest(),
        }
        for key, tensor in tensors.items()
    }


def written(plan: Plan, folder: Path) -> GoldenDict:
    """The plan's checkpoint as a folder, and in memory."""
    hf = fill(plan.keys(), plan.contents, plan.target)
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(plan.description()["config"]))
    save_file(as_tensors(hf), folder / SINGLE_NAME, {"format": "pt"})
    return hf


def plan_of(layout: str, rank: tuple[int, int] | None = None, mtp: str = "drop") -> Plan:
    config = {"num_nextn_predict_layers": 1} if mtp == "preserve" else {}
    prefix = prefixes_of(layout)[0]
    return Plan("digest", "", (), config, layout, prefix=prefix, mtp=mtp, parallelism=rank)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_digests_of_native_form_are_those_of_upstream(layout: str, tmp_path: Path) -> None:
    plan = plan_of(layout)
    hf = written(plan, tmp_path / "hf")
    native = Upstream(plan.description()).load(hf)
    document = digest(tmp_path / "hf")
    assert document["digests"] == digests_of(native)
    assert document["epSize"] is None and document["algorithm"] == "sha256"
    # The folder is in that form already.
    assert digest(tmp_path / "hf", "--to", "hf")["digests"] == digests_of(hf)


@pytest.mark.parametrize("layout", [name for name in LAYOUTS if name not in WITHOUT_RANKS])
def test_the_digests_of_each_rank_are_those_of_upstream(layout: str, tmp_path: Path) -> None:
    hf = written(plan_of(layout), tmp_path / "hf")
    every = digest(tmp_path / "hf", "--ep-size", "2")["ranks"]
    assert [document["epRank"] for document in every] == [0, 1]
    for rank, document in enumerate(every):
        native = Upstream(plan_of(layout, (rank, 2)).description()).load(hf)
        assert document["digests"] == digests_of(native), rank
        alone = digest(tmp_path / "hf", "--ep-size", "2", "--ep-rank", str(rank))
        assert alone["digests"] == document["digests"]


def test_prediction_layers_are_kept_where_that_is_asked(tmp_path: Path) -> None:
    plan = plan_of("hy_v3", mtp="preserve")
    hf = written(plan, tmp_path / "hf")
    native = Upstream(plan.description()).load(hf)
    assert digest(tmp_path / "hf", "--mtp", "preserve")["digests"] == digests_of(native)
    kept = {key: tensor for key, tensor in native.items() if "layers.2." not in key}
    assert digest(tmp_path / "hf", "--mtp", "drop")["digests"] == digests_of(kept)
