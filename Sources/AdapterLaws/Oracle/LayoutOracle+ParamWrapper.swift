// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import CheckpointGenerators
import Layouts
import Tensors

/// Fused LoRA factors as PEFT's ParamWrapper writes them.
extension LayoutOracle {
  /// Appends the native forms of fused factors.
  func appendFused(_ sources: [Source], to result: inout Collected) {
    for source in sources {
      guard let key = source.key, case .fused(let lora, let isA) = source.meaning,
        let native = nativeFactor(source.tensor, isA: isA)
      else { continue }
      // Before PEFT 0.19.1 the file's A was the factor that is native B.
      let entry = layout.lora[lora]
      let module = layout.groups[entry.group].name.upToLastDot
      result.append(native, key.named("\(module)\(entry.native)_\(isA != isLegacy ? "A" : "B")"))
    }
  }

  private var isLegacy: Bool { spec.lora?.layout == .legacyParamWrapper }

  /// A fused A is `[rank * experts, features]` and holds factor `(e, k, f)` at `[e * rank + k, f]`;
  /// a fused B is `[features, rank * experts]` and holds it at `[f, k * experts + e]`. The native A is
  /// `[experts, features, rank]`, the native B `[experts, rank, features]`.
  private func nativeFactor(_ tensor: Tensor, isA: Bool) -> Tensor? {
    guard tensor.shape.rank == 2 else { return nil }
    let experts = spec.config.expertCount
    let (fused, features) = (tensor.shape[isA ? 0 : 1], tensor.shape[isA ? 1 : 0])
    guard fused.isMultiple(of: experts) else { return nil }
    let rank = fused / experts
    let becomesA = isA != isLegacy
    let file = tensor.patterns
    var native: [UInt64] = []
    native.reserveCapacity(file.count)
    for e in 0..<experts {
      for outer in 0..<(becomesA ? features : rank) {
        for inner in 0..<(becomesA ? rank : features) {
          let (k, f) = becomesA ? (inner, outer) : (outer, inner)
          native.append(
            isA ? file[(e * rank + k) * features + f] : file[f * fused + k * experts + e])
        }
      }
    }
    let shape = [experts] + (becomesA ? [features, rank] : [rank, features])
    return Tensor(tensor.dtype, shape, patterns: native)
  }
}
