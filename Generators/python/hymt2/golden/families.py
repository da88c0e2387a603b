# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""The valid golden cases of every layout but Hy's, which has a table of its own.

The cases are the same for all layouts, as far as a layout has what they are about.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hymt2.configs import (
    Fields,
    flag_fields,
    has_dense_layers,
    layer_fields,
    other_size_fields,
    size_fields,
    table_of,
)
from hymt2.golden.checkpoints import Key
from hymt2.golden.table import Plan
from hymt2.names import names_of, prefixes_of
from hymt2.tables import DISK, WRITTEN, restarted, table_names

HY = ("hy_mt2", "hy_v3")
WITHOUT_RANKS = ("gpt_oss",)
"""Upstream's adapter takes no rank's share of whole tensors: there is no case of a rank."""
FUSED_ON_SAVING = ("qwen3_moe", "minimax_m2")
"""Upstream saves their factors fused, whichever way it has loaded them: these cases only load."""


SMALL_STORED = (
    *("ernie4_5_moe", "glm5_next", "hunyuan_image3", "kimi_linear", "mimo_v2_flash"),
    *("qwen3_5_moe", "qwen3_next", "nemotron_v3"),
)
"""Layouts of which the set has room for a few small cases."""
ONE_STORED = {"mimo_v25": "experts-2", "kimi_k25_vl": "others", "ling_v2": "order-shuffled-1",
              "kimi_k3": "experts-2"}  # fmt: skip
"""Layouts of which the set has room for one case."""
FEW_STORED = ("kimi_vl", "minimax_m3_vl", "qwen3_omni", "step3p7", *SMALL_STORED, *ONE_STORED)
"""Layouts with the experts of others, under other names or in other company: these are stored."""
_STORED = ("experts-2", "layers-of-two-sizes", "order-shuffled-1", "others")
_STORED_OF_SMALL = ("experts-2", "order-shuffled-1", "others", "lora")
_SMALLER: dict[str, dict[str, int]] = {"nemotron_v3": {"N": 1, "S1": 2, "T": 1, "B": 3, "X": 2}}
"""Sizes of layouts whose model would be a large file."""
LIKE_ANOTHER = (
    *("deepseek_v32", "glm4_moe_lite", "glm_moe_dsa", "laguna", "qwen3_omni_moe"),
    *FEW_STORED,
)
"""Layouts with the experts and the adapter's code of another one: they have fewer cases."""
_LEFT_OUT = (
    *("layers-3", "mtp-2", "order-sorted", "order-reversed"),
    *("exclude-router", "exclude-unanchored", "cast-f32-bf16-special", "cast-bf16-f32-special"),
    *("ep-5-experts-rank-0-of-3", "ep-5-experts-rank-2-of-3"),
)
"""What they have no case of."""


def layouts() -> list[str]:
    """The layouts whose cases are made here: upstream has an adapter of them."""
    return [name for name in table_names() if name not in HY and "upstream" in table_of(name)]


def family_plans() -> Iterator[Plan]:
    """The cases of all these layouts."""
    for layout in layouts():
        stem = layout.replace("_", "-")
        names = _STORED_OF_SMALL if layout in SMALL_STORED else _STORED
        names = (ONE_STORED[layout],) if layout in ONE_STORED else names
        stored = {f"{stem}-{name}" for name in names}
        if layout == "step3p7":
            # The one that has what is renamed.
            stored.add(f"{stem}-model-flags")
        if layout == "nemotron_v3":
            # The one with Mamba's layer, which has what is renamed.
            stored = stored - {f"{stem}-order-shuffled-1"} | {f"{stem}-model"}
        for plan in plans_of(layout):
            if layout not in FEW_STORED or plan.id in stored:
                yield plan


