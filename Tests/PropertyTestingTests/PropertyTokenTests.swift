// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Foundation
import PropertyEngine
import Testing

@testable import PropertyTesting

private let numbers = Generator<Int>.integer(0...1000)

/// The token in a text.
private func token(in text: String) throws -> String {
  let start = try #require(text.range(of: "PROPERTY_TOKEN="))
  return String(text[start.upperBound...].prefix { $0 != " " })
}

@Suite("Tokens", .examples(200), .seed(1)) struct PropertyTokenTests {
  @Test("A token replays one case, and only it, in both kinds of body")
  func tokens() async throws {
    let runs = Counter()
    let expecting: @Sendable () async throws -> Void = {
      try await property(numbers, name: "e") { number in
        runs.next()
        #expect(number < 300)
      }
    }
    let returning: @Sendable () async throws -> Void = {
      try property(numbers, name: "r") { number in
        runs.next()
        return number < 300
      }
    }
    for body in [expecting, returning] {
      let token = try token(in: try await recording(body).text)
      let before = runs.value
      let replayed = try await recording {
        try await withEnvironment(["PROPERTY_TOKEN": token], body)
      }
      #expect(runs.value == before + 1)
      #expect(replayed.issues.count == 1)
      #expect(replayed.text.contains("value: 300\n"), "\(replayed.text)")
    }
  }

  @Test("A token outlives changes of the source that move the line of its failure")
  func movedToken() async throws {
    let body: @Sendable () async throws -> Void = {
      try await property(numbers, name: "m") { #expect($0 < 300) }
    }
    let token = try token(in: try await recording(body).text)
    #expect(token.hasPrefix("p2_"))
    // Of another place in the source, the same property.
    let moved: @Sendable () async throws -> Void = {
      try await property(numbers, name: "m") { #expect($0 < 300) }
    }
    for body in [body, moved] {
      try await withEnvironment(["PROPERTY_TOKEN": token]) {
        let replayed = try await recording(body)
        #expect(replayed.issues.count == 1)
        #expect(replayed.text.contains("value: 300\n"), "\(replayed.text)")
        #expect(replayed.text.contains("PROPERTY_TOKEN=\(token) "), "\(replayed.text)")
      }
    }
  }

  @Test("A token that shows nothing any more fails")
  func deadToken() async throws {
    let failing = try await recording { try property(numbers, name: "d") { $0 < 300 } }
    let token = try token(in: failing.text)
    try await withEnvironment(["PROPERTY_TOKEN": token]) {
      let fixed = try await recording { try property(numbers, name: "d") { $0 < 3000 } }
      #expect(fixed.text.contains("PROPERTY_TOKEN shows no failure: the property holds"))
      let fixedExpectation = try await recording {
        try await property(numbers, name: "d") { #expect($0 < 3000) }
      }
      #expect(fixedExpectation.failures.count == 1)
      let other = Generator<Int>.integer(0...9)
      let changed = try await recording { try property(other, name: "d") { $0 < 300 } }
      #expect(changed.text.contains("its choices no longer fit the generator"))
      // The value is still made, but by another generator, so the token may stand for another one.
      let wider = Generator<Int>.integer(0...2000)
      let widened = try await recording { try property(wider, name: "d") { $0 < 300 } }
      #expect(widened.text.contains("its choices no longer fit the generator"))
    }
  }
}
