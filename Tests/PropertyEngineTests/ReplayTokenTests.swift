// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Testing

@testable import PropertyEngine

/// One choice of each kind, drawn by a generator.
let everyKind = zip(
  Generator<Int8>.integer(), Generator<UInt64>.integer(), .boolean(), Generator<Float>.float(),
  Generator<UInt64>.bits(of: .float8E4M3), .ascii(), Generator<Int>.integer(3...9).array())

/// Failures with the choices of random cases.
func randomFailures(_ count: Int) -> [ReplayToken] {
  let source = Source()
  return (0..<count).map { index in
    source.begin(
      tail: .random, limit: 1000, random: RandomStream(seed: 5, index: UInt64(index)))
    _ = everyKind.draw(source)
    return ReplayToken(
      property: "Module.Suite/test()", fingerprint: UInt64(index) &* 0x9E37_79B9_7F4A_7C15,
      choices: source.sequence)
  }
}

@Suite("Replay tokens") struct ReplayTokenTests {
  private let property = Property(everyKind) { _, _ in .pass }

  private func choices(_ bytes: [UInt8]) throws -> ChoiceSequence {
    var reader = BitReader(bytes[...])
    return try reader.choices()
  }

  @Test("Any choices come back from a text, replay the same value, and give the same text again")
  func roundTrip() throws {
    for token in randomFailures(500) {
      let read = try ReplayToken(text: token.text)
      #expect(read == token)
      #expect(read.text == token.text)
      let replay = property.replay(read.choices)
      #expect(!replay.isStale)
      #expect(replay.choices.encoded == token.choices.encoded)
      // With the constraints that were read the choices can be stored as well.
      let copy = try choices(read.choices.encoded)
      #expect(copy == token.choices)
    }
  }

  @Test("Edges of every kind come back")
  func edges() throws {
    let integers: [Int64] = [0, 1, 7, 8, -1, -8, -9, .max, .min]
    let unsigned: [UInt64] = [0, 1 << 63, (1 << 63) - 1, .max]
    let floats = [0, -0.0, 1, 0.1, .infinity, .leastNonzeroMagnitude, .signalingNaN]
    var sequence = ChoiceSequence()
    let append = { (sequence: inout ChoiceSequence, constraint: Constraint, bits: UInt64) in
      sequence.choices.append(Choice(constraint: constraint, bits: bits, isForced: false))
    }
    for number in integers {
      append(&sequence, .integer(Int64.min...Int64.max), UInt64(bitPattern: number))
    }
    for number in unsigned { append(&sequence, .integer(UInt64.min...UInt64.max), number) }
    let anyFloat = Constraint.float(
      .double, lower: (-Double.infinity).bitPattern, upper: Double.infinity.bitPattern,
      classes: .all)
    for number in floats { append(&sequence, anyFloat, number.bitPattern) }
    let read = try ReplayToken(
      text: ReplayToken(property: "p", fingerprint: 1, choices: sequence).text)
    #expect(read.choices == sequence)
    let empty = ReplayToken(property: "", fingerprint: 0, choices: ChoiceSequence())
    #expect(try ReplayToken(text: empty.text) == empty)
  }

  @Test("Each kind is written as the table says")
  func layout() throws {
    let bits =
      "0110 101 100 00101 1100000 010000001 1110 110100 1111111111110001"
      .filter { $0 != " " }
    let padded = Array(bits + String(repeating: "0", count: 7))
    let bytes = stride(from: 0, to: bits.count, by: 8).compactMap {
      UInt8(String(padded[$0..<($0 + 8)]), radix: 2)
    }
    let sequence = try choices(bytes)
    #expect(sequence.description == "T,F,5,-1,8,0x3ff0000000000000")
    #expect(sequence.encoded == bytes)
  }

  @Test("The text of a small case is pinned, and one of 35 small integers is below 90 characters")
  func length() throws {
    let text = ReplayToken(
      property: "M.S/t()", fingerprint: 1,
      choices: Property(Generator<Int>.integer(0...100)) { _, _ in .pass }
        .replay(ChoiceSequence()).choices
    ).text
    #expect(text == "p2_SRdOwgEAAAAQAC30j68")
    // Where the length is a choice, each element has a coin too: 35 choices are 17 elements.
    let list = Generator<Int>.integer(0...100).array(count: 17...40)
    let lengths = (UInt64(0)..<20).map { seed -> (flat: Int, nested: Int) in
      let source = Source()
      source.begin(tail: .random, limit: 100, random: RandomStream(seed: seed))
      for _ in 0..<35 { _ = source.draw(.integer(0...100)) }
      let flat = ReplayToken(property: "of any length", fingerprint: 1, choices: source.sequence)
      source.begin(tail: .random, limit: 100, random: RandomStream(seed: seed))
      _ = list.draw(source)
      var seventeen = ChoiceSequence()
      seventeen.append(contentsOf: 0..<35, of: source.sequence)
      let nested = ReplayToken(property: "of any length", fingerprint: 1, choices: seventeen)
      return (flat: flat.text.utf8.count, nested: nested.text.utf8.count)
    }
    let longest = (lengths.map(\.flat).max() ?? 0, lengths.map(\.nested).max() ?? 0)
    #expect(longest.0 < 90 && longest.1 < 70, "\(longest)")
  }

