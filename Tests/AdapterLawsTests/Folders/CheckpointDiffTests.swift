// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import CheckpointGenerators
import Layouts
import Tensors
import Testing

@Suite("Differences between two checkpoints")
struct CheckpointDiffTests {
  /// Three decoder layers, the first dense, and a prediction layer; 12 experts.
  static let config = Result {
    try ModelConfig(
      vocabularySize: 9, hiddenSize: 6, denseIntermediateSize: 5, moeIntermediateSize: 6,
      expertCount: 12, layerKinds: [.dense, .sparse, .sparse], mtpLayerCount: 1,
      attentionHeadCount: 2, keyValueHeadCount: 1, headSize: 4)
  }

  static func checkpoint(_ config: ModelConfig) throws -> StateDict {
    // Types that loading forces are those of the file, which native form would not tell otherwise.
    let (layout, listing) = (config.layout, try config.listing())
    let made = try StateDict(
      listing.map { listed in
        let own = layout.loaded(listed.info.dtype, asked: .bf16)
        let type = layout.tensors[listed.rule].loadedType ?? own
        return (
          listed.info.name,
          try SyntheticTensor.make(TensorInfo(listed.info.name, type, listed.info.shape))
        )
      })
    // So are zeros that it has no place for.
    let planner = AdapterPlanner(config, AdapterOptions(mtpPolicy: .preserve))
    let plan = try planner.fromHF(made.infos)
    var kept: [TensorName: Int] = [:]
    for (source, reason) in plan.omissions where reason == .padding {
      let move = try #require(plan.moves.first { $0.source == source })
      kept[plan.sources[source].name] = move.sourceRegion.elementCount
    }
    return try StateDict(
      made.map { name, tensor in
        guard let count = kept[name] else { return (name, tensor) }
        return (
          name, try Tensor(tensor.dtype, tensor.shape) { $0 < count ? tensor.bits(at: $0) : 0 }
        )
      })
  }

  static func side(_ checkpoint: StateDict) -> CheckpointDiff.Side {
    let tensors = checkpoint.tensors
    return CheckpointDiff.Side(OnDiskView(onDisk: checkpoint.infos)) { tensors[$0] }
  }

  static func diff(_ one: StateDict, _ other: StateDict, _ config: ModelConfig) throws
    -> CheckpointDiff
  {
    try CheckpointDiff(side(one), side(other), config)
  }

  /// A change of a checkpoint and what must be said of it.
  struct Change: Sendable, CustomTestStringConvertible {
    let name: String
    /// All sentences, of which each is given by its beginning.
    let sentences: [String]
    let apply: @Sendable (inout [TensorName: Tensor]) throws -> Void

    init(
      _ name: String, _ sentences: String...,
      apply: @escaping @Sendable (inout [TensorName: Tensor]) throws -> Void
    ) {
      (self.name, self.sentences, self.apply) = (name, sentences, apply)
    }

    var testDescription: String { name }

    /// A change of which tensor stands under which name.
    static func moving(
      _ name: String, _ sentence: String, _ origin: @escaping @Sendable (String) -> String
    ) -> Change {
      Change(name, sentence) { tensors in
        let before = tensors
        for key in before.keys { tensors[key] = before[TensorName(origin(key.text))] }
      }
    }

    /// A change of the tensors whose names end in a text.
    static func each(
      _ name: String, _ end: String, _ sentence: String,
      _ change: @escaping @Sendable (Tensor) throws -> Tensor?
    ) -> Change {
      Change(name, sentence) { tensors in
        for (key, tensor) in tensors where key.text.hasSuffix(end) {
          tensors[key] = try change(tensor)
        }
      }
    }
  }

