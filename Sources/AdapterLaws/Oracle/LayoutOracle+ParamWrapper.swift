// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import CheckpointGenerators
import Layouts
import Tensors

/// Fused LoRA factors as PEFT's ParamWrapper writes them.
extension LayoutOracle {
  /// Appends the native forms of fused factors.
  func appendFused(_ onDisk: StateDict, _ keys: [OracleKey?], to result: inout Collected) {
    for (key, (_, tensor)) in zip(keys, onDisk) {
      guard let key, !isDropped(key),
        case .fused(let isDown, let isA) = key.expertPart,
        let native = nativeFactor(tensor, isA: isA)
      else { continue }
      // Before PEFT 0.19.1 the file's A was the factor that is native B.
      let becomesA = isA != isLegacy
      let grouped: GroupedName =
        if isDown { becomesA ? .downA : .downB } else { becomesA ? .gateAndUpA : .gateAndUpB }
      result.append(native, key.grouped(grouped))
    }
  }

  private var isLegacy: Bool { spec.lora?.layout == .legacyParamWrapper }

  /// A fused A is `[rank * experts, features]` and holds factor `(e, k, f)` at `[e * rank + k, f]`;
  /// a fused B is `[features, rank * experts]` and holds it at `[f, k * experts + e]`. The native A is
  /// `[experts, features, rank]`, the native B `[experts, rank, features]`.
  private func nativeFactor(_ tensor: Tensor, isA: Bool) -> Tensor? {
    guard let file = Cells(tensor), tensor.shape.rank == 2 else { return nil }
    let experts = spec.config.expertCount
    let fused = isA ? file.rows : file.columns
    let features = isA ? file.columns : file.rows
    guard fused.isMultiple(of: experts) else { return nil }
    let rank = fused / experts
    let becomesA = isA != isLegacy
    var native = Cells(
      depth: experts, rows: becomesA ? features : rank, columns: becomesA ? rank : features)
    for e in 0..<experts {
      for k in 0..<rank {
        for f in 0..<features {
          let value = isA ? file[e * rank + k, f] : file[f, k * experts + e]
          if becomesA { native[e, f, k] = value } else { native[e, k, f] = value }
        }
      }
    }
    return native.stack(tensor.dtype)
  }
}
