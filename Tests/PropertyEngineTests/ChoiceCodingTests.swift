// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Testing

@testable import PropertyEngine

@Suite("Choices as bytes") struct ChoiceCodingTests {
  private static let mixed = zip(
    Generator<Int>.integer(), Generator<UInt8>.integer().array(), Generator<Double>.double(),
    Generator<String>.unicode(), Generator<[UInt8]>.bytes(), Generator<Bool>.boolean())

  private static func sequence(_ seed: UInt64) -> ChoiceSequence {
    let source = Source()
    source.begin(tail: .random, limit: 10_000, random: RandomStream(seed: seed))
    _ = mixed.draw(source)
    return source.sequence
  }

  private static func read(_ bytes: [UInt8]) throws -> ChoiceSequence {
    var reader = BitReader(bytes[...])
    return try reader.choices()
  }

  @Test("What is written is read back")
  func roundTrip() throws {
    for seed in 0..<200 {
      let sequence = Self.sequence(UInt64(seed))
      let copy = try Self.read(sequence.encoded)
      #expect(copy == sequence)
      #expect(copy.encoded == sequence.encoded)
    }
  }

  @Test("Small integers take a byte each at most")
  func compact() {
    let source = Source()
    source.begin(tail: .simplest, limit: 10_000, random: RandomStream(seed: 0))
    _ = Generator<Int>.integer().array(count: 100).draw(source)
    #expect(source.sequence.encoded.count < 110)
  }

  @Test("No prefix, no flipped byte and no random bytes crash the reader; damage is named")
  func hostile() {
    let bytes = Self.sequence(3).encoded
    for length in bytes.indices {
      let isRead = (try? Self.read(Array(bytes[..<length]))) != nil
      #expect(!isRead, "\(length) bytes of \(bytes.count)")
    }
    var random = RandomStream(seed: 1)
    for _ in 0..<20_000 {
      var damaged = bytes
      damaged[random.position(below: bytes.count)] = UInt8(truncatingIfNeeded: random.next())
      if let read = try? Self.read(damaged) {
        let property = Property(Self.mixed) { _, _ in .pass }
        _ = property.replay(read)
        _ = read.description
      }
      let noise = (0..<random.position(below: 40)).map { _ in UInt8(random.upTo(255)) }
      _ = try? Self.read(noise)
    }
    #expect(throws: ReplayTokenError.truncated(part: "the choices")) {
      try Self.read([0xFF, 0xFF, 0xF7])
    }
    #expect(throws: ReplayTokenError.trailingBytes(1)) { try Self.read([0, 0]) }
  }
}
