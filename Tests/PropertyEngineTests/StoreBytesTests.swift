// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Testing

@testable import PropertyEngine

/// One choice of each kind, drawn by a generator.
let everyKind = zip(
  Generator<Int8>.integer(), Generator<UInt64>.integer(), .boolean(), Generator<Float>.float(),
  Generator<UInt64>.bits(of: .float8E4M3), .ascii(), Generator<Int>.integer(3...9).array())

/// Failures with the choices of random cases.
func randomFailures(_ count: Int) -> [StoredFailure] {
  let source = Source()
  return (0..<count).map { index in
    source.begin(
      tail: .random, limit: 1000, random: RandomStream(seed: 5, index: UInt64(index)))
    _ = everyKind.draw(source)
    return StoredFailure(
      property: "Module.Suite/test()", fingerprint: UInt64(index) &* 0x9E37_79B9_7F4A_7C15,
      key: FailureKey(law: "law", kind: "kind", place: "M/F.swift:\(index):3"),
      choices: source.sequence)
  }
}

/// Bytes with their checksum, as those of a stored failure have it.
private func sealed(_ body: [UInt8]) -> [UInt8] {
  var writer = BitWriter()
  for byte in body { writer.write(UInt64(byte), bytes: 1) }
  return writer.sealed
}

@Suite("Bytes of stored failures") struct StoreBytesTests {
  @Test("Any choices come back from bytes, and replay the same value")
  func roundTrip() throws {
    let property = Property(everyKind) { _, _ in .pass }
    for failure in randomFailures(500) {
      let read = try StoredFailure(bytes: failure.bytes)
      #expect(read == failure)
      #expect(read.bytes == failure.bytes)
      let before = property.replay(failure.choices)
      let after = property.replay(read.choices)
      #expect(!after.isStale)
      #expect(before.choices == after.choices)
    }
  }

  @Test("The bytes of a small failure are pinned")
  func layout() throws {
    let choices = Property(Generator<Int>.integer(0...100)) { _, _ in .pass }
    let failure = StoredFailure(
      property: "M.S/t()", fingerprint: 1, key: FailureKey(law: "l"),
      choices: choices.replay(ChoiceSequence()).choices)
    let pinned: [UInt8] = [
      2, 0x74, 0xD2, 0xE5, 0x32, 0xF7, 0x42, 0x82, 0x90, 0x10, 0, 0, 0, 0, 0, 0, 1, 0x6C, 0, 0x10,
      0,
    ]
    #expect(Array(failure.bytes.dropLast(4)) == pinned)
  }

  @Test("A changed bit or a cut never crashes, and is always noticed")
  func damage() {
    for failure in randomFailures(5) {
      let bytes = failure.bytes
      for position in bytes.indices {
        var changed = bytes
        changed[position] ^= 1 << UInt8(position & 7)
        #expect(throws: StoredFailureError.self) { try StoredFailure(bytes: changed) }
        #expect(throws: StoredFailureError.self) {
          try StoredFailure(bytes: Array(bytes.prefix(position)))
        }
      }
    }
  }

  @Test("Hostile bytes under a good checksum are refused or read, without a crash")
  func hostile() {
    var random = RandomStream(seed: 3)
    let seeds = randomFailures(20).map { Array($0.bytes.dropLast(4)) }
    for round in 0..<4000 {
      var body = seeds[round % seeds.count]
      for _ in 0...random.position(below: 4) {
        body[1 + random.position(below: body.count - 1)] = UInt8(truncatingIfNeeded: random.next())
      }
      if let read = try? StoredFailure(bytes: sealed(body)) {
        _ = Property(everyKind) { _, _ in .pass }.replay(read.choices)
        _ = read.choices.isSimpler(than: read.choices)
        #expect((try? StoredFailure(bytes: read.bytes)) == read)
      }
    }
  }

  @Test("What is wrong is said by type")
  func errors() throws {
    let good = randomFailures(1)[0]
    #expect(throws: StoredFailureError.truncated(part: "the version")) {
      try StoredFailure(bytes: [])
    }
    #expect(throws: StoredFailureError.otherVersion(found: 9, expected: 2)) {
      try StoredFailure(bytes: [9] + good.bytes.dropFirst())
    }
    let huge = [UInt8](repeating: 2, count: StoredFailure.maximumBytes + 1)
    #expect(throws: StoredFailureError.tooLarge(bytes: huge.count, limit: huge.count - 1)) {
      try StoredFailure(bytes: huge)
    }
    // A count of choices far above the bytes that are left allocates nothing.
    var writer = BitWriter()
    writer.write(2, bytes: 1)
    writer.write(text: "")
    writer.write(0, bytes: 8)
    for _ in 0..<3 { writer.write(text: "") }
    writer.write(number: .max)
    #expect(throws: StoredFailureError.truncated(part: "the choices")) {
      try StoredFailure(bytes: writer.sealed)
    }
  }

  @Test("CRC-32 gives the published check value")
  func checksum() {
    #expect(crc32("123456789".utf8) == 0xCBF4_3926)
  }

  @Test("The fingerprint is that of the structure, not of the values")
  func fingerprint() {
    let small = Generator<Int>.integer(0...10)
    #expect(small.fingerprint == small.map { $0 * 2 }.fingerprint)
    #expect(small.fingerprint != Generator<Int>.integer(0...11).fingerprint)
    #expect(small.fingerprint != small.array().fingerprint)
  }
}
