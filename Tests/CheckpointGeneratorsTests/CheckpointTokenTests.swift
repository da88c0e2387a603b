// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import PropertyEngine
import Tensors
import Testing

@testable import CheckpointGenerators

@Suite("The token of a checkpoint")
struct CheckpointTokenTests {
  private static func space(_ layout: Layout) -> CheckpointSpace {
    CheckpointSpace(layout: layout, faultKinds: CheckpointFaultCatalogue.all.count)
  }

  private static func drawn(_ layout: Layout, count: UInt64) -> [CheckpointSpec] {
    let generator = Generator<CheckpointSpec>.checkpoints(space(layout))
    return (0..<count).compactMap { generator.numbered($0, seed: 4)?.value }
  }

  /// The checkpoint with the faults that are made, in place of those that gave way to them.
  private static func settled(_ spec: CheckpointSpec) -> CheckpointSpec {
    var spec = spec
    spec.faults = FaultList.made(in: spec)
    return spec
  }

  @Test("Every generated checkpoint is read back from its token", arguments: Layout.knownNames)
  func roundTrip(_ name: String) throws {
    let layout = try Layout.named(name)
    var wrong: [String] = []
    for spec in Self.drawn(layout, count: 40) {
      let token = spec.token
      let isSafe = token.utf8.allSatisfy { byte in
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-:=,./+@".utf8.contains(
          byte)
      }
      if !isSafe { wrong.append(token) }
      do {
        if try CheckpointSpec(token: token) != Self.settled(spec) { wrong.append(token) }
      } catch {
        wrong.append("\(token): \(error)")
      }
    }
    #expect(wrong == [])
  }

  @Test("Choices are found that make a checkpoint", arguments: Layout.knownNames)
  func choices(_ name: String) throws {
    let layout = try Layout.named(name)
    let space = Self.space(layout)
    let property = Property(Generator<CheckpointSpec>.checkpoints(space)) { _, _ in .pass }
    var wrong: [String] = []
    for spec in Self.drawn(layout, count: 5) {
      let made = space.choices(of: spec).map { property.replay($0).value }
      if made != spec { wrong.append(spec.token) }
    }
    #expect(wrong == [])
  }

  @Test("A checkpoint that one can write and none is drawn like has no choices")
  func unreached() throws {
    for words in ["num_experts=150", "num_experts=300", "hidden_size=1000", "vocab_size=90"] {
      let spec = try CheckpointSpec(token: "c1:hy_v3:\(words)")
      #expect(Self.space(.usual).choices(of: spec) == nil, "\(words)")
    }
  }

  @Test("A token names what is not plain, in words that one can write")
  func words() throws {
    #expect(CheckpointSpec.plainest.token == "c1:hy_v3")
    let text = "c1:hy_v3:num_experts=5,hidden_size=3,layers=d2s,mtp=drop,ep=1/3,order=shuffled@17"
    let spec = try CheckpointSpec(token: text)
    #expect(spec.config.expertCount == 5 && spec.config.hiddenSize == 3)
    #expect(spec.config.layerKinds == [.dense, .sparse, .sparse])
    #expect(spec.parallelism == (try ExpertParallelism(rank: 1, size: 3)))
    #expect(spec.keyOrder == .shuffled(17) && spec.options.mtpPolicy == .drop)
    #expect(try CheckpointSpec(token: spec.token) == spec)
  }

  @Test("Another native form is named; a table of one's own is read by its name")
  func layouts() throws {
    let other = try Layout.named("hy_v3", native: "transformers")
    #expect(CheckpointSpec.plainest(of: other).token == "c1:hy_v3/transformers")
    #expect(try CheckpointSpec(token: "c1:hy_v3/transformers").config.layout == other)
    let own = try Layout(text: other.text, name: "mine")
    let spec = try CheckpointSpec(token: "c1:mine:hidden_size=2", layout: own)
    #expect(spec.config.layout == own && spec.config.hiddenSize == 2)
    let error = #expect(throws: CheckpointTokenError.self) { try CheckpointSpec(token: "c1:mine") }
    #expect(error?.concernsLayout == true)
  }

  @Test(
    "What is no checkpoint is refused and says why",
    arguments: [
      ("p2_abc", "begins with 'c1:'"), ("c1:", "the layout"), ("c1:hy_v9", "the layout"),
      ("c1:hy_v3/torch", "the layout"), ("c1:hy_v3:size=2", "'size'"),
      ("c1:hy_v3:ep=0/2,ep=1/2", "'ep'"), ("c1:hy_v3:ep=2/2", "'ep'"),
      ("c1:hy_v3:hidden_size=02", "'hidden_size'"), ("c1:hy_v3:hidden_size=0", "hidden_size"),
      ("c1:hy_v3:hidden_size=99999999999999999999", "hidden_size"),
      ("c1:hy_v3:layers=99999s", "'layers'"), ("c1:hy_v3:layers=", "layers"),
      ("c1:hy_v3:exclude=one-expert@7", "exclusion of what there is"),
      ("c1:hy_v3:exclude=layer@18446744073709551615", "exclusion of what there is"),
      ("c1:hy_v3:lora=perExpert@0", "LoRA rank"), ("c1:hy_v3:order=sharded@0", "shards"),
      ("c1:hy_v3:hidden_size=262144,moe_intermediate_size=262144", "bytes"),
      ("c1:hy_v3:num_experts=16384,layers=64s", "experts"),
      ("c1:hy_v3:scales=true", "expert type"), ("c1:gpt_oss:experts=f8e4m3,scales=true", "gpt_oss"),
      ("c1:hy_v3:experts=i32", "expert type"), ("c1:gpt_oss:lora=perExpert@1", "gpt_oss"),
      ("c1:hy_v3:fault=nothing", "'fault'"),
      ("c1:hy_v3:fault=empty+empty+empty", "'fault'"), ("c1:hy_v3:contents=iota@1", "'contents'"),
    ])
  func refused(_ text: String, _ words: String) {
    let error = #expect(throws: CheckpointTokenError.self) { try CheckpointSpec(token: text) }
    #expect("\(String(describing: error))".contains(words), "\(text): \(String(describing: error))")
  }

  @Test("No text stops the reader")
  func garbage() {
    let seeds = Self.drawn(.usual, count: 12).map(\.token)
    var state: UInt64 = 7
    for round in 0..<200 {
      var bytes = Array(seeds[round % seeds.count].utf8)
      for _ in 0...round % 3 {
        let place = Int(splitMix(&state) % UInt64(bytes.count))
        let byte = Array("0123456789-+@=,:/.dsx".utf8)[Int(splitMix(&state) % 21)]
        if splitMix(&state) % 2 == 0 { bytes[place] = byte } else { bytes.insert(byte, at: place) }
      }
      let text = String(decoding: bytes, as: UTF8.self)
      if let spec = try? CheckpointSpec(token: text) {
        #expect((try? CheckpointSpec(token: spec.token)) != nil, "\(text)")
      }
    }
  }
}
