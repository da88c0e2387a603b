// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

// An adapter under test, made after docs/adapter-protocol.md and docs/adapter.md.

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "answer.h"

/// Reads a frame's size, or ends the process with status 0 where the input ends before it.
static uint64_t read_size(void) {
  unsigned char bytes[8];
  size_t count = fread(bytes, 1, sizeof bytes, stdin);
  if (ferror(stdin)) fail("cannot read standard input");
  if (count == 0) exit(0);
  if (count < sizeof bytes) fail("standard input ends in a frame's size");
  uint64_t size = 0;
  for (size_t byte = 0; byte < sizeof bytes; byte++) size |= (uint64_t)bytes[byte] << (8 * byte);
  return size;
}

/// Reads the rest of a frame; memory grows with what arrives, not with what was announced.
static Slice read_rest(uint64_t size) {
  char *buffer = NULL;
  size_t capacity = 0, count = 0;
  while (count < size) {
    if (count == capacity) {
      if (capacity > SIZE_MAX / 4) fail("out of memory");
      capacity = capacity == 0 ? 1 << 16 : 2 * capacity;
      if (capacity > size) capacity = (size_t)size;
      char *grown = realloc(buffer, capacity);
      if (grown == NULL) fail("out of memory");
      buffer = grown;
    }
    size_t more = fread(buffer + count, 1, capacity - count, stdin);
    if (more == 0) fail("standard input ends in a frame");
    count += more;
  }
  return (Slice){buffer, count};
}

static void write_bytes(const void *bytes, size_t size) {
  if (size != 0 && fwrite(bytes, 1, size, stdout) != size) fail("cannot write standard output");
}

int main(void) {
  // A reader that is gone is an error of writing, with a message.
  signal(SIGPIPE, SIG_IGN);
  for (;;) {
    Slice frame = read_rest(read_size());
    Arena arena = {0};
    Answer answer = answer_request(&arena, frame);
    write_bytes(answer.start.at, answer.start.size);
    for (size_t index = 0; index < answer.tensors.count; index++) {
      write_bytes(answer.tensors.items[index].data, answer.tensors.items[index].size);
    }
    if (fflush(stdout) != 0) fail("cannot write standard output");
    text_free(&answer.start);
    arena_free(&arena);
    free((void *)frame.at);
  }
}