  @Test("Each change is told in the words of the diagnosis", arguments: changes)
  func told(_ change: Change) throws {
    let config = try Self.config.get()
    let one = try Self.checkpoint(config)
    var tensors = Dictionary(one.map { ($0.name, $0.tensor) }) { one, _ in one }
    try change.apply(&tensors)
    let other = try StateDict(tensors.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
    let diff = try Self.diff(one, other, config)
    #expect(!diff.isEmpty)
    let found = diff.findings.map(\.sentence)
    #expect(found.count == change.sentences.count && diff.otherFindings == 0, "\(found)")
    for (sentence, start) in zip(found, change.sentences) {
      #expect(sentence.hasPrefix(start), "'\(sentence)' begins otherwise than '\(start)'")
    }
  }

  @Test("Equal checkpoints have no difference, in whatever order their tensors are")
  func equal() throws {
    let config = try Self.config.get()
    let one = try Self.checkpoint(config)
    let reversed = try StateDict(one.reversed().map { ($0.name, $0.tensor) })
    let diff = try Self.diff(one, reversed, config)
    #expect(diff.isEmpty && diff.findings.isEmpty && diff.shown == nil)
    #expect(diff.commonCount == one.count)
  }

  @Test("Changed elements are counted, bounded, and measured in units in the last place")
  func elements() throws {
    let config = try Self.config.get()
    let one = try Self.checkpoint(config)
    let head = try #require(one["lm_head.weight"])
    let changed = try Tensor(head.dtype, head.shape) { place in
      head.bits(at: place) ^ (place == 6 * 2 + 1 ? 1 : place == 6 * 4 + 3 ? 2 : 0)
    }
    let other = try StateDict(
      one.map { ($0.name, $0.name == "lm_head.weight" ? changed : $0.tensor) })
    let difference = try #require(try Self.diff(one, other, config).differences.first)
    #expect(difference.name == "lm_head.weight" && difference.kind == .elements)
    #expect(difference.count == 2 && difference.bounds == [2..<5, 1..<4] && difference.ulps == 2)
    #expect(difference.first.map(\.index) == [[2, 1], [4, 3]])
    #expect(
      difference.summary
        == "2 of 54 elements (3.8%) differ in [2..<5, 1..<4], at most 2 ulps")
  }

