// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import StrictJSON

/// What a rule of transformers' mapping does to tensors.
enum MappingOperation: Equatable {
  case stack(axis: Int)
  case unstack(axis: Int)
  case join(axis: Int)
  case cut(axis: Int)
  case transpose(Int, Int, ifShapesDiffer: Bool)
  case interleave(axis: Int, inverse: Bool)
  /// One that is not interpreted, by its name.
  case refused(String)

  init(_ field: JSONField) throws(JSONFieldError) {
    let (name, axis) = (try field["name"].string(), field["dim"].json?.integerValue ?? 0)
    self =
      switch (name, field["num_shards_attribute"].json) {
      case ("MergeModulelist", _): .stack(axis: axis)
      case ("SplitModulelist", _): .unstack(axis: axis)
      case ("Concatenate", nil): .join(axis: axis)
      case ("Chunk", nil): .cut(axis: axis)
      case ("Interleave", _):
        .interleave(axis: axis, inverse: field["inverse"].json?.boolValue ?? false)
      case ("Transpose", _):
        .transpose(
          try field["dim0"].count(), try field["dim1"].count(),
          ifShapesDiffer: field["check_dims"].json?.boolValue ?? false)
      default: .refused(name)
      }
  }

  /// The operation that undoes this one.
  var reversed: MappingOperation {
    switch self {
    case .stack(let axis): .unstack(axis: axis)
    case .unstack(let axis): .stack(axis: axis)
    case .join(let axis): .cut(axis: axis)
    case .cut(let axis): .join(axis: axis)
    case .transpose(let one, let other, let ifShapesDiffer):
      .transpose(other, one, ifShapesDiffer: ifShapesDiffer)
    case .interleave(let axis, let inverse): .interleave(axis: axis, inverse: !inverse)
    case .refused: self
    }
  }

  /// Tensors by the pattern that names them.
  typealias Parts = [(pattern: String, tensors: [NumberedTensor])]

  /// Carries the operation out, or gives nil where tensors do not fit together or it is refused.
  ///
  /// - Parameter expected: The shape that the model has.
  func applied(to parts: Parts, of rule: MappingRule, expected: [Int]?) -> Parts? {
    guard let first = parts.first, let tensor = first.tensors.first else { return nil }
    let target = rule.targets[0]
    switch self {
    case .stack(let axis):
      var result: Parts = []
      for part in parts {
        guard let stacked = NumberedTensor.stacked(part.tensors, along: axis) else { return nil }
        result.append((parts.count == 1 ? target : part.pattern, [stacked]))
      }
      return result
    case .unstack(let axis):
      var result: Parts = []
      for part in parts {
        guard let tensor = part.tensors.first, axis < tensor.shape.count else { return nil }
        let pattern = parts.count == 1 ? target : part.pattern
        for (number, slice) in tensor.cut(at: Array(0...tensor.shape[axis]), along: axis)
          .enumerated()
        {
          result.append(
            (pattern.replacing("*", with: "\(number)"), [slice.removing(axis: axis)]))
        }
      }
      return result
    case .join(let axis):
      var all: [NumberedTensor] = []
      for source in rule.sources {
        all += parts.first { $0.pattern == source }?.tensors ?? []
      }
      return NumberedTensor.joined(all, along: axis).map { [(target, [$0])] }
    case .cut(let axis):
      guard parts.count == 1, axis < tensor.shape.count else { return nil }
      return zip(rule.targets, tensor.chunks(rule.targets.count, along: axis)).map {
        ($0, [$1])
      }
    case .transpose(let one, let other, let ifShapesDiffer):
      guard parts.count == 1, max(one, other) < tensor.shape.count,
        !ifShapesDiffer || expected != nil
      else { return nil }
      let isLeft = ifShapesDiffer && tensor.shape == expected
      return [(target, [isLeft ? tensor : tensor.transposed(one, other)])]
    case .interleave(let axis, let inverse):
      guard axis < tensor.shape.count, tensor.shape[axis].isMultiple(of: 2) else { return nil }
      return [(target, [tensor.interleaved(along: axis, inverse: inverse)])]
    case .refused: return nil
    }
  }
}