def plans_of(layout: str) -> Iterator[Plan]:
    """The cases of one layout; their names start with the layout's."""
    plans = [
        *_models(layout),
        *_experts(layout),
        *_orders(layout),
        *_types(layout),
        *_factors(layout),
        *_others(layout),
        *_exclusions(layout),
        *(_parallel(layout) if layout not in WITHOUT_RANKS else ()),
    ]
    stem = layout.replace("_", "-")
    left_out = {f"{stem}-{name}" for name in _LEFT_OUT if layout in LIKE_ANOTHER}
    yield from (plan for plan in plans if plan.id not in left_out)


def changed(
    layout: str,
    kinds: Sequence[str] | None = None,
    mtp: int = 0,
    flags: Mapping[str, bool] | None = None,
    **sizes: int,
) -> Fields:
    """The fields of a model's config with these layers, flags and sizes."""
    sized = size_fields(layout, **sizes) | flag_fields(layout, **(flags or {}))
    return sized | layer_fields(layout, kinds, mtp)


def _plan(layout: str, name: str, purpose: str, *flags: str, **members: Any) -> Plan:
    slug = f"{layout}-{name}".replace("_", "-")
    members.setdefault("prefix", prefixes_of(layout)[0])
    return Plan(slug, purpose, (layout.replace("_", "-"), *flags), family=layout, **members)


def _models(layout: str) -> Iterator[Plan]:
    yield _plan(
        layout, "model", "every class of tensors", "whole-model",
        config=changed(layout, **_SMALLER.get(layout, {})),
    )  # fmt: skip
    # Of ERNIE, upstream takes the prefix of experts from the last key, which may be the head's.
    turned = {
        name: not (said["default"] if isinstance(said, dict) else said)
        for name, said in table_of(layout).get("flags", {}).items()
        if (layout, name) != ("ernie4_5_moe", "tie_word_embeddings")
    }
    yield _plan(
        layout, "model-flags", "every flag of the config turned over", "whole-model", "flags",
        config=changed(layout, ["sparse"], flags=turned, E=2),
        order="shuffled 2",
    )  # fmt: skip
    for mtp in (1, 2) if "mtp" in table_of(layout)["layers"] else ():
        keeps = table_of(layout)["layers"]["mtp"]["on load"] == "keep"
        yield _plan(
            layout, f"mtp-{mtp}", f"{mtp} multi-token prediction layers", "mtp", f"mtp-{mtp}",
            config=changed(layout, ["sparse"], mtp, E=3 - mtp, H=2, I=3),
            mtp="preserve" if keeps else "drop", order=f"shuffled {mtp}",
        )  # fmt: skip
    for prefix in prefixes_of(layout)[1:]:
        name = prefix.rstrip(".").replace(".", "-").replace("_", "-") or "none"
        yield _plan(
            layout, f"prefix-{name}", f"keys with the prefix '{prefix}'", "prefix",
            config=changed(layout, ["sparse"], E=2), prefix=prefix, order="shuffled 5",
        )  # fmt: skip


def _experts(layout: str) -> Iterator[Plan]:
    for count in (1, 2, 11):
        yield _plan(
            layout, f"experts-{count}", f"{count} experts, keys sorted as text", f"experts-{count}",
            config=changed(layout, ["sparse"], E=count), extent="experts", order="sorted",
        )  # fmt: skip
    for name, hidden, inner in (("square", 4, 4), ("tall", 2, 7), ("wide", 7, 2)):
        yield _plan(
            layout, f"sizes-{name}", f"hidden size {hidden}, expert width {inner}", "sizes", name,
            config=changed(layout, ["sparse"], E=2, H=hidden, I=inner), extent="experts",
        )  # fmt: skip
    if has_dense_layers(layout):
        yield _plan(
            layout, "layers-3", "two dense layers before a sparse one", "whole-model", "layers",
            config=changed(layout, ["dense", "dense", "sparse"], E=2, H=2), order="shuffled 4",
        )  # fmt: skip
    if other := other_size_fields(layout, [False, True]):
        yield _plan(
            layout, "layers-of-two-sizes", "a layer with other sizes than the one before it",
            "whole-model", "layers", config=changed(layout, ["sparse"] * 2, E=1, H=2) | other,
            order="sorted",
        )  # fmt: skip
    yield _plan(
        layout, "layers-11", "layers 1 and 10 are told apart", "two-digit-layers",
        config=changed(layout, ["sparse"] * 11, E=1, H=2, I=1), extent="experts", order="sorted",
    )  # fmt: skip


