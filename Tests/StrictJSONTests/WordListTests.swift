// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import StrictJSON
import Testing

@Suite struct WordListTests {
  private let laws = WordList(["keys", "round-trip", "round-trip-twice", "mtp-policy", "mtp-keys"])

  @Test(
    "A word is understood whatever its case and separators",
    arguments: [
      ("round-trip", "round-trip"), ("round_trip", "round-trip"), ("Round Trip", "round-trip"),
      ("MTP.policy", "mtp-policy"),
    ])
  func understood(text: String, word: String) {
    #expect(laws.meaning(of: text) == word)
  }

  @Test(
    "A text that means no word, or several, is not understood",
    arguments: [
      "", "_", "roundtrip", "round-trips", "mtp",
    ])
  func notUnderstood(text: String) {
    #expect(laws.meaning(of: text) == nil)
    #expect(WordList(["a-b", "a_b"]).meaning(of: "A b") == nil)
    #expect(WordList(["a-b", "a_b"]).meaning(of: "a_b") == "a_b")
  }

  @Test("Numbers keep their separators: 3-9 is not 39")
  func numbers() {
    #expect(WordList(["3-9", "10"]).meaning(of: "39") == nil)
    #expect(WordList(["3-9", "10"]).meaning(of: "3_9") == "3-9")
  }

  @Test(
    "The answer has the nearest words, and all words where none is near",
    arguments: [
      ("roundtrip", "did you mean 'round-trip'?"), ("rond_trip", "did you mean 'round-trip'?"),
      ("mtp", "did you mean 'mtp-policy' or 'mtp-keys'?"), ("kyes", "did you mean 'keys'?"),
      ("elements", "there are keys, round-trip, round-trip-twice, mtp-policy, mtp-keys"),
      ("", "there are keys, round-trip, round-trip-twice, mtp-policy, mtp-keys"),
    ])
  func answer(text: String, answer: String) {
    #expect(laws.answer(to: text) == answer)
  }

  @Test("An error expects the nearest words, and says how many there are")
  func expectation() {
    #expect(laws.expectation(for: "mtp") == "'mtp-policy' or 'mtp-keys', the nearest of 5")
    #expect(WordList(["a", "b"]).expectation(for: "z") == "one of a, b")
    #expect(WordList(["a"]).expectation(for: "z") == "'a'")
  }
}
