// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import CheckpointGenerators
import Tensors

/// Recognizes faults that depend on the elements' values, from both sides of a comparison.
enum ValueClassifier {
  /// - Parameter explained: Kinds on disk whose elements are known to be in wrong places.
  static func classify(
    _ evidence: Violation.Evidence, _ context: DiagnosisContext, native: [TracedMap.Output],
    explained: Set<String>
  ) -> [Observation] {
    let sources = try? context.checkpoint.stateDict()
    var result: [Observation] = []
    for (name, expected) in evidence.expected {
      guard let found = evidence.found[name], found != expected, found.dtype == expected.dtype,
        found.shape == expected.shape
      else { continue }
      let parts =
        context.parts[name] ?? context.book.schema.firstIndex { $0.name == name }.map { [$0] } ?? []
      let kinds = parts.map { context.book.subjects[$0].kind }.unique
      guard !kinds.contains(where: { explained.contains($0) }) else { continue }
      let map = native.first { $0.name == name }
      let isCast = evidence.castTensors.contains(name)
      let changes = changes(name, expected, found, isCast) { element in
        guard let map, let sources, map.origins.indices.contains(element),
          let (tensor, place) = context.book.locate(map.origins[element]),
          let source = sources[context.book.schema[tensor].name]
        else { return nil }
        let bits = source.bits(at: place)
        // The law may have looked at other contents than the spec's.
        guard let cast = try? Cast(from: source.dtype, to: expected.dtype),
          cast(bits: bits) == expected.bits(at: element)
        else { return nil }
        return (source.dtype, bits)
      }
      guard !changes.isEmpty else { continue }
      for fault in faults(changes) {
        result += (kinds.isEmpty ? [TensorSubject(name).kind] : kinds).map { kind in
          var observation = Observation(.value(fault), name).ofClass
          observation.kind = kind
          return observation
        }
      }
    }
    return result
  }

  private static func changes(
    _ name: TensorName, _ expected: Tensor, _ found: Tensor, _ isCast: Bool,
    source: (Int) -> (dtype: DType, bits: UInt64)?
  ) -> [ValueChange] {
    let dtype = expected.dtype
    return (0..<expected.shape.elementCount).compactMap { element in
      let (right, wrong) = (expected.bits(at: element), found.bits(at: element))
      guard right != wrong, !(isCast && dtype.isNaN(right) && dtype.isNaN(wrong)) else {
        return nil
      }
      let indices = expected.shape.indices(at: element).map(String.init).joined(separator: ", ")
      return ValueChange(
        dtype: dtype, expected: right, found: wrong, source: source(element),
        place: "\(name)[\(indices)]")
    }
  }

  /// What explains changes within one tensor: one cause for all of them, or several.
  private static func faults(_ changes: [ValueChange]) -> [Diagnosis.ValueFault] {
    if changes.allSatisfy(\.isByteSwap) { return [.bytesSwapped] }
    let numbers = changes.filter { $0.special == nil }
    let specials = changes.compactMap(\.special).unique
    guard let first = numbers.first else { return specials }
    for narrow in [DType.bf16, .f16, .f8E4M3, .f8E5M2]
    where narrow.byteCount <= first.dtype.byteCount {
      if narrow != first.dtype, changes.allSatisfy({ $0.isCast(through: narrow) }) {
        return [.castThrough(narrow)]
      }
    }
    return specials + [number(numbers, first)]
  }

  /// What happened to numbers.
  private static func number(
    _ changes: [ValueChange], _ first: ValueChange
  ) -> Diagnosis.ValueFault {
    let roundings = changes.map(\.roundings)
    for rounding in [
      Diagnosis.ValueFault.roundedTowardZero, .roundedHalfUp, .roundedHalfAwayFromZero,
    ] where roundings.allSatisfy({ $0.contains(rounding) }) {
      return rounding
    }
    if let arithmetic = first.arithmetic, changes.allSatisfy({ $0.isExplained(by: arithmetic) }) {
      return arithmetic
    }
    let flipped = first.expected ^ first.found
    if flipped.nonzeroBitCount == 1,
      changes.allSatisfy({ $0.expected ^ $0.found == flipped })
    {
      return .bitFlipped(flipped.trailingZeroBitCount)
    }
    if let limit = limit(changes, first) { return .clipped(toBits: limit) }
    return .changed(example: first.text)
  }

  /// The magnitude that all larger numbers became.
  private static func limit(_ changes: [ValueChange], _ first: ValueChange) -> UInt64? {
    guard let fields = FloatFields(first.dtype) else { return nil }
    let limit = fields.magnitude(first.found)
    let isClipped = changes.allSatisfy {
      fields.magnitude($0.found) == limit && fields.magnitude($0.expected) > limit
        && ($0.found ^ $0.expected) & fields.sign == 0
    }
    return isClipped && limit != 0 ? limit : nil
  }
}
