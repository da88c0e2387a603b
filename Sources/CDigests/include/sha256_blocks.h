// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

#ifndef SHA256_BLOCKS_H
#define SHA256_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Whether the processor has instructions for SHA-256 that `sha256_blocks` uses.
bool sha256_has_instructions(void);

/// Takes whole blocks of 64 bytes into the eight words; only where the processor has the instructions.
void sha256_blocks(uint32_t *words, const unsigned char *blocks, size_t count);

#endif
