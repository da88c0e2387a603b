// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

#ifndef MEMORY_H
#define MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Ends the process with status 1 and a message on standard error.
_Noreturn void fail(const char *message);

/// Bytes that belong to somebody else; text is UTF-8 and may contain zero bytes.
typedef struct {
  const char *at;
  size_t size;
} Slice;

Slice slice_of(const char *text);
bool slice_equal(Slice left, Slice right);
bool slice_is(Slice slice, const char *text);
bool slice_starts(Slice slice, Slice start);
bool slice_contains(Slice slice, const char *part);
/// The slice without its first bytes, which it has to have.
Slice slice_behind(Slice slice, size_t count);
/// The order of the bytes, a prefix first.
int slice_compare(Slice left, Slice right);

typedef struct ArenaBlock ArenaBlock;

/// Memory of one request, which is freed as a whole.
typedef struct {
  ArenaBlock *newest;
  size_t used;
} Arena;

/// Zeroed memory for `count` elements; ends the process if there is none.
void *arena_make(Arena *arena, size_t count, size_t element_size);
/// A larger copy of `old_count` elements; `old` stays until the arena is freed.
void *arena_grow(
    Arena *arena, const void *old, size_t old_count, size_t new_count, size_t element_size);
void arena_free(Arena *arena);
/// The parts one behind the other.
Slice arena_join(Arena *arena, Slice first, Slice second, Slice third);

/// Text that grows at its end, in memory of its own.
typedef struct {
  char *at;
  size_t size;
  size_t capacity;
} Text;

void text_add(Text *text, Slice more);
void text_add_number(Text *text, uint64_t number);
/// Adds a JSON string, with its quotes.
void text_add_json_string(Text *text, Slice string);
Slice text_slice(const Text *text);
void text_free(Text *text);

#endif
