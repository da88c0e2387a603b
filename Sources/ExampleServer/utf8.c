// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

#include "utf8.h"

/// The bytes of the character at the start of `text`, which is not empty, or 0 if it is malformed.
static size_t character_size(const unsigned char *text, size_t size) {
  unsigned char first = text[0];
  if (first < 0x80) return 1;
  size_t length = first >= 0xC2 && first < 0xE0 ? 2
                  : first >= 0xE0 && first < 0xF0 ? 3
                  : first >= 0xF0 && first < 0xF5 ? 4
                                                  : 0;
  if (length == 0 || length > size) return 0;
  for (size_t index = 1; index < length; index++) {
    if ((text[index] & 0xC0) != 0x80) return 0;
  }
  if (first == 0xE0 && text[1] < 0xA0) return 0;
  if (first == 0xED && text[1] > 0x9F) return 0;
  if (first == 0xF0 && text[1] < 0x90) return 0;
  if (first == 0xF4 && text[1] > 0x8F) return 0;
  return length;
}

bool utf8_valid(Slice text) {
  const unsigned char *bytes = (const unsigned char *)text.at;
  size_t at = 0;
  while (at < text.size) {
    size_t size = character_size(bytes + at, text.size - at);
    if (size == 0) return false;
    at += size;
  }
  return true;
}

size_t utf8_write(uint32_t scalar, char *destination) {
  if (scalar < 0x80) {
    destination[0] = (char)scalar;
    return 1;
  }
  size_t size = scalar < 0x800 ? 2 : scalar < 0x10000 ? 3 : 4;
  for (size_t index = size - 1; index > 0; index--) {
    destination[index] = (char)(0x80 | (scalar & 0x3F));
    scalar >>= 6;
  }
  static const unsigned char marks[] = {0, 0, 0xC0, 0xE0, 0xF0};
  destination[0] = (char)(marks[size] | scalar);
  return size;
}

Slice utf8_start(Slice text, size_t size) {
  if (text.size <= size) return text;
  while (size > 0 && ((unsigned char)text.at[size] & 0xC0) == 0x80) size--;
  return (Slice){text.at, size};
}