  @Test("A token knows its property and generator")
  func matches() throws {
    let generator = Generator<Int>.integer(0...100)
    let token = try ReplayToken(
      text: ReplayToken(
        property: "a", fingerprint: generator.fingerprint, choices: ChoiceSequence()
      ).text)
    let other = Generator<Int>.integer(0...101).fingerprint
    #expect(token.matches(property: "a", fingerprint: generator.fingerprint))
    #expect(token.belongs(to: "a") && !token.matches(property: "a", fingerprint: other))
    #expect(!token.matches(property: "b", fingerprint: generator.fingerprint))
  }

  @Test("Bare choices replay as stored failures of a run")
  func replays() throws {
    let failing = Property(Generator<Int>.integer().array()) { list, _ in
      .holds(list.reduce(0, &+) < 1000)
    }
    let finding = try #require(failing.run(Settings(examples: 500)).counterexamples.first)
    let choices = try #require(finding.choices)
    let token = ReplayToken(
      property: "", fingerprint: failing.generator.fingerprint, choices: choices)
    var settings = Settings(examples: 5)
    settings.replays = [try ReplayToken(text: token.text).choices]
    let report = failing.run(settings)
    #expect(report.replays == [.fails(FailureKey(law: "property"))])
    #expect(report.counterexamples.first?.choices == choices)
  }

  @Test("A changed character or a cut never crashes, and is always noticed")
  func damage() {
    for failure in randomFailures(5) {
      let text = ReplayToken(property: "p", fingerprint: 1, choices: failure.choices).text
      let characters = Array(text)
      // The last character may hold bits that belong to no byte.
      for position in characters.indices.dropLast() {
        var changed = characters
        changed[position] = changed[position] == "A" ? "B" : "A"
        #expect(throws: ReplayTokenError.self) { try ReplayToken(text: String(changed)) }
        #expect(throws: ReplayTokenError.self) {
          try ReplayToken(text: String(characters.prefix(position)))
        }
      }
    }
  }

  @Test("Hostile bytes under a good checksum are refused or read, and have one text only")
  func hostile() {
    var random = RandomStream(seed: 4)
    let seeds = randomFailures(20).map { $0.choices.encoded }
    var readable = 0
    for round in 0..<6000 {
      var body = seeds[round % seeds.count]
      for _ in 0...random.position(below: 3) {
        body[random.position(below: body.count)] = UInt8(truncatingIfNeeded: random.next())
      }
      if round % 3 == 0 { body = body.prefix(random.position(below: 20)) + [0] }
      guard let read = try? choices(body) else { continue }
      readable += 1
      _ = property.replay(read)
      #expect(read.encoded == body)
    }
    #expect(readable > 20)
  }

  @Test("What is wrong is said by type")
  func errors() {
    #expect(throws: ReplayTokenError.notAToken) { try ReplayToken(text: "p3_AAAA") }
    #expect(throws: ReplayTokenError.invalidCharacter(offset: 4)) {
      try ReplayToken(text: "p2_A+")
    }
    #expect(throws: ReplayTokenError.truncated(part: "the choices")) {
      try ReplayToken(text: "p2_")
    }
    let long = "p2_" + String(repeating: "A", count: 100_000)
    let limit = ReplayToken.maximumTextBytes
    #expect(throws: ReplayTokenError.tooLarge(bytes: 100_003, limit: limit)) {
      try ReplayToken(text: long)
    }
    // A count of choices far above the bits that are left allocates nothing.
    var writer = BitWriter()
    writer.write(number: .max)
    #expect(throws: ReplayTokenError.truncated(part: "the choices")) {
      try choices(writer.bytes)
    }
    #expect(throws: ReplayTokenError.trailingBytes(1)) {
      try choices([0, 0])
    }
    // Zero written with two groups.
    #expect(throws: ReplayTokenError.invalid(part: "the choices")) {
      try choices([0x80])
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
