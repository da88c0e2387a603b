// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import CheckpointGenerators
import Tensors

/// Recognizes faults that depend on the elements' values, from both sides of a comparison.
enum ValueClassifier {
  /// - Parameters:
  ///   - probes: The same conversion of checkpoints with other contents: one value alone is changed
  ///     alike by many faults. What they show of a tensor that is right in the violation does not count.
  ///   - explained: Kinds on disk whose elements are known to be in wrong places.
  static func classify(
    _ evidence: Violation.Evidence, probes: [Violation.Evidence], _ context: DiagnosisContext,
    native: [TracedMap.Output], explained: Set<TensorKind>
  ) -> [CauseCandidate] {
    var result: [CauseCandidate] = []
    for name in evidence.expected.names {
      let parts =
        context.parts[name] ?? context.book.schema.firstIndex { $0.name == name }.map { [$0] } ?? []
      let kinds = parts.map { context.book.subjects[$0].kind }.unique
      guard !kinds.contains(where: { explained.contains($0) }) else { continue }
      let map = native.first { $0.name == name }
      let shown = samples(name, evidence, map, context).filter(\.isChanged)
      guard !shown.isEmpty else { continue }
      let probed = probes.flatMap { samples(name, $0, map, context) }.filter(\.isOfNormal)
      let changed = probed.filter(\.isChanged)
      // Values that do not show the fault at all say nothing of it.
      for fault in faults(shown + changed, samples: changed.isEmpty ? [] : probed) {
        result += (kinds.isEmpty ? [TensorSubject(name, context.layout).kind] : kinds).map { kind in
          var draft = CauseCandidate(.value(fault), name, context.layout).ofClass
          draft.kinds = [kind]
          return draft
        }
      }
    }
    return result
  }

  private static func samples(
    _ name: TensorName, _ evidence: Violation.Evidence, _ map: TracedMap.Output?,
    _ context: DiagnosisContext
  ) -> [ValueChange] {
    guard let expected = evidence.expected[name],
      let found = evidence.found[name], found.dtype == expected.dtype,
      found.shape == expected.shape
    else { return [] }
    let isCast = evidence.castTensors.contains(name)
    return samples(name, expected, found, isCast) { element in
      guard let map, let sources = evidence.sources, map.origins.indices.contains(element),
        let (name, place) = context.book.place(map.origins[element]),
        let source = sources[name]
      else { return nil }
      let bits = source.bits(at: place)
      // The law may have looked at other contents than the spec's.
      guard let cast = try? Cast(from: source.dtype, to: expected.dtype),
        cast(bits: bits) == expected.bits(at: element)
      else { return nil }
      return (source.dtype, bits)
    }
  }

  /// All elements but the NaNs that a cast may make in any way.
  private static func samples(
    _ name: TensorName, _ expected: Tensor, _ found: Tensor, _ isCast: Bool,
    source: (Int) -> (dtype: DType, bits: UInt64)?
  ) -> [ValueChange] {
    let dtype = expected.dtype
    return (0..<expected.shape.elementCount).compactMap { element in
      let (right, wrong) = (expected.bits(at: element), found.bits(at: element))
      guard !(isCast && dtype.isNaN(right) && dtype.isNaN(wrong)) else { return nil }
      let indices = expected.shape.indices(at: element).map(String.init).joined(separator: ", ")
      return ValueChange(
        dtype: dtype, expected: right, found: wrong, source: source(element),
        place: "\(name)[\(indices)]")
    }
  }

  /// What explains changes within one tensor: one cause for all of them, or several.
  ///
  /// - Parameter samples: Values, changed or not, that a cause must explain as well.
  static func faults(
    _ changes: [ValueChange], samples: [ValueChange]
  ) -> [Diagnosis.ValueFault] {
    if changes.allSatisfy(\.isByteSwap) { return [.bytesSwapped] }
    let numbers = changes.filter { $0.special == nil }
    let specials = changes.compactMap(\.special).unique
    guard let first = numbers.first else { return specials }
    for narrow in [DType.bf16, .f16, .f8E4M3, .f8E5M2]
    where narrow.byteCount <= first.dtype.byteCount {
      if narrow != first.dtype, (changes + samples).allSatisfy({ $0.isCast(through: narrow) }) {
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
    for arithmetic in first.arithmetic
    where changes.allSatisfy({ $0.isExplained(by: arithmetic) }) {
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
    guard let fields = FloatLayout(first.dtype) else { return nil }
    let limit = fields.magnitude(first.found)
    let isClipped = changes.allSatisfy {
      fields.magnitude($0.found) == limit && fields.magnitude($0.expected) > limit
        && ($0.found ^ $0.expected) & fields.sign == 0
    }
    return isClipped && limit != 0 ? limit : nil
  }
}
