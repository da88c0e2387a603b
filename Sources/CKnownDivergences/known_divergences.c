// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

// Resources that SwiftPM embeds become array literals, which take half a
// minute to compile where this takes none. A new list is two lines here: its bytes and its entry.

#include "known_divergences.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char nemo_automodel_0_7_0[] = {
#embed "../Campaigns/KnownDivergences/nemo-automodel-0.7.0.json"
};

static const struct known_divergences_file files[] = {
    {"nemo-automodel-0.7.0.json", nemo_automodel_0_7_0, sizeof nemo_automodel_0_7_0},
};

const struct known_divergences_file *known_divergences_file_at(size_t position) {
  return position < sizeof files / sizeof files[0] ? &files[position] : NULL;
}
