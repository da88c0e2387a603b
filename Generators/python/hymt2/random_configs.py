# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""Small model configs by number: special cases in all combinations, the other sizes at random."""

import random
from typing import Any


def random_config(number: int) -> dict[str, Any]:
    """Changes to the tiny config; 9 numbers in a row have every H : I with every kind of E.

    transformers gives a layer without shared experts one of the dense layers' size, so that there
    is always one at least.
    """
    draw = random.Random(number)
    inner = draw.randint(3, 29)
    # H = I: a forgotten transpose keeps the shape. H = 2I: gate and up side by side are square.
    hidden = (inner, 2 * inner, draw.randint(3, 53))[number % 3]
    # 13: expert 10 comes after 9, not after 1.
    experts = (1, 13, draw.randint(2, 12))[number // 3 % 3]
    # Two digits: layers 1, 10 and 11 are told apart.
    layers = 12 if number % 5 == 1 else draw.randint(2, 5)
    key_value_heads = draw.randint(1, 3)
    return {
        "hidden_size": hidden,
        "moe_intermediate_size": inner,
        "intermediate_size": draw.randint(3, 41),
        "num_experts": experts,
        "num_experts_per_tok": min(2, experts),
        "num_shared_experts": draw.randint(1, 3),
        "num_hidden_layers": layers,
        "first_k_dense_replace": draw.randint(0, min(2, layers - 1)),
        "num_key_value_heads": key_value_heads,
        "num_attention_heads": key_value_heads * draw.randint(1, 3),
        "head_dim": 2 * draw.randint(2, 6),
        "vocab_size": draw.randint(17, 90),
        "tie_word_embeddings": number % 2 == 1,
    }
