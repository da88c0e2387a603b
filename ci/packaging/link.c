// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

// Linked into the program that is shipped, in place of what would make it large or need a new system.

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/// ICU's own way to have no data: a table of contents with no entry. Foundation brings 33 MB of it, for
/// locales and calendars, of which the program has no use.
__attribute__((aligned(16))) const unsigned char ICU_DATA[40] = {
    32, 0, 0xda, 0x27,       // the size of the header, and its mark
    20, 0, 0,    0,    0, 0, // the size of what says what it is; little-endian, ASCII
    2,  0, 'C',  'm',  'n', 'D', 1};

// glibc 2.29 has other versions of these, which do not set errno in a way of before; those before serve as well.
#define BEFORE(function)                                                                                     \
  double function##_before(double);                                                                          \
  __asm__(".symver " #function "_before, " #function "@GLIBC_2.2.5");                                        \
  double function(double x) { return function##_before(x); }
BEFORE(exp)
BEFORE(exp2)
BEFORE(log)
BEFORE(log2)
double pow_before(double x, double y);
__asm__(".symver pow_before, pow@GLIBC_2.2.5");
double pow(double x, double y) { return pow_before(x, y); }

/// glibc has it from 2.29 on. Foundation starts processes in other folders by it, which the program does not.
int posix_spawn_file_actions_addchdir_np(void *actions, const char *path) { return ENOSYS; }

/// glibc has it from 2.32 on, to tell libstdc++ that it needs no atomic operations.
char __libc_single_threaded = 0;

/// glibc has it from 2.36 on; libstdc++'s random_device calls it.
unsigned arc4random(void) {
  unsigned value;
  if (getentropy(&value, sizeof value) != 0) abort();
  return value;
}
