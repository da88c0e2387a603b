# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""The table of golden cases that are valid."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from hymt2.configs import Config, flag_fields, small_config
from hymt2.contents import FIELDS
from hymt2.golden.checkpoints import Checkpoint, Key, in_order
from hymt2.names import names_of, parent
from hymt2.widths import WIDTHS

PEFT = "base_model.model.model."


@dataclass(frozen=True)
class Plan:
    """What a case follows from; the defaults are the plainest whole model."""

    id: str
    purpose: str
    flags: tuple[str, ...]
    config: Config = field(default_factory=dict)
    family: str = "hy_mt2"
    """The layout."""
    target: str = "BF16"
    activation: str = "swiglu"
    prefix: str = "model."
    mtp: str = "drop"
    extent: str = "whole"
    """`whole`, `experts` or `factors`."""
    types: dict[str, str] = field(default_factory=dict)
    contents: str = "iota"
    order: str = "schema"
    exclude: str = ""
    parallelism: tuple[int, int] | None = None
    lora: str | None = None
    """`perExpert`, `paramWrapper` or `legacyParamWrapper`."""
    lora_prefix: str = PEFT
    hint: str | None = None
    extra: tuple[Key, ...] = ()
    saves: bool = True
    """Whether upstream can save what it loads, under the names it loaded."""

    def checkpoint(self) -> Checkpoint:
        types = {"experts": "BF16", "others": "BF16"} | self.types
        config = small_config(self.family, self.config)
        return Checkpoint(self.family, config, self.prefix, self.activation != "relu2", types)

    def keys(self) -> list[Key]:
        made = self.checkpoint()
        keys = {"whole": made.whole, "experts": made.experts_only}.get(self.extent)
        result = list(keys()) if keys else []
        if self.lora == "perExpert":
            result += made.factors(self.lora_prefix, RANK)
        elif self.lora:
            is_legacy = self.lora == "legacyParamWrapper"
            result += made.fused_factors(self.lora_prefix, RANK, is_legacy)
        return in_order(result + list(self.extra), self.order)

    def description(self) -> dict[str, Any]:
        whole = self.extent == "whole" and not self.extra
        return {
            "config": small_config(self.family, self.config),
            "directions": ["load", "save"] if self.saves else ["load"],
            "exclusion": self.exclude,
            "expected": None,
            "family": self.family,
            "flags": sorted(self.flags),
            "id": self.id,
            "lora": self.lora and {"layout": self.lora, "prefix": self.lora_prefix, "rank": RANK},
            "options": {
                "activation": self.activation,
                "completeness": "wholeModel" if whole else "presentGroups",
                "mtp_policy": self.mtp,
                "param_wrapper_layout": self.hint,
                "prefix": self.prefix,
                "target_dtype": self.target,
            },
            "parallelism": self.parallelism
            and {"rank": self.parallelism[0], "size": self.parallelism[1]},
            "purpose": self.purpose,
            "verdict": "valid",
        }


RANK = 2

TINY = {"num_hidden_layers": 1, "first_k_dense_replace": 0}


def plans() -> Iterator[Plan]:
    yield from _models()
    yield from _experts()
    yield from _orders()
    yield from _types()
    yield from _parallel()
    yield from _exclusions()
    yield from _factors()


def _models() -> Iterator[Plan]:
    yield Plan("model", "every class of tensors of a Hy-MT2 model", ("whole-model",))
    yield Plan("model-hy-v3", "the same layout for Hy3", ("whole-model", "hy-v3"), family="hy_v3")
    yield Plan(
        "model-biases", "biases of attention and feed-forward parts", ("whole-model", "biases"),
        {"attention_bias": True, "mlp_bias": True},
    )  # fmt: skip
    yield Plan(
        "model-bare", "no norms of heads, no expert bias, no shared experts, no output head",
        ("whole-model", "bare"),
        dict.fromkeys(flag_fields("hy_mt2"), False)
        | {"num_shared_experts": 0, "tie_word_embeddings": True},
    )  # fmt: skip
    yield Plan(
        "model-mixed-layers", "dense layers between sparse ones, two shared experts",
        ("whole-model", "mixed-layers"),
        {"num_hidden_layers": 3, "mlp_layer_types": ["sparse", "dense", "sparse"],
         "num_shared_experts": 2},
    )  # fmt: skip
    for count in (1, 2):
        for policy in ("drop", "preserve"):
            yield Plan(
                f"mtp-{count}-{policy}", f"{count} multi-token prediction layers, policy {policy}",
                ("mtp", f"mtp-{count}", f"mtp-{policy}"), {"num_nextn_predict_layers": count},
                family="hy_v3" if count == 1 else "hy_mt2", mtp=policy, order=f"shuffled {count}",
            )  # fmt: skip
    for prefix in ("", "language_model.", "model.language_model."):
        name = prefix.rstrip(".").replace(".", "-").replace("_", "-") or "none"
        # Upstream writes the prefix "model." whatever it read.
        yield Plan(
            f"prefix-{name}", f"keys with the prefix '{prefix}'", ("prefix",),
            prefix=prefix, saves=False, order="shuffled 5",
        )  # fmt: skip
    for activation in ("relu2", "swigluoai", "quick_geglu", "geglu"):
        gate = "non-gated" if activation == "relu2" else "gated"
        yield Plan(
            f"activation-{activation.replace('_', '-')}", f"{gate} experts: {activation}",
            ("activation", gate), activation=activation, order="shuffled 6",
        )  # fmt: skip


