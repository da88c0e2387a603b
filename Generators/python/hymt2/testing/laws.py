# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""One test for each law."""

import fcntl
import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from hymt2.serving.backend import Backend
from hymt2.serving.own_adapter import Factory, OwnAdapter, load
from hymt2 import program
from hymt2.testing.run import Verdict, check, verdicts
from hymt2.words import answer, meaning


def laws(
    adapter: Factory | str,
    *,
    layout: str | os.PathLike[str] = "hy_v3",
    native: str | None = None,
    examples: int = 100,
    seed: int = 0,
    known: str | os.PathLike[str] | None = None,
    name: str | None = None,
    version: str | None = None,
    supports: Mapping[str, list[str]] | None = None,
    without: Sequence[str] = (),
) -> Callable[..., None]:
    """A test for each law, to be given a name that begins with `test_`.

    `adapter` is called with a `hymt2.serving.Setup` and gives an object with `from_hf` and
    `to_hf`, as `hymt2.serving.serve` takes it; or `"nemo"`, the adapter of NeMo Automodel
    for the layout, which is a name or a file with a table; `native` is one of its native forms. All
    tests share one run, which the first of them makes. It is the same with
    the same seed, on any machine. `known` is a file with what the adapter is known to do otherwise;
    `without` names laws that are not asked of it, such as `invalid-input`.
    """
    known_laws = program.law_names(program.find())
    without = [_named(law, known_laws) for law in without]
    run = Run(adapter, layout, native, examples, seed, known, name, version, supports, without)
    names = [law for law in known_laws if law not in without]

    @pytest.mark.parametrize("law", names)
    def test_law(
        law: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        verdict = run.verdict(law, request.config, tmp_path_factory)
        if verdict.failure:
            pytest.fail(verdict.failure, pytrace=False)
        if verdict.skipped:
            pytest.skip(verdict.skipped)

    return test_law


def _named(law: str, laws: Sequence[str]) -> str:
    name = meaning(law, laws)
    if name is None:
        raise ValueError(f"without: there is no law {law!r}; {answer(law, laws)}")
    return name


class Run:
    """The run that the tests of one adapter share."""

    def __init__(
        self,
        adapter: Factory | str,
        layout: str | os.PathLike[str],
        native: str | None,
        examples: int,
        seed: int,
        known: str | os.PathLike[str] | None,
        name: str | None,
        version: str | None,
        supports: Mapping[str, list[str]] | None,
        without: Sequence[str],
    ) -> None:
        self._make: Callable[[], Backend]
        if isinstance(adapter, str):
            target = adapter
            self._make = lambda: load(target, layout=os.fspath(layout))
            self._label = f"{adapter} --layout {layout}"
        else:
            factory = adapter
            self._make = lambda: OwnAdapter(factory, name, version, supports)
            self._label = f"{factory.__module__}:{getattr(factory, '__qualname__', name)}"
        self._without = list(without)
        self._layout, self._native = layout, native
        self._examples, self._seed, self._known = examples, seed, known
        self._verdicts: dict[str, Verdict] | None = None
        self._error: program.ProgramError | None = None

    def verdict(
        self, law: str, config: pytest.Config, folders: pytest.TempPathFactory
    ) -> Verdict:
        """What became of a law; the run is made if it is not made yet."""
        if self._error is None and self._verdicts is None:
            try:
                self._verdicts = self._checked(config, folders)
            except program.ProgramError as error:
                self._error = error
        if self._error is not None:
            return Verdict(failure=str(self._error))
        assert self._verdicts is not None
        return self._verdicts.get(law, Verdict(skipped="the report does not have this law"))

    def _checked(
        self, config: pytest.Config, folders: pytest.TempPathFactory
    ) -> dict[str, Verdict]:
        arguments = self._arguments(config)
        worker: Mapping[str, Any] = getattr(config, "workerinput", {})
        # Workers of pytest-xdist have folders of their own in one that they share.
        folder = folders.getbasetemp().parent if worker else folders.mktemp("hymt2")
        text = "\n".join([self._label, str(worker.get("testrunuid")), *arguments])
        report = Path(folder) / f"hymt2-{hashlib.sha256(text.encode()).hexdigest()[:16]}.xml"
        with open(report.with_suffix(".lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not report.exists():
                served = f"python3 -m hymt2 serve {self._label}"
                path = program.find(config.getoption("hymt2"))
                check(path, self._make(), arguments, report, served)
        return verdicts(report)

    def _arguments(self, config: pytest.Config) -> list[str]:
        def chosen(option: str, usual: Any) -> str:
            value = config.getoption(option)
            return str(usual if value is None else value)

        arguments = ["--layout", chosen("hymt2_layout", self._layout)]
        arguments += ["--native", self._native] if self._native else []
        arguments += ["--examples", chosen("hymt2_examples", self._examples)]
        arguments += ["--seed", chosen("hymt2_seed", self._seed)]
        arguments += [f"--without-law={law}" for law in self._without]
        known = config.getoption("hymt2_known") or self._known
        return arguments + (["--known", os.fspath(known)] if known else [])
