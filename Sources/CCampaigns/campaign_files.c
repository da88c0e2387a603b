// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

// Lists of known divergences, and the style sheet of HTML reports. A new list is its bytes and its
// entry here. (Resources that SwiftPM embeds become array literals, which take half a minute to compile.)

#include "campaign_files.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

#define BYTES(name) static const unsigned char name[] = {
#define NEXT(name) }; BYTES(name)
#define FILE(name, bytes) {name, bytes, sizeof bytes}

BYTES(nemo_automodel_0_7_0)
#embed "../Campaigns/KnownDivergences/nemo-automodel-0.7.0.json"
NEXT(nemo_automodel_0_7_0_qwen3_moe)
#embed "../Campaigns/KnownDivergences/nemo-automodel-0.7.0-qwen3_moe.json"
NEXT(nemo_automodel_0_7_0_glm4_moe)
#embed "../Campaigns/KnownDivergences/nemo-automodel-0.7.0-glm4_moe.json"
NEXT(nemo_automodel_0_7_0_deepseek_v3)
#embed "../Campaigns/KnownDivergences/nemo-automodel-0.7.0-deepseek_v3.json"
NEXT(nemo_automodel_0_7_0_minimax_m2)
#embed "../Campaigns/KnownDivergences/nemo-automodel-0.7.0-minimax_m2.json"
NEXT(nemo_automodel_0_7_0_qwen3_vl_moe)
#embed "../Campaigns/KnownDivergences/nemo-automodel-0.7.0-qwen3_vl_moe.json"
NEXT(nemo_automodel_0_7_0_laguna)
#embed "../Campaigns/KnownDivergences/nemo-automodel-0.7.0-laguna.json"
NEXT(nemo_automodel_0_7_0_ernie4_5_moe)
#embed "../Campaigns/KnownDivergences/nemo-automodel-0.7.0-ernie4_5_moe.json"
NEXT(nemo_automodel_0_7_0_qwen3_next)
#embed "../Campaigns/KnownDivergences/nemo-automodel-0.7.0-qwen3_next.json"
NEXT(nemo_automodel_0_7_0_kimi_linear)
#embed "../Campaigns/KnownDivergences/nemo-automodel-0.7.0-kimi_linear.json"
NEXT(nemo_automodel_0_7_0_glm5_next)
#embed "../Campaigns/KnownDivergences/nemo-automodel-0.7.0-glm5_next.json"
NEXT(nemo_automodel_0_7_0_hunyuan_image3)
#embed "../Campaigns/KnownDivergences/nemo-automodel-0.7.0-hunyuan_image3.json"
NEXT(nemo_automodel_0_7_0_mimo_v2_flash)
#embed "../Campaigns/KnownDivergences/nemo-automodel-0.7.0-mimo_v2_flash.json"
NEXT(nemo_automodel_0_7_0_nemotron_v3)
#embed "../Campaigns/KnownDivergences/nemo-automodel-0.7.0-nemotron_v3.json"
NEXT(nemo_automodel_0_7_0_mimo_v25)
#embed "../Campaigns/KnownDivergences/nemo-automodel-0.7.0-mimo_v25.json"
NEXT(nemo_automodel_0_7_0_kimi_k25_vl)
#embed "../Campaigns/KnownDivergences/nemo-automodel-0.7.0-kimi_k25_vl.json"
NEXT(nemo_automodel_0_7_0_ling_v2)
#embed "../Campaigns/KnownDivergences/nemo-automodel-0.7.0-ling_v2.json"
NEXT(nemo_automodel_0_7_0_kimi_k3)
#embed "../Campaigns/KnownDivergences/nemo-automodel-0.7.0-kimi_k3.json"
NEXT(nemo_automodel_0_7_0_qwen3_5_moe)
#embed "../Campaigns/KnownDivergences/nemo-automodel-0.7.0-qwen3_5_moe.json"
NEXT(nemo_automodel_0_7_0_step3p7)
#embed "../Campaigns/KnownDivergences/nemo-automodel-0.7.0-step3p7.json"
NEXT(nemo_automodel_0_7_0_step3p5)
#embed "../Campaigns/KnownDivergences/nemo-automodel-0.7.0-step3p5.json"
NEXT(nemo_automodel_0_7_0_gpt_oss)
#embed "../Campaigns/KnownDivergences/nemo-automodel-0.7.0-gpt_oss.json"
NEXT(nemo_automodel_0_7_0_deepseek_v32)
#embed "../Campaigns/KnownDivergences/nemo-automodel-0.7.0-deepseek_v32.json"
NEXT(nemo_automodel_0_7_0_glm_moe_dsa)
#embed "../Campaigns/KnownDivergences/nemo-automodel-0.7.0-glm_moe_dsa.json"
NEXT(nemo_automodel_0_7_0_glm4_moe_lite)
#embed "../Campaigns/KnownDivergences/nemo-automodel-0.7.0-glm4_moe_lite.json"
NEXT(nemo_automodel_0_7_0_qwen3_omni_moe)
#embed "../Campaigns/KnownDivergences/nemo-automodel-0.7.0-qwen3_omni_moe.json"
NEXT(nemo_automodel_0_7_0_qwen3_omni)
#embed "../Campaigns/KnownDivergences/nemo-automodel-0.7.0-qwen3_omni.json"
NEXT(nemo_automodel_0_7_0_kimi_vl)
#embed "../Campaigns/KnownDivergences/nemo-automodel-0.7.0-kimi_vl.json"
NEXT(nemo_automodel_0_7_0_minimax_m3_vl)
#embed "../Campaigns/KnownDivergences/nemo-automodel-0.7.0-minimax_m3_vl.json"
NEXT(report_style)
#embed "../Campaigns/HTML/report.css"
};

