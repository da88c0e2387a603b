// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts

/// Faults that few configs can show.
extension FaultBank {
  /// Faults that need a shape which an innocent config does not have, with the shape in one phrase, in which
  /// names of tensors are left open.
  public static let unusualShapes: [(id: String, needs: String)] = [
    ("digits-expert-first-load", "11 experts"),
    ("order-text-both", "11 experts, told apart"),
    ("lora-text-order-both", "11 experts with factors"),
    ("digits-expert-hundreds-load", "101 experts"),
    ("digits-expert-hundreds-save", "101 experts"),
    ("order-hundreds-both", "101 experts, told apart"),
    ("digits-layer-save", "a layer 10"),
    ("layers-text-order-both", "11 sparse layers"),
    ("rename-one-digit", "a layer 10 with a router"),
    ("mtp-one-digit", "an MTP layer 10, dropped"),
    ("mtp-last-lost-load", "a second MTP layer, preserved"),
    ("mtp-first-only-dropped", "a second MTP layer, dropped"),
    ("mtp-input-halves-exchanged-both", "an MTP layer, preserved"),
    ("grouping-judged-by-layer-0", "dense layers in front of sparse ones"),
    ("rank-remainder-to-last", "experts that ranks cannot share evenly"),
    ("rank-share-rounded-up", "four experts or more on ranks of uneven shares"),
    ("rank-save-without-remainder", "a rank behind one with an expert more, saved"),
    ("rank-empty-groups", "more ranks than experts"),
    ("rank-scales-of-all", "FP8 scales on ranks"),
    ("scale-of-first-expert", "FP8 scales of several experts"),
    ("halves-swapped-wide-both", "hidden size twice the intermediate size"),
    ("offset-odd-width-load", "an odd intermediate size"),
    ("transpose-square-down-both", "a square {down}"),
    ("transpose-square-router-both", "as many experts as the hidden size"),
    ("transpose-square-attention-both", "a square {output}"),
    ("transpose-missing-non-gated-both", "experts without gates"),
    ("lora-square-both", "a square factor of {down}"),
    ("lora-mtp-dropped", "factors of an MTP layer under PEFT's prefix"),
    ("fused-rank-first-a", "fused factors of several experts and ranks"),
    ("fused-expert-first-b", "fused factors of several experts and ranks"),
    ("fused-hint-ignored", "fused factors that only the stated layout explains"),
  ]

  /// What a fault needs, if few configs have it.
  static func needs(_ id: String, in layout: Layout) -> String? {
    (unusualShapes.first { $0.id == id }?.needs).map { FaultWords(layout: layout).filled($0) }
  }
}
