// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

// What Swift cannot import from the system: variadic functions, variables that any thread may change, and
// stores past the cache.
// No header of the system is included here: its types would be this module's as well as Glibc's.

#ifndef CSYSTEM_H
#define CSYSTEM_H

/// Exchanges the names of two files or folders in one step; gives 0, or -1 with errno set.
int csystem_exchange_names(const char *one, const char *other);

/// The environment of this process.
char **csystem_environment(void);

typedef unsigned long long csystem_words __attribute__((ext_vector_type(2)));

/// Writes to an address that is a multiple of 16, without reading the line into the cache before.
static inline void csystem_store_past_cache(void *address, csystem_words words) {
  __builtin_nontemporal_store(words, (csystem_words *)address);
}

/// Asks for the line of an address to be read into the second-level cache; any address will do.
static inline void csystem_fetch(const void *address) { __builtin_prefetch(address, 0, 2); }

#endif
