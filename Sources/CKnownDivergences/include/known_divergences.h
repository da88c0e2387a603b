// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

#ifndef KNOWN_DIVERGENCES_H
#define KNOWN_DIVERGENCES_H

#include <stddef.h>

/// A file that is part of the program.
struct known_divergences_file {
  const char *name;
  const unsigned char *bytes;
  size_t count;
};

/// A file by its position, or null behind the last.
const struct known_divergences_file *known_divergences_file_at(size_t position);

#endif
