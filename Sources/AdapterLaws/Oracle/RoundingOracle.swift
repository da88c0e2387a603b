// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Synchronization
public import Tensors

/// The cast of bit patterns from one type to another, by looking for the nearest number.
///
/// A pattern is decoded to the number it means, and the nearest number of the target is looked up in
/// the sorted list of all of them. Of two equally near the one with the even pattern is taken. From F64
/// the number is rounded to F32 first. A NaN becomes some NaN, whose sign and payload mean nothing.
public struct RoundingOracle: Sendable {
  private let source: DType
  private let target: DType
  private let layout: FloatLayout?
  /// The results of all patterns of a source of at most 16 bits.
  private let results: [UInt64]?
  private let numbers: SortedNumbers?

  /// Creates the cast between two types, or nil if there is none between them.
  ///
  /// - Complexity: O(patterns) for the first of a pair of types with at most 16 bits, else O(1).
  public init?(from source: DType, to target: DType) {
    let isPossible =
      source == target || (source.isFloatingPoint && FloatLayout(target) != nil)
    guard isPossible else { return nil }
    self.source = source
    self.target = target
    layout = FloatLayout(target)
    numbers = SortedNumbers.of(target)
    results = source != target && source.byteCount <= 2 ? Self.results(source, target) : nil
  }

  /// A cast that knows no results.
  private init(searching numbers: SortedNumbers?, from source: DType, to target: DType) {
    self.source = source
    self.target = target
    layout = FloatLayout(target)
    self.numbers = numbers
    results = nil
  }

  private static func results(_ source: DType, _ target: DType) -> [UInt64] {
    remembered.withLock { remembered in
      let pair = Pair(source: source, target: target)
      if let known = remembered[pair] { return known }
      let cast = RoundingOracle(searching: SortedNumbers.of(target), from: source, to: target)
      let results = (0..<(UInt64(1) << UInt64(8 * source.byteCount))).map { cast.nearest($0) }
      remembered[pair] = results
      return results
    }
  }

  private struct Pair: Hashable {
    let source: DType
    let target: DType
  }

  private static let remembered = Mutex<[Pair: [UInt64]]>([:])

  /// The pattern that a pattern becomes.
  public func callAsFunction(_ bits: UInt64) -> UInt64 {
    if source == target { return bits }
    if let results { return results[Int(bits)] }
    return nearest(bits)
  }

  /// The patterns that patterns become.
  func callAsFunction(_ patterns: [UInt64]) -> [UInt64] {
    if source == target { return patterns }
    if let results { return patterns.map { results[Int($0)] } }
    return patterns.map { nearest($0) }
  }

  private func nearest(_ bits: UInt64) -> UInt64 {
    guard let exact = source.number(bits), let layout else { return bits }
    if exact.isNaN { return layout.someNaN }
    let number = source == .f64 ? Double(Float(exact)) : exact
    switch target {
    case .f64: return number.bitPattern
    case .f32: return UInt64(Float(number).bitPattern)
    default:
      let magnitude = numbers?.nearest(to: number.magnitude) ?? 0
      return number.sign == .minus ? layout.sign | magnitude : magnitude
    }
  }
}

/// All numbers of a narrow type that are not negative, each at the position of its pattern.
struct SortedNumbers: Sendable {
  private let values: [Double]
  /// How many of the numbers are below each power of two, by the exponent's field in F64.
  private let counts: [Int]
  private let saturates: Bool

  private init?(_ dtype: DType) {
    guard let layout = FloatLayout(dtype) else { return nil }
    saturates = layout.isFiniteOnly
    // One more than there are: what is nearer to it than to the largest is too large.
    values = (0...layout.largestFinite + 1).map { layout.number($0) }
    var counts = [Int](repeating: 0, count: 2049)
    for value in values { counts[Int(value.exponentBitPattern) + 1] += 1 }
    for field in 1..<counts.count { counts[field] += counts[field - 1] }
    self.counts = counts
  }

  private static let bf16 = SortedNumbers(.bf16)
  private static let f16 = SortedNumbers(.f16)
  private static let f8E4M3 = SortedNumbers(.f8E4M3)
  private static let f8E5M2 = SortedNumbers(.f8E5M2)

  /// The numbers of a type of at most 16 bits, or nil for others.
  static func of(_ dtype: DType) -> SortedNumbers? {
    switch dtype {
    case .bf16: bf16
    case .f16: f16
    case .f8E4M3: f8E4M3
    case .f8E5M2: f8E5M2
    default: nil
    }
  }

  /// The pattern of the number nearest to another: what is too large becomes infinity, or the
  /// largest number of a type without infinity.
  func nearest(to number: Double) -> UInt64 {
    let last = values.count - 1
    guard number < values[last] else { return pattern(last) }
    // The largest number that is not larger; written so that no branch depends on the numbers.
    let field = Int(number.exponentBitPattern)
    var low = max(0, counts[field] - 1)
    var length = counts[field + 1] - low
    while length > 1 {
      let half = length / 2
      low = values[low + half] <= number ? low + half : low
      length -= half
    }
    let high = low + 1
    let (below, above) = (number - values[low], values[high] - number)
    if below == above { return pattern(low.isMultiple(of: 2) ? low : high) }
    return pattern(below < above ? low : high)
  }

  private func pattern(_ position: Int) -> UInt64 {
    UInt64(saturates ? min(position, values.count - 2) : position)
  }
}
