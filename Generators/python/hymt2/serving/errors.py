# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""What can be wrong on the two sides of the protocol, apart from the adapter's own errors."""


class StreamError(Exception):
    """Nothing more can be answered: a frame breaks off, is too large or has no readable id."""


class RequestError(Exception):
    """A request that cannot be carried out, said in an answer."""


class AnswerError(Exception):
    """The adapter gave what no answer can hold."""
