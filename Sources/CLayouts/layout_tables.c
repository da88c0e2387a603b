// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

// The tables of Sources/Layouts/Tables. A new one is two lines here: its bytes and its entry.
// (Resources that SwiftPM embeds become array literals, which take long to compile.)

#include "layout_tables.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

#define TABLE(name) {#name, name, sizeof name}

static const unsigned char hy_v3[] = {
#embed "../Layouts/Tables/hy_v3.yaml"
};
static const unsigned char hy_mt2[] = {
#embed "../Layouts/Tables/hy_mt2.yaml"
};
static const unsigned char qwen3_moe[] = {
#embed "../Layouts/Tables/qwen3_moe.yaml"
};

static const struct layout_table tables[] = {
    TABLE(hy_v3),
    TABLE(hy_mt2),
    TABLE(qwen3_moe),
};

const struct layout_table *layout_table_at(size_t position) {
  return position < sizeof tables / sizeof tables[0] ? &tables[position] : NULL;
}
