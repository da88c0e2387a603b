// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts
import PropertyEngine

@testable import CheckpointGenerators

/// Changes the text of a `config.json` at random, field by field and byte by byte.
struct ConfigMutator: Sendable {
  private let text: [UInt8]
  private let config: ModelConfig

  private static let values: [String] = [
    "0", "-1", "1", "2", "-0", "1.0", "1e3", "1e999", "-1e-999", "0.5", "4096", "4097", "16385",
    "262144", "262145", "9223372036854775807", "9223372036854775808", "-9223372036854775808",
    "18446744073709551616", "99999999999999999999999999", "NaN", "Infinity", "null", "true",
    "false",
    "\"\"", "\"1\"", "[]", "{}", "[1,2", "{\"a\":", "\"\\ud800\"", "\"\\u0000\"", "01", "+1", "1.",
    ".5", "\"sparse\"", "[\"dense\",\"sparse\"]", "\"bfloat16\"", "\"float8_e4m3fn\"", "'x'",
  ]
  /// The names of all fields that the config's layout reads.
  private let fields: [String]

  /// Creates a mutator of a text, which is that of the config.
  init(_ text: [UInt8], of config: ModelConfig) {
    self.text = text
    self.config = config
    let layout = config.layout
    var fields = ["model_type", "dtype", "torch_dtype", layout.layers.countField]
    for rule in layout.sizes {
      if case .fields(let names, let aliases, _) = rule.source { fields += names + aliases }
    }
    for pattern in layout.layers.patterns { fields += pattern.fields }
    if let prediction = layout.layers.prediction { fields.append(prediction.field) }
    self.fields = fields + layout.flagFields + layout.variantFields
  }

  /// The mutant of a number, the same on every machine.
  func mutant(_ number: UInt64, seed: UInt64) -> [UInt8] {
    var random = RandomStream(seed: scattered(number, seed: seed))
    func position(below count: Int) -> Int { Int(random.next() % UInt64(max(1, count))) }
    var bytes = text
    if position(below: 4) == 0 {
      let kind = ConfigFaultCatalogue.all[position(below: ConfigFaultCatalogue.all.count)]
      bytes = kind.applied(to: config, site: random.next())?.bytes ?? bytes
    }
    for _ in 0...position(below: 4) {
      let start = position(below: bytes.count + 1)
      let end = min(bytes.count, start + position(below: position(below: 2) == 0 ? 4 : 64))
      switch position(below: 10) {
      case 0 where start < bytes.count: bytes[start] = UInt8(truncatingIfNeeded: random.next())
      case 1 where start < bytes.count: bytes[start] ^= 1 << UInt8(position(below: 8))
      case 2: bytes.removeSubrange(start..<end)
      case 3: bytes.insert(contentsOf: bytes[start..<end], at: position(below: bytes.count + 1))
      case 4:
        bytes.insert(contentsOf: Self.values[position(below: Self.values.count)].utf8, at: start)
      case 5: bytes.removeSubrange(start...)
      case 6:
        let deep = position(below: 2) == 0 ? UInt8(ascii: "[") : UInt8(ascii: "{")
        bytes.insert(
          contentsOf: repeatElement(deep, count: 1 << position(below: 12)), at: start)
      default:
        let field = fields[position(below: fields.count)]
        let value = Self.values[position(below: Self.values.count)]
        Self.set(field, to: value, in: &bytes)
      }
    }
    return bytes
  }

  /// Replaces the value of a field, which ends where the next one begins, or adds the field.
  private static func set(_ field: String, to value: String, in bytes: inout [UInt8]) {
    let key = Array("\"\(field)\":".utf8)
    guard let start = bytes.firstRange(of: key)?.upperBound else {
      guard let brace = bytes.firstIndex(of: UInt8(ascii: "{")) else { return }
      bytes.insert(contentsOf: key + Array("\(value),".utf8), at: brace + 1)
      return
    }
    let end = bytes[start...].firstIndex { $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "}") }
    bytes.replaceSubrange(start..<(end ?? bytes.count), with: value.utf8)
  }
}
