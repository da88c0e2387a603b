// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

#ifndef UTF8_H
#define UTF8_H

#include "memory.h"

/// Whether bytes are UTF-8, without surrogates and overlong forms.
bool utf8_valid(Slice text);

/// Writes a scalar, which is no surrogate and at most U+10FFFF, and gives its size, at most 4.
size_t utf8_write(uint32_t scalar, char *destination);

/// The longest start of UTF-8 text that has at most `size` bytes and no torn character.
Slice utf8_start(Slice text, size_t size);

#endif
