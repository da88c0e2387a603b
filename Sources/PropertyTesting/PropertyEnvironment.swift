// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import Glibc
internal import PropertyEngine

/// Why a property could not be run at all.
public enum PropertyError: Error, Equatable, CustomStringConvertible {
  /// There is no current test that could fail.
  case noCurrentTest
  /// An environment variable has a value that cannot be used.
  case environment(name: String, value: String, reason: String)
  /// The task was cancelled, by a time limit for example.
  case cancelled

  /// What is wrong and what can be done.
  public var description: String {
    switch self {
    case .noCurrentTest:
      """
      property() needs a running test; in a detached task or outside of a test use \
      PropertyEngine's Property.run() and look at its report
      """
    case .environment(let name, let value, let reason):
      "the environment variable \(name) is '\(value)': \(reason)"
    case .cancelled: "the test was cancelled before the property came to its end"
    }
  }
}

/// What the environment says; it goes before all traits.
struct PropertyEnvironment: Sendable {
  static let names = ["PROPERTY_SEED", "PROPERTY_EXAMPLES", "PROPERTY_TOKEN"]

  var seed: UInt64?
  var examples: Int?
  var token: ReplayToken?

  /// In the place of the process's environment, for tests.
  @TaskLocal static var replacement: [String: String]?

  static func current() throws(PropertyError) -> PropertyEnvironment {
    if let replacement { return try PropertyEnvironment(replacement) }
    var values: [String: String] = [:]
    for name in names {
      // Safe: the value ends with a zero byte and is copied at once.
      if let value = unsafe getenv(name) { values[name] = unsafe String(cString: value) }
    }
    return try PropertyEnvironment(values)
  }

  init(_ values: [String: String]) throws(PropertyError) {
    func read<Value>(
      _ name: String, _ reason: String, _ read: (String) throws -> Value?
    ) throws(PropertyError) -> Value? {
      guard let text = values[name] else { return nil }
      do {
        if let value = try read(text) { return value }
      } catch {
        throw .environment(name: name, value: text, reason: "\(error)")
      }
      throw .environment(name: name, value: text, reason: reason)
    }
    seed = try read("PROPERTY_SEED", "a whole number from 0 to 2^64-1 is needed") { UInt64($0) }
    examples = try read("PROPERTY_EXAMPLES", "a whole number above 0 is needed") {
      Int($0).flatMap { $0 > 0 ? $0 : nil }
    }
    token = try read("PROPERTY_TOKEN", "") { try ReplayToken(text: $0) }
  }
}
