# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""Adapters as child processes of `hymt2`: docs/adapter-protocol.md.

A script that ends in `serve(MyAdapter, name="my-adapter")` is a command for `hymt2 --adapter`.
"""

from hymt2.serving.own_adapter import Setup, serve
from hymt2.serving.requests import ExpertParallelism

__all__ = ["ExpertParallelism", "Setup", "serve"]
