# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""The whole set of golden cases, made by upstream."""

import hashlib
import shutil
import warnings
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import h5py

from hymt2.errors import OracleError
from hymt2.golden.cases import FORMAT_VERSION, GoldenCase, GoldenDict, canonical_json
from hymt2.golden.families import family_plans
from hymt2.golden.files import write_case
from hymt2.golden.genuine import genuine_case
from hymt2.golden.mutations import WrongResult, wrong_results
from hymt2.golden.refusals import Refusal, refusals
from hymt2.golden.table import Plan, plans
from hymt2.golden.upstream import Upstream, same
from hymt2.golden.values import fill

MANIFEST = "manifest.json"
SUFFIX = ".h5"


def produce(out: Path, checkpoint: Path) -> int:
    """Makes a new folder with all files and the manifest; gives the number of cases.

    The folder appears whole or not at all.
    """
    if out.exists():
        raise OracleError(f"{out}: exists already; name a new folder")
    unfinished = out.with_name(f".{out.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    entries: dict[str, dict[str, Any]] = {}
    for case in all_cases(checkpoint):
        if case.id in entries:
            raise OracleError(f"two cases are called {case.id}")
        path = unfinished / (case.id + SUFFIX)
        write_case(case, path)
        entries[case.id] = _entry(case, path)
    document = {
        "cases": [entries[name] for name in sorted(entries)],
        "format": "hymt2-golden-set",
        "format_version": FORMAT_VERSION,
        "generator": "python3 -m hymt2 golden-produce",
        "versions": versions(),
    }
    (unfinished / MANIFEST).write_text(canonical_json(document), encoding="ascii")
    unfinished.rename(out)
    return len(entries)


def versions() -> dict[str, str]:
    """Of the libraries that decide what the bytes are; builds of one version are not told apart."""
    names = ("h5py", "nemo-automodel", "numpy", "torch")
    found = {name: version(name).split("+")[0] for name in names}
    return found | {"hdf5": h5py.version.hdf5_version}


def all_cases(checkpoint: Path) -> Iterator[GoldenCase]:
    """Every case, made anew."""
    for plan in (*plans(), *family_plans()):
        yield valid_case(plan)
    yield genuine_case(checkpoint)
    for wrong in wrong_results():
        yield _wrong_case(wrong)
    for refusal in refusals():
        yield _refusal_case(refusal)


def valid_case(plan: Plan) -> GoldenCase:
    return GoldenCase(plan.description(), converted(plan))


def converted(plan: Plan) -> dict[str, GoldenDict]:
    """The checkpoint of a plan, and what upstream makes of it."""
    hf = fill(plan.keys(), plan.contents, plan.target)
    return with_results(Upstream(plan.description()), hf, plan.saves)


def with_results(upstream: Upstream, hf: GoldenDict, saves: bool) -> dict[str, GoldenDict]:
    native, saved = upstream.convert(hf, saves)
    groups = {"hf": hf, "native": native}
    if saved is not None and not same(saved, hf):
        groups["saved"] = saved
    return groups


def _wrong_case(wrong: WrongResult) -> GoldenCase:
    groups = converted(wrong.plan)
    right = groups.get(wrong.side, groups["hf"])
    groups["wrong"] = wrong.mutation(wrong.plan, groups["hf"], right)
    if same(groups["wrong"], right):
        raise OracleError(f"{wrong.id}: the mutation changes nothing")
    expected = {
        "diagnosis": list(wrong.diagnosis),
        "kind": wrong.kind,
        "law": wrong.law,
        "place": wrong.place,
        "side": wrong.side,
    }
    return GoldenCase(_invalid(wrong.plan, wrong, f"breaks-{wrong.law}", expected), groups)


def _refusal_case(refusal: Refusal) -> GoldenCase:
    plan = refusal.plan
    upstream = Upstream(plan.description())
    hf = fill(plan.keys(), plan.contents, plan.target)
    valid = hf if refusal.side == "hf" else upstream.load(hf)
    invalid = refusal.edit(valid)
    findings = [{"code": code, "subject": subject} for code, subject in refusal.findings]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            upstream.load(invalid) if refusal.side == "hf" else upstream.save(invalid)
        verdict = "accepts it"
    except Exception as error:
        verdict = f"refuses it with {type(error).__name__}"
    expected = {"findings": findings, "side": refusal.side, "upstream": verdict}
    return GoldenCase(
        _invalid(plan, refusal, "invalid-input", expected), {refusal.side: invalid}
    )


def _invalid(
    plan: Plan, negative: WrongResult | Refusal, flag: str, expected: dict[str, Any]
) -> dict[str, Any]:
    return plan.description() | {
        "expected": expected,
        "flags": [flag],
        "id": negative.id,
        "purpose": negative.purpose,
        "verdict": "invalid",
    }


def _entry(case: GoldenCase, path: Path) -> dict[str, Any]:
    data = path.read_bytes()
    return {
        "bytes": len(data),
        "content_sha256": case.digest(),
        "file": path.name,
        "flags": case.description["flags"],
        "id": case.id,
        "sha256": hashlib.sha256(data).hexdigest(),
        "verdict": case.description["verdict"],
    }
