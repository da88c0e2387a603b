// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

#ifndef LAYOUT_TABLES_H
#define LAYOUT_TABLES_H

#include <stddef.h>

/// A layout table that is part of the program.
struct layout_table {
  const char *name;
  const unsigned char *bytes;
  size_t count;
};

/// A table by its position, or null after the last.
const struct layout_table *layout_table_at(size_t position);

/// transformers' mapping at 0, the reviews of what differs at 1, else null.
const struct layout_table *transformers_file_at(size_t position);

#endif
