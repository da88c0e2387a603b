# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""Words that people write."""

from argparse import ArgumentTypeError

import pytest

from hymt2.words import DTYPES, answer, meaning, one_of

LAWS = ["keys", "round-trip", "mtp-policy", "mtp-keys"]


@pytest.mark.parametrize("text", ["round-trip", "round_trip", "Round Trip"])
def test_a_word_is_understood_whatever_its_separators(text: str) -> None:
    assert meaning(text, LAWS) == "round-trip"


def test_others_are_answered_with_the_nearest() -> None:
    assert meaning("rond-trip", LAWS) is None
    assert answer("rond_trip", LAWS) == "did you mean round-trip?"
    assert answer("zzz", LAWS) == "there are keys, round-trip, mtp-policy, mtp-keys"


@pytest.mark.parametrize("text", ["bf16", "BF16", "bfloat16", "torch.bfloat16"])
def test_a_type_has_many_names(text: str) -> None:
    assert one_of(DTYPES)(text) == "bfloat16"


def test_a_wrong_type_is_refused() -> None:
    with pytest.raises(ArgumentTypeError, match="did you mean bfloat16"):
        one_of(DTYPES)("bfloat61")
