# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""Writes Sources/Layouts/Tables/transformers/mapping.json: transformers' own table of our models.

    python tools/import_transformers_mapping.py            write the file
    python tools/import_transformers_mapping.py --check    fail if it is not what would be written

Of the installed transformers: the rules by which each model's checkpoints are converted, as they
are written there, and the names and shapes of the tensors of a small model on the meta device.
`hymt2 layouts audit` interprets them without Python.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import torch
import transformers
from transformers import PreTrainedModel, conversion_mapping
from transformers.core_model_loading import WeightConverter, WeightTransform

from hymt2.layout_models import layout_model
from hymt2.small_configs import IN_TRANSFORMERS, SMALL
from hymt2.tables import TABLES, load_table

FILE = TABLES / "transformers" / "mapping.json"
_KEPT = {"prefix_to_add": "add", "prefix_to_remove": "remove", "model_prefix": "below"}


def rule(transform: WeightTransform) -> dict[str, Any]:
    """A rule as it is written in the mapping."""
    kind = type(transform).__name__
    if kind == "PrefixChange":
        said = {name: getattr(transform, key) for key, name in _KEPT.items()}
        return {"kind": kind} | {name: value for name, value in said.items() if value}
    result: dict[str, Any] = {"kind": kind, "from": transform._original_source_patterns}
    result["to"] = transform._original_target_patterns
    if isinstance(transform, WeightConverter):
        result["by"] = [operation(op) for op in transform.operations]
    return result


def operation(op: Any) -> dict[str, Any]:
    """An operation: its name, and its arguments but those that are absent."""
    return {"name": type(op).__name__} | {k: v for k, v in vars(op).items() if v is not None}


def rules_of(model: PreTrainedModel) -> Iterator[tuple[str, str | None, list[dict[str, Any]]]]:
    """The entries of the mapping that a model is converted by, each with the module it is for."""
    entries: dict[int, str] = {}
    real = conversion_mapping.get_checkpoint_conversion_mapping

    def recording(name: str) -> Any:
        found = real(name)
        entries.update({id(transform): name for transform in found or []})
        return found

    with mock.patch.object(conversion_mapping, "get_checkpoint_conversion_mapping", recording):
        found = conversion_mapping.get_model_conversion_mapping(model, add_legacy=False)
    grouped: dict[tuple[str, str | None], list[dict[str, Any]]] = {}
    for transform in found:
        key = (entries[id(transform)], transform.scope_prefix)
        grouped.setdefault(key, []).append(rule(transform))
    for (entry, scope), rules in grouped.items():
        yield entry, scope, rules


def mapping() -> dict[str, Any]:
    """The whole file."""
    entries: dict[str, Any] = {}
    models = []
    for table in sorted(IN_TRANSFORMERS):
        config = SMALL[table][0]
        with torch.device("meta"):
            model = layout_model(table, config)
        used = []
        for entry, scope, rules in rules_of(model):
            entries[entry] = rules
            used.append({"entry": entry} | ({} if scope is None else {"module": scope}))
        tied = getattr(model, "all_tied_weights_keys", None) or {}
        state = {key: list(t.shape) for key, t in model.state_dict().items() if key not in tied}
        written = load_table(table)
        fields = {"architectures": [type(model).__name__], "model_type": written["models"][0]}
        models.append(
            {
                "table": table,
                "class": type(model).__name__,
                "prefix": model.base_model_prefix,
                "entries": used,
                "config": {**fields, **config},
                "tensors": state,
            }
        )
    return {"transformers": transformers.__version__, "entries": entries, "models": models}


def written(document: dict[str, Any]) -> str:
    """The file's text: a line for each rule and each model's facts, tensors a few to a line."""
    lines = ["{", f'"transformers": {json.dumps(document["transformers"])},', '"entries": {']
    entries = document["entries"]
    for number, name in enumerate(sorted(entries)):
        rules = ",\n  ".join(json.dumps(one) for one in entries[name])
        end = "," if number + 1 < len(entries) else "},"
        lines.append(f"{json.dumps(name)}: [\n  {rules}]{end}")
    lines.append('"models": [')
    for number, model in enumerate(document["models"]):
        facts = {key: value for key, value in model.items() if key != "tensors"}
        shapes = model["tensors"].items()
        tensors = ",\n  ".join(f"{json.dumps(key)}: {json.dumps(shape)}" for key, shape in shapes)
        end = "}}" + ("," if number + 1 < len(document["models"]) else "]}")
        lines.append(f'{json.dumps(facts)[:-1]}, "tensors": {{\n  {tensors}{end}')
    return "\n".join(lines) + "\n"


def main() -> int:
    text = written(mapping())
    assert json.loads(text)
    if "--check" in sys.argv[1:]:
        if FILE.read_text() == text:
            return 0
        found = f"{FILE.name} is not what transformers {transformers.__version__} says"
        print(found, file=sys.stderr)
        return 1
    FILE.parent.mkdir(exist_ok=True)
    Path(FILE).write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
