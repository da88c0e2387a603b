# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""Upstream's own test files, asked about faults in upstream's modules.

They are in no package. Each fault is planted in the modules that the tests import, in a process of
its own that is forked when all is loaded.
"""

import contextlib
import importlib
import io
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hymt2.errors import OracleError
from hymt2.mutants.engine import MODULES, check_version, compiled_with
from hymt2.mutants.mutant import Mutant


class UpstreamTests:
    """The tests that pass without a fault."""

    def __init__(self, files: Sequence[Path]) -> None:
        check_version()
        for file in files:
            if not file.is_file():
                raise OracleError(f"{file}: expected a file of tests, found none")
        for names in MODULES.values():
            for name in names:
                importlib.import_module(name)
        importlib.import_module("pytest")
        self._files = [str(file) for file in files]
        self._broken: list[str] = []
        outcome = self._run(None, stops=False)
        self._broken = outcome["failed"]
        self.passing = outcome["passed"]
        if not self.passing:
            raise OracleError("none of upstream's tests passes without a fault")

    @property
    def broken(self) -> int:
        """How many fail without a fault and are not asked."""
        return len(self._broken)

    def first_failure(self, mutant: Mutant) -> str | None:
        """The first test that notices a fault; none if all pass."""
        outcome = self._run(mutant, stops=True)
        failed = outcome["failed"]
        if not failed and outcome["passed"] != self.passing:
            return "the tests do not run to their end"
        return failed[0] if failed else None

    def _run(self, mutant: Mutant | None, stops: bool) -> dict[str, Any]:
        source, sink = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(source)
            status = 1
            try:
                answer = json.dumps(self._outcome(mutant, stops)).encode()
                with os.fdopen(sink, "wb") as stream:
                    stream.write(answer)
                status = 0
            finally:
                # Nothing of the parent's may be written or cleaned up twice.
                os._exit(status)
        os.close(sink)
        with os.fdopen(source, "rb") as stream:
            answer = stream.read()
        os.waitpid(child, 0)
        return json.loads(answer) if answer else {"failed": [], "passed": -1}

    def _outcome(self, mutant: Mutant | None, stops: bool) -> dict[str, Any]:
        import pytest

        if mutant is not None:
            plant(mutant)
        watcher = _Watcher()
        options = ["-q", "-p", "no:cacheprovider", "--noconftest"] + (["-x"] if stops else [])
        deselected = [word for test in self._broken for word in ("--deselect", test)]
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            pytest.main([*options, *deselected, *self._files], plugins=[watcher])
        return {"failed": watcher.failed, "passed": watcher.passed}


class _Watcher:
    """What pytest reports."""

    def __init__(self) -> None:
        self.failed: list[str] = []
        self.passed = 0

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed and report.nodeid not in self.failed:
            self.failed.append(report.nodeid)
        elif report.when == "call" and report.passed:
            self.passed += 1

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed:
            self.failed.append(report.nodeid)


def plant(mutant: Mutant) -> None:
    """Executes upstream's modules anew in their own places, one of them with a fault."""
    for kind, names in MODULES.items():
        for name in names:
            code = compiled_with(mutant if mutant.module == kind else None, name)
            exec(code, importlib.import_module(name).__dict__)
