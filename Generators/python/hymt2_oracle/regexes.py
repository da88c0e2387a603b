# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
r"""Patterns and names where regex engines disagree, and what Python's `re.match` says of each.

Only features that behave alike in every Python from 3.11 on.
"""

import json
import re
from typing import Any

from hymt2_oracle import SCHEMA_VERSION

NAMES: tuple[str, ...] = (
    "",
    "lm_head.weight",
    "LM_HEAD.weight",
    "lm_head.weight\n",
    "\nlm_head.weight",
    "model.embed_tokens.weight",
    "model.norm.weight",
    "modelXnormXweight",
    "model.layers.0.input_layernorm.weight",
    "model.layers.0.mlp.gate_proj.weight",
    "model.layers.1.mlp.expert_bias",
    "model.layers.1.mlp.router.gate.weight",
    "model.layers.1.mlp.shared_mlp.up_proj.weight",
    "model.layers.1.mlp.experts.0.gate_proj.weight",
    "model.layers.1.mlp.experts.1.up_proj.weight",
    "model.layers.1.mlp.experts.10.down_proj.weight",
    "model.layers.1.mlp.experts.11.down_proj.weight",
    "model.layers.1.self_attn.q_proj.weight",
    "model.layers.2.mlp.experts.2.up_proj.weight",
    "model.layers.10.mlp.experts.0.down_proj.weight",
    "model.layers.12.mlp.experts.127.gate_proj.weight",
    "model.layers.80.eh_proj.weight",
    "model.layers.80.final_layernorm.weight",
    "layers.3.mlp.experts.4.up_proj.weight",
    "model.language_model.layers.5.mlp.experts.6.up_proj.weight",
    "base_model.model.lm_head.weight",
    # Digits that are not ASCII: \d matches them in Python.
    "model.layers.\u0661.mlp.expert_bias",
    # One character for a reader, two scalars for Python; then the same as one scalar.
    "mode\u0301l.norm.weight",
    "mod\u00e9l.norm.weight",
    # Long s and the Kelvin sign: their case-insensitive partners are s and k.
    "model.layer\u017f.0",
    "\u212a_proj.weight",
    # Outside the basic plane: one scalar, two UTF-16 units.
    "\U0001d6c0.weight",
    # A line break that is one character (grapheme) for Swift, two for Python.
    "model\r\n.norm",
    "model norm weight",
)

PATTERNS: tuple[str, ...] = (
    "",
    "lm_head",
    "lm_head.weight$",
    r"lm_head\.weight\Z",
    r"^lm_head\.weight",
    r"\Alm_head",
    "head",
    ".*lm_head.*",
    r"[\s\S]*lm_head",
    r"(?s).*lm_head",
    r"(?i)lm_head",
    r"(?m)^lm_head.*$",
    r"(?im).*^LM_head",
    r"(?x) lm_head   # a comment",
    "model",
    "model.norm.weight",
    r"model\.norm\.weight",
    r"model\.layers\.(1|2)\.",
    r"model\.layers\.1",
    r"model\.layers\.\d+\.mlp\.experts\.\d+\.(gate|up)_proj\.weight",
    r"model\.layers\.\d+\.mlp\.experts\.\d\.",
    r"model\.layers\.[0-9]+\.mlp\.expert_bias",
    r"(?a)model\.layers\.\d+\.mlp\.expert_bias",
    r"model\.layers\.(?P<layer>\d+)\.mlp\.experts\.(?P=layer)\.",
    r"model\.layers\.(\d+)\.mlp\.experts\.\1\.",
    r"(?:model\.)?layers\.(\d+)\.",
    r".*\.experts\.(?!1)\d+\.",
    r".*\.experts\.(?=1)\d+\.down",
    r".*(?<=experts\.)1",
    r".*(?<!mlp\.)gate",
    r".*?\.mlp",
    r".+?proj$",
    r".*_proj\.weight$",
    r"[^.]*\.layers\.\d{2}\.",
    r"[^.]+\.[^.]+$",
    r"model\.layers\.\d{2,}\.",
    r"model\.layers\.\d{,1}\.",
    r"[a-z_.]+$",
    r"[\w.]+$",
    r"\w+\b\.\w",
    r"\W",
    r"\S+\s",
    r".*\bmlp\b",
    r".*\Bproj",
    r"mod.l\.norm",
    "mod\u00e9l",
    r"(?i)model\.layers",
    r"(?i)k_proj",
    r"(?i)[a-z]_proj",
    r".\.weight",
    r"mode.l\.norm",
    r"mod..l\.norm",
    r"mod..?l\.norm",
    r"model..\.norm",
    r"model.\s\.norm",
    r"model[\r\n]+\.norm",
    r"model\s\S",
    r"(base_)?model\.(?(1)model|layers)",
    r"(?:model|model\.layers)\.80",
    r"(?>model|model\.layers)\.layers\.80",
    r"model\.layers\.\d++\d",
    r"model\.layers\.8?+0",
    r"(|lm_head)\.weight|lm",
    r"model\.layers\.(?#a comment)80",
    r"\x6dodel\.norm",
    r"\u006dodel\.layers\.0",
    r"[\]x]|[]l]m",
    r"model{1}\.norm",
    r"model{x}",
    r"(?-i:LM)_HEAD",
    r"$",
    r"\Z",
    r"(",
    r"*",
    r"a**",
    r"[z-a]",
    r"[a",
    r"(?P<n>a)(?P<n>b)",
    r"(?P=missing)",
    r"(?<name>model)",
    r"\1",
    r"\p{L}",
    r"(?<=a*)b",
    "model\\",
    r"model(?i)",
    r"a{2,1}",
)


def reference() -> dict[str, Any]:
    """The table and Python's answers."""
    return {
        "schemaVersion": SCHEMA_VERSION,
        "function": "re.match(pattern, name)",
        "names": list(NAMES),
        "cases": [_case(pattern) for pattern in PATTERNS],
    }


def reference_json() -> str:
    """ASCII only, one line per name and per pattern, a newline at the end."""
    parts = []
    for field, value in reference().items():
        text = json.dumps(value)
        if isinstance(value, list):
            text = "[\n" + ",\n".join(f"    {json.dumps(item)}" for item in value) + "\n  ]"
        parts.append(f'  "{field}": {text}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _case(pattern: str) -> dict[str, Any]:
    try:
        compiled = re.compile(pattern)
    except re.error:
        return {"pattern": pattern, "valid": False}
    matches = [index for index, name in enumerate(NAMES) if compiled.match(name)]
    return {"pattern": pattern, "valid": True, "matches": matches}
