# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""Imported where this package runs models of upstream: on the CPU, from local folders."""

import os

# NeMo would move a rank's experts to a GPU that happens to be there.
os.environ["CUDA_VISIBLE_DEVICES"] = ""
os.environ["HF_HUB_OFFLINE"] = "1"