def _orders(layout: str) -> Iterator[Plan]:
    for order in ("sorted", "reversed", "shuffled 1"):
        yield _plan(
            layout, f"order-{order.replace(' ', '-')}", f"keys {order}", "order",
            config=changed(layout, ["sparse"], E=2, H=2, I=3), order=order,
        )  # fmt: skip


def _types(layout: str) -> Iterator[Plan]:
    config = changed(layout, ["sparse"], E=2, H=7, I=11)
    for source, target, contents in (
        ("F32", "BF16", "special"), ("F32", "BF16", "rounding"), ("BF16", "F32", "special"),
        ("BF16", "BF16", "special"),
    ):  # fmt: skip
        name = f"cast-{source.lower()}-{target.lower()}-{contents}"
        yield _plan(
            layout, name, f"experts from {source} to {target}, {contents} values",
            "cast" if source != target else "bits", contents,
            config=config, target=target, extent="experts", types={"experts": source},
            contents=contents,
        )  # fmt: skip


def _factors(layout: str) -> Iterator[Plan]:
    """Low-rank factors, where they have the names of the projections that upstream knows."""
    is_known = names_of(layout).member("up").endswith(".up_proj.weight")
    if not table_of(layout).get("lora") or not is_known:
        return
    for name, purpose, lora in (
        ("lora", "low-rank factors of each expert", "perExpert"),
        ("lora-peft-0-19-1", "fused factors as peft-0.19.1 writes them", "paramWrapper"),
    ):
        yield _plan(
            layout, name, purpose, "lora", config=changed(layout, ["sparse"], E=2),
            extent="factors", lora=lora, order="shuffled 7", saves=layout not in FUSED_ON_SAVING,
        )  # fmt: skip


def _others(layout: str) -> Iterator[Plan]:
    stem = f"{prefixes_of(layout)[0].partition('.')[0]}."
    starts = table_of(layout).get("prefix")
    if isinstance(starts, dict):
        modules = [start for start in starts if start.endswith(".")]
        stem = restarted(table_of(layout), modules[-1], WRITTEN, DISK)
    yield _plan(
        layout, "others", "tensors of no rule pass as they are", "others",
        config=changed(layout, ["sparse"], E=1, H=2, I=3), extent="experts", order="reversed",
        extra=tuple(
            Key(f"{stem}visual.{number}.weight", dtype, (2, 3))
            for number, dtype in enumerate(("BF16", "F32", "I64", "U8"))
        ),
    )  # fmt: skip


def _exclusions(layout: str) -> Iterator[Plan]:
    names = names_of(layout)
    for name, pattern in (
        ("router", rf".*\.{re.escape(names.disk('router'))}$"),
        ("expert", rf".*\.{re.escape(names.member('down'))}$"),
        ("unanchored", r"layers"),
    ):
        yield _plan(
            layout, f"exclude-{name}", f"saving without what '{pattern}' matches", "exclusion",
            config=changed(layout, ["sparse"], E=1, H=2, I=3), exclude=pattern,
        )  # fmt: skip


def _parallel(layout: str) -> Iterator[Plan]:
    for count, size, rank in ((4, 2, 1), (5, 3, 0), (5, 3, 2)):
        even = count % size == 0
        yield _plan(
            layout, f"ep-{count}-experts-rank-{rank}-of-{size}",
            f"rank {rank} of {size} with {count} experts",
            "expert-parallel", "ep-even" if even else "ep-uneven",
            config=changed(layout, ["sparse"], E=count, H=2, I=3), parallelism=(rank, size),
            # Upstream refuses to save what ranks of different shares hold.
            saves=even,
        )  # fmt: skip