def _experts() -> Iterator[Plan]:
    for count in (1, 2, 11, 128):
        yield Plan(
            f"experts-{count}", f"{count} experts, keys sorted as text", (f"experts-{count}",),
            TINY | {"num_experts": count}, extent="experts", order="sorted",
        )  # fmt: skip
    for name, hidden, inner in (
        ("square", 4, 4), ("wide-square", 4, 2), ("tall", 2, 7), ("smallest", 1, 1)
    ):  # fmt: skip
        yield Plan(
            f"sizes-{name}", f"hidden size {hidden}, expert width {inner}", ("sizes", name),
            TINY | {"hidden_size": hidden, "moe_intermediate_size": inner, "num_experts": 2},
        )  # fmt: skip
    yield Plan(
        "layers-12", "layers 1, 10 and 11 are told apart", ("two-digit-layers",),
        {"num_hidden_layers": 12, "first_k_dense_replace": 1, "num_experts": 2, "hidden_size": 2},
        extent="experts", order="sorted",
    )  # fmt: skip


def _orders() -> Iterator[Plan]:
    for order in ("sorted", "reversed", "shards", "shuffled 1", "shuffled 2"):
        yield Plan(
            f"order-{order.replace(' ', '-')}", f"keys {order}", ("order",),
            {"num_hidden_layers": 3, "num_experts": 2, "hidden_size": 2}, order=order,
        )  # fmt: skip


def _types() -> Iterator[Plan]:
    sizes = TINY | {"num_experts": 2, "hidden_size": 7, "moe_intermediate_size": 11}
    for source in FIELDS:
        for target in FIELDS:
            for contents in ("special",) if source == target else ("rounding", "special"):
                yield Plan(
                    f"cast-{_slug(source)}-{_slug(target)}-{contents}",
                    f"experts from {source} to {target}, {contents} values",
                    ("cast" if source != target else "bits", contents), sizes,
                    target=target, extent="experts", types={"experts": source}, contents=contents,
                )  # fmt: skip
    shapes: tuple[tuple[int, ...], ...] = ((), (37,), (2, 3, 5), (0, 4))
    yield Plan(
        "dtypes", "tensors of no rule, of every dtype, scalars and tensors without elements",
        ("dtypes", "special"), TINY, contents="special", order="shuffled 3",
        extra=tuple(
            Key(f"visual.{_slug(dtype)}.{len(shape)}", dtype, (260,) if shape == (37,) else shape)
            for dtype in WIDTHS for shape in shapes
        ),
    )  # fmt: skip
    for target in ("F8_E4M3", "BF16"):
        yield Plan(
            f"scales-{_slug(target)}", f"quantized experts with scales, loaded as {target}",
            ("scales",), TINY, target=target, extent="experts", contents="rounding",
            types={"experts": "F8_E4M3", "scales": "weight_scale input_scale"},
            order="shuffled 4",
        )  # fmt: skip


def _slug(name: str) -> str:
    return name.lower().replace("_", "")


def _parallel() -> Iterator[Plan]:
    for count, size, ranks in ((4, 2, (0, 1)), (5, 3, (0, 1, 2)), (11, 4, (3,)), (2, 2, (1,))):
        even = count % size == 0
        for rank in ranks:
            # Upstream refuses to save what ranks of different shares hold.
            yield Plan(
                f"ep-{count}-experts-rank-{rank}-of-{size}",
                f"rank {rank} of {size} with {count} experts",
                ("expert-parallel", "ep-even" if even else "ep-uneven"),
                TINY | {"num_experts": count}, parallelism=(rank, size), saves=even,
            )  # fmt: skip


def _exclusions() -> Iterator[Plan]:
    names = names_of("hy_mt2")
    for name, pattern in (
        ("head", rf"{re.escape(parent(names.outside('head')))}\."),
        ("layer", r"model\.layers\.1\."),
        ("experts", rf".*\.{re.escape(names.experts)}\."),
        ("expert", rf".*\.{re.escape(names.experts)}\.1\."),
        ("projection", r".*\.experts\.\d+\.gate_proj\.weight$"),
        ("expert-bias", rf".*\.{names.disk('router bias').rpartition('.')[2]}$"),
        ("native-name", rf".*{names.native('router bias').rpartition('.')[2]}"),
        ("unanchored", r"mlp"),
        ("everything", r".*"),
    ):
        yield Plan(
            f"exclude-{name}", f"saving without what '{pattern}' matches", ("exclusion",),
            {"num_experts": 2, "hidden_size": 2}, exclude=pattern,
        )  # fmt: skip


def _factors() -> Iterator[Plan]:
    two = {"num_experts": 2}
    yield Plan(
        "lora", "low-rank factors of each expert", ("lora",), two, extent="factors",
        lora="perExpert", order="shuffled 7",
    )  # fmt: skip
    yield Plan(
        "lora-beside-weights", "low-rank factors beside the weights", ("lora",), TINY | two,
        lora="perExpert", lora_prefix="model.", order="shuffled 8",
    )  # fmt: skip
    yield Plan(
        "lora-non-gated", "low-rank factors of experts without gate", ("lora", "non-gated"), two,
        activation="relu2", extent="factors", lora="perExpert", order="reversed",
    )  # fmt: skip
    for lora, hint in (("paramWrapper", "peft-0.19.1"), ("legacyParamWrapper", "peft-0.18")):
        version = hint.replace(".", "-")
        flags = ("lora", "param-wrapper", hint)
        yield Plan(
            f"lora-{version}", f"fused factors as {hint} writes them", flags, two,
            extent="factors", lora=lora,
        )  # fmt: skip
        yield Plan(
            f"lora-{version}-non-gated", f"fused factors as {hint} writes them, no gate",
            (*flags, "non-gated"), two, activation="relu2", extent="factors", lora=lora,
            order="reversed",
        )  # fmt: skip
