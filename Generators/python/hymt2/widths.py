# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""Sizes of elements, for those who do not have NumPy."""

WIDTHS: dict[str, int] = (
    dict.fromkeys(("BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2", "F8_E8M0"), 1)
    | dict.fromkeys(("U16", "I16", "F16", "BF16"), 2)
    | dict.fromkeys(("U32", "I32", "F32"), 4)
    | dict.fromkeys(("U64", "I64", "F64"), 8)
)
"""Bytes of an element by dtype."""
