// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import PropertyEngine
import Synchronization
import Testing

@testable import PropertyTesting

private let numbers = Generator<Int>.integer(0...1_000_000)

/// The values that a passing property sees.
private func values() throws -> [Int] {
  let seen = Mutex<[Int]>([])
  try property(numbers, name: "values") { number in
    seen.withLock { $0.append(number) }
    return true
  }
  return seen.withLock { $0 }
}

@Suite("Settings from traits and the environment", .examples(20), .seed(3))
struct PropertySettingsTests {
  @Test("What stands on the suite holds for its tests")
  func suite() throws {
    let configuration = PropertyConfiguration.current
    #expect(configuration.settings.examples == 20)
    #expect(configuration.seed == 3)
    #expect(try Set(values()).count == 20)
  }

  @Test("What stands on the test goes before what stands on the suite", .examples(7))
  func test() throws {
    #expect(PropertyConfiguration.current.settings.examples == 7)
    #expect(PropertyConfiguration.current.seed == 3)
    #expect(try Set(values()).count == 7)
  }

  @Suite("A suite within", .seed(4)) struct Inner {
    @Test("has what the outer one says, and its own") func inner() {
      #expect(PropertyConfiguration.current.settings.examples == 20)
      #expect(PropertyConfiguration.current.seed == 4)
    }
  }

  @Test("The seed decides the values; without one the identity of the property does")
  func seeds() async throws {
    let given = try values()
    #expect(try values() == given)
    try await withTrait(.seed(99)) {
      let others = try values()
      #expect(others != given)
    }
    try await withTrait(PropertyTrait { $0.seed = nil }) {
      let derived = try values()
      #expect(try values() == derived)
      #expect(derived != given)
    }
  }

  @Test("The environment goes before traits")
  func environment() async throws {
    try await withEnvironment(["PROPERTY_EXAMPLES": "5", "PROPERTY_SEED": "99"]) {
      let seen = try values()
      #expect(Set(seen).count == 5)
      try await withEnvironment([:]) {
        try await withTrait(.seed(99)) {
          try await withTrait(.examples(5)) {
            let others = try values()
            #expect(others == seen)
          }
        }
      }
    }
  }

  @Test(
    "A bad value in the environment stops the property",
    arguments: [
      ("PROPERTY_SEED", "-1"), ("PROPERTY_SEED", "seven"), ("PROPERTY_EXAMPLES", "0"),
      ("PROPERTY_EXAMPLES", ""), ("PROPERTY_TOKEN", "p2_AAAA"),
    ])
  func badEnvironment(name: String, value: String) async throws {
    let recording = try await recording {
      try await withEnvironment([name: value]) { _ = try values() }
    }
    let error = try #require(recording.error as? PropertyError)
    #expect("\(error)".hasPrefix("the environment variable \(name) is '\(value)': "))
  }

  @Test("Arguments of a parameterised test are part of the identity", arguments: [1, 2])
  func parameterised(number: Int) throws {
    let test = try #require(Test.current)
    let identity = PropertyIdentity(test, name: "x", SourceLocation.here)
    #expect(
      identity.id
        == "PropertyTestingTests.PropertySettingsTests/parameterised(number:)[\(number)]#x")
  }

  @Test("Unnamed properties of a test are told apart, each always by the same name")
  func ordinals() throws {
    let test = try #require(Test.current)
    let here = SourceLocation.here
    let there = SourceLocation(
      fileID: here.fileID, filePath: here.filePath, line: here.line + 1, column: 1)
    let ids = [here, there, here].map { PropertyIdentity(test, name: "", $0).id }
    #expect(ids[0] == "PropertyTestingTests.PropertySettingsTests/ordinals()")
    #expect(ids[1] == ids[0] + "#2")
    #expect(ids[2] == ids[0])
  }
}

extension SourceLocation {
  static var here: SourceLocation { #_sourceLocation }
}

extension SourceLocation {
  fileprivate var filePath: String { "/F.swift" }
}
