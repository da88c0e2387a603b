// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

#ifndef CAMPAIGN_FILES_H
#define CAMPAIGN_FILES_H

#include <stddef.h>

/// A file that is part of the program.
struct campaign_file {
  const char *name;
  const unsigned char *bytes;
  size_t count;
};

/// A file by its position, or null after the last.
const struct campaign_file *campaign_file_at(size_t position);

#endif
