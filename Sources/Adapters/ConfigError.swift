// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// What is wrong with a field of a `config.json`.
public struct ConfigError: Error, Hashable, CustomStringConvertible {
  /// The name of the field, or `config.json` where it concerns the whole file.
  public let field: String
  /// What the field should hold.
  public let expected: String
  /// What it holds.
  public let found: String

  /// Creates an error about a field.
  public init(field: String, expected: String, found: String) {
    self.field = field
    self.expected = expected
    self.found = found
  }

  /// The text shown to people.
  public var description: String {
    "config field '\(field)': expected \(expected), found \(found)"
  }
}

/// The largest values that a config may hold.
///
/// Each is far above any published model, and together they keep the size of a whole checkpoint
/// below 2^62 bytes: 2^20 experts of 3 x 2^36 elements, 2^12 layers with 256 shared experts of the
/// same size and 4 x 2^42 attention weights, at 8 bytes an element.
enum ConfigLimits {
  static let vocabulary = FieldRange(1...(1 << 26))
  static let width = FieldRange(1...(1 << 18))
  static let experts = FieldRange(1...(1 << 14))
  static let sharedExperts = FieldRange(0...256)
  static let layers = FieldRange(1...4096)
  static let mtpLayers = FieldRange(0...64)
  static let heads = FieldRange(1...(1 << 12))
  static let headSize = FieldRange(1...(1 << 12))
  static let expertsInAllLayers = 1 << 20
}

/// The values that a field may take.
struct FieldRange: Sendable {
  let range: ClosedRange<Int>

  init(_ range: ClosedRange<Int>) {
    self.range = range
  }

  func check(_ value: Int, field: String) throws(ConfigError) {
    guard range.contains(value) else {
      throw ConfigError(
        field: field, expected: "a whole number from \(range.lowerBound) to \(range.upperBound)",
        found: "\(value)")
    }
  }
}
