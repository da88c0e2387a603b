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

/// The largest values that a config may hold, each far above any published model.
enum ConfigLimits {
  static let layers = 1...4096
  static let mtpLayers = 0...64
  static let expertsInAllLayers = 1 << 20

  /// The values of a size.
  static func range(of rule: SizeRule) -> ClosedRange<Int> {
    let most =
      switch SizeSymbol(rawValue: rule.symbol) {
      case .vocabulary: 1 << 26
      case .experts: 1 << 14
      case .sharedExperts: 256
      case .heads, .keyValueHeads, .headSize: 1 << 12
      case .hidden, .intermediate, .denseIntermediate, nil: 1 << 18
      }
    return min(rule.least, most)...most
  }
}

extension ClosedRange<Int> {
  /// Refuses values of a field outside of the range.
  func check(_ value: Int, field: String) throws(ConfigError) {
    guard contains(value) else {
      throw ConfigError(
        field: field, expected: "a whole number from \(lowerBound) to \(upperBound)",
        found: "\(value)")
    }
  }
}
