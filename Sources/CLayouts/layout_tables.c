// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

// The tables of Sources/Layouts/Tables. A new one is its bytes and its entry here.
// (Resources that SwiftPM embeds become array literals, which take long to compile.)

#include "layout_tables.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

#define BYTES(name) static const unsigned char name[] = {
#define NEXT(name) }; BYTES(name)
#define TABLE(name) {#name, name, sizeof name}

BYTES(hy_v3)
#embed "../Layouts/Tables/hy_v3.yaml"
NEXT(hy_mt2)
#embed "../Layouts/Tables/hy_mt2.yaml"
NEXT(qwen3_moe)
#embed "../Layouts/Tables/qwen3_moe.yaml"
NEXT(glm4_moe)
#embed "../Layouts/Tables/glm4_moe.yaml"
NEXT(deepseek_v3)
#embed "../Layouts/Tables/deepseek_v3.yaml"
NEXT(minimax_m2)
#embed "../Layouts/Tables/minimax_m2.yaml"
NEXT(qwen3_vl_moe)
#embed "../Layouts/Tables/qwen3_vl_moe.yaml"
NEXT(step3p5)
#embed "../Layouts/Tables/step3p5.yaml"
NEXT(gpt_oss)
#embed "../Layouts/Tables/gpt_oss.yaml"
NEXT(deepseek_v32)
#embed "../Layouts/Tables/deepseek_v32.yaml"
NEXT(glm_moe_dsa)
#embed "../Layouts/Tables/glm_moe_dsa.yaml"
NEXT(glm4_moe_lite)
#embed "../Layouts/Tables/glm4_moe_lite.yaml"
NEXT(qwen3_omni_moe)
#embed "../Layouts/Tables/qwen3_omni_moe.yaml"
NEXT(qwen3_omni)
#embed "../Layouts/Tables/qwen3_omni.yaml"
NEXT(kimi_vl)
#embed "../Layouts/Tables/kimi_vl.yaml"
NEXT(minimax_m3_vl)
#embed "../Layouts/Tables/minimax_m3_vl.yaml"
NEXT(step3p7)
#embed "../Layouts/Tables/step3p7.yaml"
NEXT(laguna)
#embed "../Layouts/Tables/laguna.yaml"
NEXT(hy_v4)
#embed "../Layouts/Tables/hy_v4.yaml"
NEXT(ernie4_5_moe)
#embed "../Layouts/Tables/ernie4_5_moe.yaml"
NEXT(qwen3_next)
#embed "../Layouts/Tables/qwen3_next.yaml"
NEXT(kimi_linear)
#embed "../Layouts/Tables/kimi_linear.yaml"
NEXT(glm5_next)
#embed "../Layouts/Tables/glm5_next.yaml"
NEXT(hunyuan_image3)
#embed "../Layouts/Tables/hunyuan_image3.yaml"
NEXT(qwen3_5_moe)
#embed "../Layouts/Tables/qwen3_5_moe.yaml"
NEXT(mimo_v2_flash)
#embed "../Layouts/Tables/mimo_v2_flash.yaml"
NEXT(nemotron_v3)
#embed "../Layouts/Tables/nemotron_v3.yaml"
NEXT(mimo_v25)
#embed "../Layouts/Tables/mimo_v25.yaml"
NEXT(kimi_k25_vl)
#embed "../Layouts/Tables/kimi_k25_vl.yaml"
NEXT(ling_v2)
#embed "../Layouts/Tables/ling_v2.yaml"
NEXT(kimi_k3)
#embed "../Layouts/Tables/kimi_k3.yaml"

// What transformers' own table says, and why ours may differ.
NEXT(mapping)
#embed "../Layouts/Tables/transformers/mapping.json"
NEXT(reviews)
#embed "../Layouts/Tables/transformers/reviews.json"
};

static const struct layout_table tables[] = {
    TABLE(hy_v3),
    TABLE(hy_mt2),
    TABLE(qwen3_moe),
    TABLE(glm4_moe),
    TABLE(deepseek_v3),
    TABLE(minimax_m2),
    TABLE(qwen3_vl_moe),
    TABLE(step3p5),
    TABLE(gpt_oss),
    TABLE(deepseek_v32),
    TABLE(glm_moe_dsa),
    TABLE(glm4_moe_lite),
    TABLE(qwen3_omni_moe),
    TABLE(qwen3_omni),
    TABLE(kimi_vl),
    TABLE(minimax_m3_vl),
    TABLE(step3p7),
    TABLE(laguna),
    TABLE(hy_v4),
    TABLE(ernie4_5_moe),
    TABLE(qwen3_next),
    TABLE(kimi_linear),
    TABLE(glm5_next),
    TABLE(hunyuan_image3),
    TABLE(qwen3_5_moe),
    TABLE(mimo_v2_flash),
    TABLE(nemotron_v3),
    TABLE(mimo_v25),
    TABLE(kimi_k25_vl),
    TABLE(ling_v2),
    TABLE(kimi_k3),
};

const struct layout_table *layout_table_at(size_t position) {
  return position < sizeof tables / sizeof tables[0] ? &tables[position] : NULL;
}

const struct layout_table *transformers_file_at(size_t position) {
  static const struct layout_table files[] = {TABLE(mapping), TABLE(reviews)};
  return position < sizeof files / sizeof files[0] ? &files[position] : NULL;
}
