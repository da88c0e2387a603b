# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""The options of pytest for laws; pytest finds them where this package is installed."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options that go before what a test says."""
    group = parser.getgroup("hymt2", "laws of checkpoint adapters")
    group.addoption(
        "--hymt2", metavar="PATH", help="the program; default: HYMT2, or hymt2 in PATH"
    )
    group.addoption(
        "--hymt2-examples", type=int, metavar="N", help="how many checkpoints to check"
    )
    group.addoption("--hymt2-seed", type=int, metavar="S", help="what all chance derives from")
    group.addoption(
        "--hymt2-layout", metavar="NAME|FILE", help="the layout of the checkpoints"
    )
    group.addoption(
        "--hymt2-known", metavar="FILE", help="what the adapter is known to do otherwise"
    )
