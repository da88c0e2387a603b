// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

#ifndef CEXCHANGE_H
#define CEXCHANGE_H

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

/// Exchanges the names of two files or folders in one step; gives 0, or -1 with errno set.
///
/// C libraries declare renameat2 for GNU sources only, and Swift cannot call variadic functions.
static inline int cexchange_names(const char *one, const char *other) {
  return (int)syscall(SYS_renameat2, AT_FDCWD, one, AT_FDCWD, other, 2u /* RENAME_EXCHANGE */);
}

#endif
