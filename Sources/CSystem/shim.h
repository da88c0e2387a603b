// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

// What Swift cannot import from the system: variadic functions and variables that any thread may change.

#ifndef CSYSTEM_SHIM_H
#define CSYSTEM_SHIM_H

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

/// Exchanges the names of two files or folders in one step; gives 0, or -1 with errno set.
///
/// C libraries declare renameat2 for GNU sources only.
static inline int csystem_exchange_names(const char *one, const char *other) {
  return (int)syscall(SYS_renameat2, AT_FDCWD, one, AT_FDCWD, other, 2u /* RENAME_EXCHANGE */);
}

extern char **environ;

/// The environment of this process.
static inline char **csystem_environment(void) { return environ; }

#endif
