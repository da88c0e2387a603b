// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

#include "memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Noreturn void fail(const char *message) {
  fprintf(stderr, "example-c-adapter: %s\n", message);
  exit(1);
}

Slice slice_of(const char *text) { return (Slice){text, strlen(text)}; }

bool slice_equal(Slice left, Slice right) {
  return left.size == right.size && (left.size == 0 || memcmp(left.at, right.at, left.size) == 0);
}

bool slice_is(Slice slice, const char *text) { return slice_equal(slice, slice_of(text)); }

bool slice_starts(Slice slice, Slice start) {
  return slice.size >= start.size && slice_equal((Slice){slice.at, start.size}, start);
}

bool slice_contains(Slice slice, const char *part) {
  Slice wanted = slice_of(part);
  for (size_t at = 0; at + wanted.size <= slice.size; at++) {
    if (slice_starts(slice_behind(slice, at), wanted)) return true;
  }
  return false;
}

Slice slice_behind(Slice slice, size_t count) {
  return (Slice){slice.at + count, slice.size - count};
}

int slice_compare(Slice left, Slice right) {
  size_t common = left.size < right.size ? left.size : right.size;
  int order = common == 0 ? 0 : memcmp(left.at, right.at, common);
  if (order != 0) return order;
  return (left.size > right.size) - (left.size < right.size);
}

enum { ARENA_BLOCK_SIZE = 1 << 16 };

struct ArenaBlock {
  ArenaBlock *older;
  size_t capacity;
  // As aligned as any type asks for.
  _Alignas(max_align_t) unsigned char bytes[];
};

void *arena_make(Arena *arena, size_t count, size_t element_size) {
  const size_t alignment = _Alignof(max_align_t);
  if (count != 0 && element_size > (SIZE_MAX / 2 - sizeof(ArenaBlock)) / count) {
    fail("out of memory");
  }
  size_t size = (count * element_size + alignment - 1) / alignment * alignment;
  if (arena->newest == NULL || size > arena->newest->capacity - arena->used) {
    size_t capacity = size > ARENA_BLOCK_SIZE ? size : ARENA_BLOCK_SIZE;
    ArenaBlock *block = calloc(1, sizeof(ArenaBlock) + capacity);
    if (block == NULL) fail("out of memory");
    block->older = arena->newest;
    block->capacity = capacity;
    arena->newest = block;
    arena->used = 0;
  }
  void *made = arena->newest->bytes + arena->used;
  arena->used += size;
  return made;
}

void *arena_grow(
    Arena *arena, const void *old, size_t old_count, size_t new_count, size_t element_size) {
  void *grown = arena_make(arena, new_count, element_size);
  if (old_count != 0) memcpy(grown, old, old_count * element_size);
  return grown;
}

void arena_free(Arena *arena) {
  while (arena->newest != NULL) {
    ArenaBlock *block = arena->newest;
    arena->newest = block->older;
    free(block);
  }
  arena->used = 0;
}

Slice arena_join(Arena *arena, Slice first, Slice second, Slice third) {
  // Each part is in memory or a constant, but all three may share memory.
  if (first.size > SIZE_MAX / 4 || second.size > SIZE_MAX / 4 || third.size > SIZE_MAX / 4) {
    fail("out of memory");
  }
  const Slice parts[] = {first, second, third};
  char *joined = arena_make(arena, first.size + second.size + third.size, 1);
  size_t size = 0;
  for (size_t part = 0; part < 3; part++) {
    if (parts[part].size == 0) continue;
    memcpy(joined + size, parts[part].at, parts[part].size);
    size += parts[part].size;
  }
  return (Slice){joined, size};
}

void text_add(Text *text, Slice more) {
  if (more.size == 0) return;
  if (more.size > text->capacity - text->size) {
    if (more.size > SIZE_MAX / 4 || text->size > SIZE_MAX / 4) fail("out of memory");
    size_t capacity = 2 * (text->size + more.size);
    char *grown = realloc(text->at, capacity);
    if (grown == NULL) fail("out of memory");
    text->at = grown;
    text->capacity = capacity;
  }
  memcpy(text->at + text->size, more.at, more.size);
  text->size += more.size;
}

void text_add_number(Text *text, uint64_t number) {
  char digits[24];
  int count = snprintf(digits, sizeof digits, "%" PRIu64, number);
  text_add(text, (Slice){digits, (size_t)count});
}

void text_add_json_string(Text *text, Slice string) {
  text_add(text, slice_of("\""));
  size_t plain = 0;
  for (size_t at = 0; at < string.size; at++) {
    unsigned char byte = (unsigned char)string.at[at];
    if (byte >= 0x20 && byte != '"' && byte != '\\') continue;
    text_add(text, (Slice){string.at + plain, at - plain});
    plain = at + 1;
    char escape[8];
    if (byte < 0x20) {
      snprintf(escape, sizeof escape, "\\u%04x", byte);
    } else {
      snprintf(escape, sizeof escape, "\\%c", byte);
    }
    text_add(text, slice_of(escape));
  }
  if (plain < string.size) text_add(text, slice_behind(string, plain));
  text_add(text, slice_of("\""));
}

Slice text_slice(const Text *text) { return (Slice){text->at, text->size}; }

void text_free(Text *text) {
  free(text->at);
  *text = (Text){0};
}