  @Test("A cast that loses nothing is told from one that does")
  func casts() throws {
    let config = try Self.config.get()
    let one = try Self.checkpoint(config)
    func cast(_ tensor: Tensor, to dtype: DType) throws -> Tensor {
      let cast = try Cast(from: tensor.dtype, to: dtype)
      return try Tensor(dtype, tensor.shape) { cast(bits: tensor.bits(at: $0)) }
    }
    func changed(_ base: StateDict, to dtype: DType) throws -> StateDict {
      try StateDict(
        base.map {
          ($0.name, $0.name == "lm_head.weight" ? try cast($0.tensor, to: dtype) : $0.tensor)
        })
    }
    let wide = try changed(one, to: .f32)
    let widened = try #require(try Self.diff(one, wide, config).differences.first)
    #expect(widened.kind == .dtype && widened.count == 0 && widened.lossy == 0)
    #expect(widened.summary == "BF16 became F32, without loss")
    let fine = try StateDict(
      wide.map { name, tensor in
        guard name == "lm_head.weight" else { return (name, tensor) }
        return (
          name,
          try Tensor(.f32, tensor.shape) { $0 < 5 ? tensor.bits(at: $0) | 1 : tensor.bits(at: $0) }
        )
      })
    let narrowed = try #require(
      try Self.diff(fine, changed(fine, to: .bf16), config).differences.first)
    #expect(narrowed.count == 0)
    #expect((4...5).contains(narrowed.lossy ?? 0), "\(narrowed.summary)")
  }

  @Test(
    "Native form and what is on disk are the same, of every layout", arguments: Layout.knownNames)
  func native(_ name: String) throws {
    for native in try Layout.named(name).natives {
      let spec = try LayoutSample.spec(name, experts: 5, mtp: 0)
      let json = try ModelConfig(
        json: spec.config.json, layout: Layout.named(name, native: native))
      let onDisk = try Self.checkpoint(json)
      let planner = AdapterPlanner(json, AdapterOptions(mtpPolicy: .preserve))
      let form = try StateDictAdapter(
        config: json, options: AdapterOptions(mtpPolicy: .preserve)
      ).fromHF(onDisk)
      #expect(
        planner.nativeSurplus(of: onDisk.infos) <= 0 && planner.nativeSurplus(of: form.infos) >= 0)
      let tensors = form.tensors
      let side = CheckpointDiff.Side(try OnDiskView(native: form.infos, planner)) { tensors[$0] }
      let diff = try CheckpointDiff(Self.side(onDisk), side, json)
      #expect(diff.isEmpty, "\(native): \(diff.findings.map(\.sentence))")
      #expect(diff.commonCount == onDisk.count)
    }
  }

  @Test("Two layouts of one model are compared through their native form")
  func layouts() throws {
    let thinker = try LayoutSample.spec("qwen3_omni_moe", hasFlags: false).config
    let whole = try ModelConfig(
      Layout.named("qwen3_moe"),
      sizes: Dictionary(
        uniqueKeysWithValues: zip(thinker.layout.sizes.map(\.symbol), thinker.sizes)),
      layerKinds: thinker.layerKinds)
    let (one, other) = (try Self.checkpoint(thinker), try Self.checkpoint(whole))
    let tensors = try StateDict(
      zip(one.infos, other.infos).map { ($1.name, try #require(one[$0.name])) })
    try #require(one.infos.map(\.shape) == tensors.infos.map(\.shape))
    let planners = (AdapterPlanner(thinker), AdapterPlanner(whole))
    func diff(_ other: StateDict) throws -> CheckpointDiff {
      let list = other.tensors
      let side = CheckpointDiff.Side(
        try OnDiskView(other.infos, of: planners.1, by: planners.0)
      ) { list[$0] }
      return try CheckpointDiff(Self.side(one), side, thinker)
    }
    let same = try diff(tensors)
    #expect(same.isEmpty, "\(same.findings.map(\.sentence))")
    #expect(same.commonCount == one.count && one.count > 0)
    let (a, b) = (TensorName("lm_head.weight"), TensorName("model.embed_tokens.weight"))
    let exchanged = try StateDict(
      tensors.map { name, tensor in
        (name, try #require(name == a ? tensors[b] : name == b ? tensors[a] : tensor))
      })
    let found = try diff(exchanged)
    #expect(found.differences.count == 2)
    #expect(found.findings.map(\.sentence) == ["lm_head and embed_tokens are exchanged"])
  }

  @Test(
    "What a rank holds is compared with a whole checkpoint's share, of every layout",
    arguments: Layout.knownNames)
  func rank(_ name: String) throws {
    let config = try LayoutSample.spec(name, experts: 5, mtp: 0).config
    let options = AdapterOptions(mtpPolicy: .preserve)
    let onDisk = try Self.checkpoint(config)
    let adapter = StateDictAdapter(config: config, options: options)
    for number in 0..<2 {
      let rank = try ExpertParallelism(rank: number, size: 2)
      let own = rank.experts(of: 5)
      let native = try adapter.fromHF(onDisk, expertParallelism: rank)
      func side(_ tensors: StateDict) throws -> CheckpointDiff.Side {
        let list = tensors.tensors
        return CheckpointDiff.Side(
          try OnDiskView(native: tensors.infos, adapter.planner, rank), of: rank
        ) { list[$0] }
      }
      for diff in [
        try CheckpointDiff(Self.side(onDisk), side(native), config),
        try CheckpointDiff(side(native), Self.side(onDisk), config),
      ] {
        #expect(
          diff.differences.isEmpty && diff.missing.isEmpty && diff.surplus.isEmpty,
          "rank \(number): \(diff.findings.map(\.sentence))")
        #expect(diff.commonCount > 0)
      }
      let reversed = try StateDict(
        native.map { name, tensor in
          guard name.text.contains(".experts.") || name.text.contains(".moe."),
            tensor.shape.rank > 1, tensor.shape[0] == own.count
          else { return (name, tensor) }
          let size = tensor.shape.elementCount / own.count
          return (
            name,
            try Tensor(tensor.dtype, tensor.shape) {
              tensor.bits(at: (own.count - 1 - $0 / size) * size + $0 % size)
            }
          )
        })
      // Ranks of some layouts hold all experts.
      guard reversed != native else { continue }
      let found = try CheckpointDiff(Self.side(onDisk), side(reversed), config)
      let sentences = found.findings.map(\.sentence)
      #expect(!found.isEmpty && found.otherFindings == 0, "\(sentences)")
      for sentence in sentences {
        #expect(
          sentence.contains("on rank \(number) of 2")
            && (sentence.contains("experts are exchanged")
              || sentence.contains("experts are in reverse order")),
          "\(sentence)")
      }
    }
  }
}
