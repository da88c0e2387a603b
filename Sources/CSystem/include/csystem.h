// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

// What Swift cannot import from the system: variadic functions and variables that any thread may change.
// No header of the system is included here: its types would be this module's as well as Glibc's.

#ifndef CSYSTEM_H
#define CSYSTEM_H

/// Exchanges the names of two files or folders in one step; gives 0, or -1 with errno set.
int csystem_exchange_names(const char *one, const char *other);

/// The environment of this process.
char **csystem_environment(void);

#endif
