# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""NeMo Automodel's adapter for Qwen3-MoE under all laws but for what is known of it."""

from hymt2.testing import laws

test_laws = laws("nemo", layout="qwen3_moe")
