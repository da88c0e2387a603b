# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""Words of which a person names one, such as laws or layouts."""

import re
from argparse import ArgumentTypeError
from collections.abc import Callable, Iterable
from difflib import get_close_matches

DTYPES = ("bfloat16", "float16", "float32")
_SHORT = {
    "bf16": "bfloat16",
    "f16": "float16",
    "fp16": "float16",
    "half": "float16",
    "f32": "float32",
    "fp32": "float32",
    "float": "float32",
}


def meaning(text: str, words: Iterable[str]) -> str | None:
    """The word that a text means: itself, or the only one but for case and `_`, `-`, `.`, space."""
    words = list(words)
    alike = [word for word in words if _plain(word) == _plain(text)]
    return text if text in words else alike[0] if len(alike) == 1 else None


def answer(text: str, words: Iterable[str]) -> str:
    """What to say of a text that means none: the words near it, or else all."""
    words = list(words)
    near = get_close_matches(_plain(text), map(_plain, words))
    close = [word for plain in near for word in words if _plain(word) == plain]
    return (
        f"did you mean {' or '.join(close)}?"
        if close
        else f"there are {', '.join(words)}"
    )


def one_of(words: Iterable[str]) -> Callable[[str], str]:
    """A type of argparse that reads one of some words."""
    words = list(words)

    def read(text: str) -> str:
        name = text.removeprefix("torch.")
        found = meaning(
            _SHORT.get(name.lower(), name) if words == list(DTYPES) else text, words
        )
        if found is None:
            raise ArgumentTypeError(f"{text!r}: {answer(text, words)}")
        return found

    return read


def _plain(text: str) -> str:
    return "-".join(part for part in re.split(r"[ _.-]+", text.lower()) if part)
