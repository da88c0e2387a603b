// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

#define _GNU_SOURCE
#include "csystem.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

// Not every C library declares renameat2.
int csystem_exchange_names(const char *one, const char *other) {
  return (int)syscall(SYS_renameat2, AT_FDCWD, one, AT_FDCWD, other, 2u /* RENAME_EXCHANGE */);
}

char **csystem_environment(void) { return environ; }
