# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""The laws of an adapter as tests of pytest, one for each.

    from hymt2.testing import laws
    from my_adapter import MyAdapter

    test_laws = laws(MyAdapter)
"""

from hymt2.testing.laws import laws

__all__ = ["laws"]
