# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""Golden fixtures: upstream's results on small checkpoints, as HDF5 files (Golden/README.md)."""
