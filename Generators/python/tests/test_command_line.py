# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
import io
import json
import shutil
from pathlib import Path

import pytest
from conftest import write_native

from hymt2.__main__ import run_command
from hymt2.commands import NAMES, command
from hymt2.folders import INDEX_NAME
from hymt2.nemo import StateDict


@pytest.mark.parametrize("name", NAMES)
def test_every_command_explains_itself(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit:
        run_command([name, "--help"])
    assert exit.value.code == 0
    text = capsys.readouterr().out
    assert command(name).DETAILS in text
    assert command(name).NAME == name
    assert "Exit codes" in text


def test_underscores_are_accepted(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["regex_reference"]) == 0
    assert json.loads(capsys.readouterr().out)["function"] == "re.match(pattern, name)"


def test_make_checkpoint_takes_fields_from_everywhere(tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text('{"num_experts": 5, "vocab_size": 32, "architectures": ["Other"]}')
    out = tmp_path / "out"
    words = ["make_checkpoint", str(out), "--preset", "many-experts", "--config", str(config)]
    words += ["--set", "num_hidden_layers=2", "--set", "hidden_act=gelu", "--mtp-layers", "2"]
    assert run_command([*words, "--max-shard-size", "10KB", "--dtype", "float16"]) == 0
    made = json.loads((out / "config.json").read_text())
    assert (made["num_experts"], made["vocab_size"], made["num_hidden_layers"]) == (5, 32, 2)
    assert (made["hidden_act"], made["dtype"]) == ("gelu", "float16")
    assert made["num_nextn_predict_layers"] == 2
    assert made["architectures"] == ["HYV3ForCausalLM"]
    assert (out / INDEX_NAME).exists()


def test_compare_exits_0_1_and_2(
    checkpoint: Path, native: StateDict, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    right = write_native(tmp_path / "right", native)
    native["lm_head.weight"][0, 0] += 1
    wrong = write_native(tmp_path / "wrong", native)
    assert run_command(["compare", str(checkpoint), str(right)]) == 0
    capsys.readouterr()
    assert run_command(["compare", str(checkpoint), str(wrong), "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert (document["schemaVersion"], document["equal"]) == (1, False)
    assert [d["key"] for d in document["differences"]] == ["lm_head.weight"]
    assert document["differences"][0]["first_index"] == [0, 0]
    assert run_command(["compare", str(checkpoint), str(tmp_path / "nowhere")]) == 2


def test_compare_folders(checkpoint: Path, native: StateDict, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(checkpoint, tmp_path / "copy"))
    words = ["compare-folders", str(checkpoint), str(copy)]
    assert run_command(words) == 0
    index = json.loads((copy / INDEX_NAME).read_text())
    (copy / INDEX_NAME).write_text(json.dumps(index))
    # Other bytes, the same JSON.
    assert run_command(words) == 0
    del index["metadata"]["total_parameters"]
    (copy / INDEX_NAME).write_text(json.dumps(index))
    assert run_command(words) == 1
    assert run_command([*words, "--any-sharding"]) == 0
    assert run_command(["compare-folders", str(checkpoint), str(tmp_path)]) == 2
    other = write_native(tmp_path / "other", native)
    assert run_command(["compare-folders", str(checkpoint), str(other), "--any-sharding"]) == 1


def test_batch_runs_all_and_records_every_exit_code(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results = tmp_path / "results"
    lines = [f"same\tcompare-folders '{checkpoint}' '{checkpoint}'", "none\tnope", "", "x\tcompare"]
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(lines)))
    assert run_command(["batch", str(results)]) == 2
    assert results.read_text() == "0\tsame\n2\tnone\n2\tx\n"
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert run_command(["batch", str(results)]) == 2


def test_the_benchmark_measures_both_directions(capsys: pytest.CaptureFixture[str]) -> None:
    sizes = ["--experts", "2", "--hidden", "8", "--intermediate", "4", "--runs", "2"]
    assert run_command(["bench-nemo", *sizes]) == 0
    results = json.loads(capsys.readouterr().out)
    assert results["bytes"] == 2 * 3 * 8 * 4 * 2
    for name in ("from_hf", "to_hf", "memcpy"):
        assert results[name]["gb_per_second"] > 0
    assert run_command(["bench-nemo", "--runs", "0"]) == 2
