# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""Python's side of the hymt2-harness.

`hymt2.serving` and `hymt2.testing` are for adapters of one's own. The rest makes real checkpoints with
transformers, converts them with NeMo Automodel's own adapter, and compares bit for bit.
"""

__version__ = "0.1.0"

SCHEMA_VERSION = 1
"""The version of every JSON document that a command prints or writes."""
