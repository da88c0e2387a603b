// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Digests
import Safetensors
import StrictJSON
import Tensors
import Testing

@Suite("hymt2 digest")
struct DigestCommandTests {
  /// The digests that a folder's tensors have as they are.
  private func digests(of path: String) throws -> [String: String] {
    let folder = try CheckpointFolder(path: path)
    let pairs = try folder.stateDict().map { ($0.name.text, "\(SHA256.hash($0.tensor.bytes))") }
    return Dictionary(pairs) { one, _ in one }
  }

  private func digests(in json: JSONValue?) throws -> [String: String] {
    let members = try #require(json?.objectValue).members
    return Dictionary(members.map { ($0.0, $0.1["sha256"]?.stringValue ?? "") }) { one, _ in one }
  }

  @Test("The digests are those of the tensors that convert writes, in both directions")
  func sameAsConvert() throws {
    let scratch = try Scratch()
    let tiny = try scratch.tiny()
    try convert("native", tiny, scratch["native"])
    let native = try digests(of: scratch["native"])
    let there = try Hymt2.run("digest", tiny, "--json", "--max-memory", "1KiB")
    there.expectSuccess()
    let json = try there.json()
    #expect(json["layout"] == "hy_v3" && json["to"] == "native" && json["algorithm"] == "sha256")
    #expect(try digests(in: json["digests"]) == native)
    let back = try Hymt2.run("digest", scratch["native"], "--to", "hf", "--json").json()
    let onDisk = try digests(of: tiny)
    #expect(try digests(in: back["digests"]) == onDisk)
    for (folder, form, expected) in [(tiny, "hf", onDisk), (scratch["native"], "native", native)] {
      let json = try Hymt2.run("digest", folder, "--to", form, "--json").json()
      #expect(try digests(in: json["digests"]) == expected, "\(form) as it is")
    }
  }

  @Test("The text has one line a tensor, as sha256sum writes them")
  func text() throws {
    let scratch = try Scratch()
    let tiny = try scratch.tiny()
    let outcome = try Hymt2.run("digest", tiny, "--to", "hf", "--exclude", "model.layers")
    outcome.expectSuccess()
    let onDisk = try digests(of: tiny)
    let kept = onDisk.keys.filter { !$0.hasPrefix("model.layers") }
    #expect(Set(outcome.outputLines) == Set(kept.map { "\(onDisk[$0] ?? "")  \($0)" }))
    #expect(outcome.outputLines.count == 3)
  }

  @Test("Each rank has the digests of the folder that convert writes for it")
  func ranks() throws {
    let scratch = try Scratch()
    let tiny = try scratch.tiny()
    let all = try Hymt2.run("digest", tiny, "--ep-size", "3", "--json").json()
    let ranks = try #require(all["ranks"]?.arrayValue)
    #expect(ranks.count == 3)
    for (rank, json) in ranks.enumerated() {
      try convert(
        "native", tiny, scratch["rank\(rank)"], "--ep-rank", "\(rank)", "--ep-size", "3")
      #expect(try digests(in: json["digests"]) == digests(of: scratch["rank\(rank)"]), "\(rank)")
      let alone = try Hymt2.run(
        "digest", tiny, "--ep-rank", "\(rank)", "--ep-size", "3", "--json"
      ).json()
      #expect(alone["epRank"] == JSONValue(rank))
      #expect(alone["digests"] == json["digests"])
    }
    let text = try Hymt2.run("digest", tiny, "--ep-size", "3")
    #expect(text.outputLines.filter { $0.hasPrefix("# ") } == (0..<3).map { "# rank \($0) of 3" })
  }

  @Test("Ranks of a folder that needs no conversion are refused")
  func refusal() throws {
    let scratch = try Scratch()
    let outcome = try Hymt2.run("digest", scratch.tiny(), "--to", "hf", "--ep-size", "2")
    outcome.expectFailure(
      naming: "expected a folder that --to hf converts", "found one in that form")
    #expect(try Hymt2.run("digest", scratch["tiny"], "--ep-rank", "1").status == 64)
    #expect(try Hymt2.run("digest", scratch["tiny"], "--exclude", "x").status == 64)
  }
}
