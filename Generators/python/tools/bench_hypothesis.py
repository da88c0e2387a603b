# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""Cases per second of Hypothesis on a property of five small integers, as ci/bench compares."""

import time

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

cases = 20_000
number = st.integers(0, 1000)


@settings(
    max_examples=cases,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(number, number, number, number, number)
def holds(a, b, c, d, e):
    assert a >= 0


start = time.perf_counter()
holds()
print(cases / (time.perf_counter() - start))
