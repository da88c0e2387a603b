# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""Upstream's side of the hymt2-harness.

Makes real Hy-MT2 checkpoints with transformers, converts them with NeMo Automodel's own adapter,
and compares the result bit for bit with what another adapter made of the same checkpoint.
"""

import os

# The oracle is a CPU program: NeMo would move a rank's experts to a GPU that happens to be there.
os.environ["CUDA_VISIBLE_DEVICES"] = ""
# Every checkpoint is a local folder; nothing is ever looked up elsewhere.
os.environ["HF_HUB_OFFLINE"] = "1"

__version__ = "0.1.0"

SCHEMA_VERSION = 1
"""The version of every JSON document that a command prints or writes."""
