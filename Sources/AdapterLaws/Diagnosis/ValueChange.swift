// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Tensors

/// An element that should have one value and has another, with the value it was cast from.
struct ValueChange {
  let dtype: DType
  let expected: UInt64
  let found: UInt64
  let source: (dtype: DType, bits: UInt64)?
  /// The place in words.
  let place: String

  /// What happens to special values, or nil for a change between numbers.
  var special: Diagnosis.ValueFault? {
    guard let fields = FloatLayout(dtype) else { return nil }
    let isSameMagnitude = fields.magnitude(expected) == fields.magnitude(found)
    if fields.isNaN(expected) {
      guard fields.isNaN(found) else { return .nanReplaced }
      if isSameMagnitude { return .nanSignLost }
      if (expected ^ found) & fields.sign != 0 { return .nanPayloadAndSignLost }
      return found == expected | fields.quietBit ? .nanQuieted : .nanPayloadLost
    }
    // A zero that gets a sign is no special case of a number that changes its sign.
    if isSameMagnitude, fields.magnitude(expected) == 0 {
      return expected == 0 ? nil : .negativeZeroLost
    }
    if fields.isSubnormal(expected), fields.magnitude(found) == 0 { return .subnormalsFlushed }
    if fields.isInfinity(expected), !fields.isInfinity(found), !fields.isNaN(found) {
      return .infinitiesSaturated
    }
    return nil
  }

  private func value(_ bits: UInt64) -> Double { dtype.number(bits) ?? .nan }

  var isChanged: Bool { expected != found }

  /// Whether the value should be a number of full precision.
  var isOfNormal: Bool {
    guard let fields = FloatLayout(dtype) else { return false }
    return special == nil && value(expected).isNormal && !fields.isSubnormal(expected)
  }

  /// Whether the value is what it becomes on the way through a narrower type.
  func isCast(through narrow: DType) -> Bool {
    let (start, bits) = source ?? (dtype, expected)
    guard let there = try? Cast(from: start, to: narrow),
      let back = try? Cast(from: narrow, to: dtype)
    else { return false }
    return back(bits: there(bits: bits)) == found
  }

  /// The ways of rounding that give this value and are not to nearest, ties to even.
  var roundings: [Diagnosis.ValueFault] {
    guard let source, source.dtype != dtype, let exact = source.dtype.number(source.bits),
      let fields = FloatLayout(dtype)
    else { return [] }
    let (right, wrong) = (value(expected), value(found))
    let isNeighbor = fields.magnitude(expected).distance(to: fields.magnitude(found)).magnitude == 1
    guard isNeighbor, !exact.isNaN else { return [] }
    var result: [Diagnosis.ValueFault] = []
    if wrong.magnitude <= exact.magnitude { result.append(.roundedTowardZero) }
    let isTie = (exact - right).magnitude == (wrong - exact).magnitude
    if isTie, wrong.magnitude > right.magnitude { result.append(.roundedHalfAwayFromZero) }
    if isTie, wrong > right { result.append(.roundedHalfUp) }
    return result
  }

  /// What may have been added or multiplied, if it is one or a power of two.
  var arithmetic: [Diagnosis.ValueFault] {
    let (right, wrong) = (value(expected), value(found))
    var result: [Diagnosis.ValueFault] = []
    let difference = (wrong - right).rounded()
    if difference.magnitude == 1 { result.append(.added(Int(difference))) }
    let factor = wrong / right
    if factor.isNormal, factor.significand == 1, factor.magnitude != 1 {
      result.append(.scaled(by: factor))
    }
    return result.filter(isExplained)
  }

  /// Whether arithmetic in a wide type gives what was found, rounded in any way.
  func isExplained(by arithmetic: Diagnosis.ValueFault) -> Bool {
    guard let cast = try? Cast(from: .f64, to: dtype) else { return false }
    let right = value(expected)
    let result: Double? =
      switch arithmetic {
      case .added(let number): right + Double(number)
      case .scaled(let factor): right * factor
      default: nil
      }
    return result.map { result in
      let right = cast(bits: result.bitPattern)
      return max(right, found) - min(right, found) <= 1
    } ?? false
  }

  var isByteSwap: Bool {
    dtype.byteCount > 1
      && found == expected.byteSwapped >> UInt64(64 - 8 * dtype.byteCount)
  }

  /// Both values in words.
  var text: String {
    "\(place) is 0x\(String(found, radix: 16)) instead of 0x\(String(expected, radix: 16))"
  }
}
