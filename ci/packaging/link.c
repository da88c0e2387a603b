// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

// Linked into the program that is shipped, in place of what would make it large or need a new system.

#include <stdlib.h>
#include <unistd.h>

/// ICU's own way to have no data: a table of contents with no entry. Foundation brings 33 MB of it, for
/// locales and calendars, of which the program has no use.
__attribute__((aligned(16))) const unsigned char ICU_DATA[40] = {
    32, 0, 0xda, 0x27,       // the size of the header, and its mark
    20, 0, 0,    0,    0, 0, // the size of what says what it is; little-endian, ASCII
    2,  0, 'C',  'm',  'n', 'D', 1};

// glibc 2.35 has other versions of these two, which set errno; those before serve as well.
double hypot_before(double x, double y);
float hypotf_before(float x, float y);
__asm__(".symver hypot_before, hypot@GLIBC_2.2.5");
__asm__(".symver hypotf_before, hypotf@GLIBC_2.2.5");

double hypot(double x, double y) { return hypot_before(x, y); }
float hypotf(float x, float y) { return hypotf_before(x, y); }

/// glibc has it from 2.36 on; libstdc++'s random_device calls it.
unsigned arc4random(void) {
  unsigned value;
  if (getentropy(&value, sizeof value) != 0) abort();
  return value;
}
