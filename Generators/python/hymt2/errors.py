# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""The one error that means "could not run" (exit code 2)."""


class OracleError(Exception):
    """A command could not do its work; the message says what, where and how to mend it."""
