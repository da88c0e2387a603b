// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// What sort of decision a choice is.
public enum ChoiceKind: UInt8, Hashable, Sendable, BitwiseCopyable {
  /// An integer of up to 64 bits within a range.
  case integer
  /// A coin.
  case boolean
  /// A floating-point bit pattern of some format.
  case float
}

/// What a choice may be, as a trivial value: 64-bit patterns whose meaning depends on the kind.
public struct Constraint: Hashable, Sendable, BitwiseCopyable {
  /// The kind of choice.
  public let kind: ChoiceKind
  /// Integer: 1 if the patterns are two's complement. Boolean: 1 if the chance grows with the size
  /// of cases. Float: the raw `FloatClasses`.
  @usableFromInline let flags: UInt8
  /// Float: the format of the pattern.
  let format: FloatFormat
  /// Integer and float: least pattern. Boolean: chance in units of 2^-32.
  @usableFromInline let lower: UInt64
  /// Integer and float: greatest pattern.
  @usableFromInline let upper: UInt64
  /// Integer and float: the simplest pattern.
  @usableFromInline let anchor: UInt64

  @usableFromInline init(
    kind: ChoiceKind, flags: UInt8, format: FloatFormat, lower: UInt64, upper: UInt64,
    anchor: UInt64
  ) {
    self.kind = kind
    self.flags = flags
    self.format = format
    self.lower = lower
    self.upper = upper
    self.anchor = anchor
  }

  /// Integers of `range`, simplest at `towards` (brought into the range).
  @inlinable public static func integer<T: FixedWidthInteger>(
    _ range: ClosedRange<T>, towards: T = 0
  ) -> Constraint {
    precondition(T.bitWidth <= 64, "an integer choice holds at most 64 bits")
    let simplest = min(max(towards, range.lowerBound), range.upperBound)
    return Constraint(
      kind: .integer, flags: T.isSigned ? 1 : 0, format: .none,
      lower: UInt64(truncatingIfNeeded: range.lowerBound),
      upper: UInt64(truncatingIfNeeded: range.upperBound),
      anchor: UInt64(truncatingIfNeeded: simplest))
  }

  /// A coin that is true with `probability`; one that `grows` is so less often in early cases, which
  /// keeps them small.
  @inlinable public static func boolean(_ probability: Double = 0.5, grows: Bool = false)
    -> Constraint
  {
    let chance = UInt64(max(0, min(1, probability)) * 4_294_967_296)
    return Constraint(
      kind: .boolean, flags: grows ? 1 : 0, format: .none, lower: chance, upper: 1, anchor: 0)
  }

  /// Whether `bits` is legal here.
  @inlinable func permits(_ bits: UInt64) -> Bool {
    switch kind {
    case .integer: return bits &- lower <= upper &- lower
    case .boolean: return bits <= 1
    case .float: return permitsFloat(bits)
    }
  }

  /// How many values there are, at most; `UInt64.max` where that is not counted.
  var cardinality: UInt64 {
    switch kind {
    case .integer:
      let width = upper &- lower
      return width == .max ? .max : width + 1
    case .boolean: return 2
    case .float: return .max
    }
  }

  /// The simplest pattern.
  @inlinable var simplest: UInt64 { kind == .boolean ? 0 : anchor }
}

/// One decision: the pattern chosen and what it was chosen from.
public struct Choice: Hashable, Sendable, BitwiseCopyable {
  /// What it was chosen from.
  public internal(set) var constraint: Constraint
  /// The pattern.
  public internal(set) var bits: UInt64
  /// Whether the generator left no choice.
  public internal(set) var isForced: Bool

  @usableFromInline init(constraint: Constraint, bits: UInt64, isForced: Bool) {
    self.constraint = constraint
    self.bits = bits
    self.isForced = isForced
  }

  /// Position in the order of simplicity; 0 is the simplest.
  var order: UInt128 {
    switch constraint.kind {
    case .integer: return UInt128(constraint.index(ofInteger: bits))
    case .boolean: return UInt128(bits)
    case .float: return constraint.format.order(of: bits)
    }
  }
}