static const struct campaign_file files[] = {
    FILE("nemo-automodel-0.7.0.json", nemo_automodel_0_7_0),
    FILE("nemo-automodel-0.7.0-qwen3_moe.json", nemo_automodel_0_7_0_qwen3_moe),
    FILE("nemo-automodel-0.7.0-glm4_moe.json", nemo_automodel_0_7_0_glm4_moe),
    FILE("nemo-automodel-0.7.0-deepseek_v3.json", nemo_automodel_0_7_0_deepseek_v3),
    FILE("nemo-automodel-0.7.0-minimax_m2.json", nemo_automodel_0_7_0_minimax_m2),
    FILE("nemo-automodel-0.7.0-qwen3_vl_moe.json", nemo_automodel_0_7_0_qwen3_vl_moe),
    FILE("nemo-automodel-0.7.0-step3p5.json", nemo_automodel_0_7_0_step3p5),
    FILE("nemo-automodel-0.7.0-step3p7.json", nemo_automodel_0_7_0_step3p7),
    FILE("nemo-automodel-0.7.0-laguna.json", nemo_automodel_0_7_0_laguna),
    FILE("nemo-automodel-0.7.0-ernie4_5_moe.json", nemo_automodel_0_7_0_ernie4_5_moe),
    FILE("nemo-automodel-0.7.0-qwen3_next.json", nemo_automodel_0_7_0_qwen3_next),
    FILE("nemo-automodel-0.7.0-kimi_linear.json", nemo_automodel_0_7_0_kimi_linear),
    FILE("nemo-automodel-0.7.0-glm5_next.json", nemo_automodel_0_7_0_glm5_next),
    FILE("nemo-automodel-0.7.0-hunyuan_image3.json", nemo_automodel_0_7_0_hunyuan_image3),
    FILE("nemo-automodel-0.7.0-mimo_v2_flash.json", nemo_automodel_0_7_0_mimo_v2_flash),
    FILE("nemo-automodel-0.7.0-nemotron_v3.json", nemo_automodel_0_7_0_nemotron_v3),
    FILE("nemo-automodel-0.7.0-mimo_v25.json", nemo_automodel_0_7_0_mimo_v25),
    FILE("nemo-automodel-0.7.0-kimi_k25_vl.json", nemo_automodel_0_7_0_kimi_k25_vl),
    FILE("nemo-automodel-0.7.0-ling_v2.json", nemo_automodel_0_7_0_ling_v2),
    FILE("nemo-automodel-0.7.0-kimi_k3.json", nemo_automodel_0_7_0_kimi_k3),
    FILE("nemo-automodel-0.7.0-qwen3_5_moe.json", nemo_automodel_0_7_0_qwen3_5_moe),
    FILE("nemo-automodel-0.7.0-gpt_oss.json", nemo_automodel_0_7_0_gpt_oss),
    FILE("nemo-automodel-0.7.0-deepseek_v32.json", nemo_automodel_0_7_0_deepseek_v32),
    FILE("nemo-automodel-0.7.0-glm_moe_dsa.json", nemo_automodel_0_7_0_glm_moe_dsa),
    FILE("nemo-automodel-0.7.0-glm4_moe_lite.json", nemo_automodel_0_7_0_glm4_moe_lite),
    FILE("nemo-automodel-0.7.0-qwen3_omni_moe.json", nemo_automodel_0_7_0_qwen3_omni_moe),
    FILE("nemo-automodel-0.7.0-qwen3_omni.json", nemo_automodel_0_7_0_qwen3_omni),
    FILE("nemo-automodel-0.7.0-kimi_vl.json", nemo_automodel_0_7_0_kimi_vl),
    FILE("nemo-automodel-0.7.0-minimax_m3_vl.json", nemo_automodel_0_7_0_minimax_m3_vl),
    FILE("report.css", report_style),
};

const struct campaign_file *campaign_file_at(size_t position) {
  return position < sizeof files / sizeof files[0] ? &files[position] : NULL;
}
