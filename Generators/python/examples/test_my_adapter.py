# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""An adapter of one's own under all laws: `pytest test_my_adapter.py`."""

from my_adapter import MyAdapter

from hymt2.testing import laws

# The adapter does not look for all that can be wrong with a checkpoint.
test_laws = laws(MyAdapter, name="my-adapter", without=["invalid-input"])
