// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts
import StrictJSON
import Tensors
import Testing

@Suite("Names of published models against their layouts")
struct NamesTests {
  /// A published model and the names that its index has.
  struct Model: Sendable, CustomTestStringConvertible {
    let file: String
    let json: JSONValue
    let config: ModelConfig
    let tensors: [ListedTensor]

    init(_ file: String) throws {
      try self.init(file, Repository.json("Generators/configs/\(file)"))
    }

    private init(_ file: String, _ json: JSONValue) throws {
      self.file = file
      self.json = json
      config = try ModelConfig(json: json)
      tensors = try config.listing()
    }

    var testDescription: String { file }
    var names: [TensorName] { tensors.map(\.info.name) }
    var isSplit: Bool { config.layout.tensors.contains { $0.isOfExperts && $0.name.hasExpert } }
    func rule(_ tensor: ListedTensor) -> TensorRule { config.layout.tensors[tensor.rule] }
    func isOfExperts(_ tensor: ListedTensor) -> Bool {
      rule(tensor).isOfExperts && rule(tensor).part != nil
    }
    func layer(_ number: Int) -> String {
      config.layout.start(ofLayer: number, under: config.layout.prefixes[0])
    }
    /// The last layer that has experts and none after it.
    var lastLayer: Int { config.hiddenLayerCount - 1 }
    var firstSparse: Int { config.layerKinds.firstIndex(of: .sparse) ?? 0 }

    /// The names after a change of each; nil leaves one out.
    func edit(_ change: (ListedTensor) -> [String]) -> [TensorName] {
      var seen: Set<TensorName> = []
      return tensors.flatMap { change($0).map { TensorName($0) } }.filter {
        seen.insert($0).inserted
      }
    }

    private static let published = Result {
      try PublishedConfigTests.Figures.all().map { try Model($0.file) }
    }

    static func all() throws -> [Model] { try published.get() }

    private static let distinct = Result {
      let models = try all().sorted { ($0.tensors.count, $0.file) < ($1.tensors.count, $1.file) }
      var seen: Set<String> = []
      return try models.filter { seen.insert($0.config.layout.name).inserted }.map {
        $0.tensors.count > 20_000 ? try $0.withFewExperts() : $0
      }
    }

    /// The smallest model of each layout, those with very many tensors with 16 experts.
    static func ofEachLayout() throws -> [Model] { try distinct.get() }

    private func withFewExperts() throws -> Model {
      let layout = config.layout
      let position = try #require(layout.position(of: .experts))
      func setting(_ value: JSONValue?, at path: [String]) -> JSONValue {
        guard let name = path.first else { return 16 }
        var object = value?.objectValue ?? JSONObject()
        object[name] = setting(object[name], at: Array(path.dropFirst()))
        return .object(object)
      }
      return try Model(
        file, setting(json, at: layout.configRoot + [layout.sizes[position].field]))
    }
  }

  @Test("The names of every published model fit", arguments: try Model.all())
  func fits(_ model: Model) throws {
    let report = model.config.check(names: model.names.reversed())
    #expect(report.fits, "\(report.causes.map(\.sentence))")
    #expect(report.count == report.expectedCount && report.expectedCount == model.tensors.count)
    #expect(report.missing.isEmpty && report.surplus.isEmpty && report.others.isEmpty)
  }

  /// A change of what is on disk, and how it must be called.
  struct Change: Sendable, CustomTestStringConvertible {
    let name: String
    let code: NamesReport.Cause.Code
    /// What the sentence must have.
    let words: [String]
    /// The names on disk, nil of models to which the change does not apply.
    let apply: @Sendable (Model) -> [TensorName]?

    init(
      _ name: String, _ code: NamesReport.Cause.Code, _ words: String...,
      apply: @escaping @Sendable (Model) -> [TensorName]?
    ) {
      (self.name, self.code, self.words, self.apply) = (name, code, words, apply)
    }

    var testDescription: String { name }
  }

  @Test(
    "Each change of the layout on disk is noticed and called by its name", arguments: Change.all)
  func noticed(_ change: Change) throws {
    var count = 0
    for model in try Model.ofEachLayout() {
      guard let names = change.apply(model) else { continue }
      count += 1
      let report = model.config.check(names: names)
      let sentences = report.causes.map { "\($0.code.rawValue): \($0.sentence)" }
      #expect(report.causes.first?.code == change.code, "\(model.file): \(sentences)")
      #expect(report.causes.count == 1, "\(model.file): \(sentences)")
      for word in change.words {
        #expect(
          report.causes.first?.sentence.contains(word) == true,
          "\(model.file): no '\(word)' in \(sentences)")
      }
      // The reasons account for every name that differs.
      let explained = Set(report.causes.flatMap(\.keys))
      #expect(
        (report.missing + report.surplus).allSatisfy(explained.contains) || change.code == .prefix,
        "\(model.file)")
    }
    #expect(count > 0)
  }

  @Test("A model whose names are another known layout's is said to have that layout")
  func otherLayout() throws {
    let model = try Model("qwen3-30b-a3b.json")
    let minimax = try #require(Layout.known("minimax_m2"))
    var json = try #require(model.json.objectValue)
    json["model_type"] = "minimax_m2"
    json["num_local_experts"] = json["num_experts"]
    let other = try ModelConfig(json: .object(json), layout: minimax)
    let report = model.config.check(
      names: try other.listing().map(\.info.name), others: { [other] })
    #expect(report.fitting == ["minimax_m2"])
    #expect(!report.fits)
    #expect(model.config.check(names: model.names.dropLast(), others: { [other] }).fitting == [])
  }

  @Test("Scales that the layout knows and a vision tower are counted and no fault")
  func companionsAndOthers() throws {
    let model = try Model("hy-mt2-30b-a3b.json")
    let scaled = model.edit { tensor in
      let name = tensor.info.name.text
      return [name]
        + (model.isOfExperts(tensor) ? [name.replacing(".weight", with: ".weight_scale")] : [])
    }
    let report = model.config.check(names: scaled + ["vision_tower.blocks.0.proj.weight"])
    #expect(report.fits, "\(report.causes.map(\.sentence))")
    #expect(report.companions.map(\.suffix) == ["weight_scale"])
    #expect(report.companions.map(\.count) == [47 * 128 * 3])
    #expect(report.others.map(\.start) == ["vision_tower.blocks"])
  }

  @Test("The census has a line for each range of layers that are alike")
  func census() throws {
    let model = try Model("hy-mt2-30b-a3b.json")
    let gone = "\(model.layer(7))mlp.experts.5.down_proj.weight"
    let report = model.config.check(names: model.names.filter { $0.text != gone })
    #expect(
      report.census.map { $0.layers.map { "\($0.lowerBound)-\($0.upperBound)" } ?? "outside" } == [
        "outside", "0-0", "1-6", "7-7", "8-47",
      ])
    #expect(report.census.map(\.missing) == [0, 0, 0, 1, 0])
    #expect(
      report.causes.map(\.sentence) == [
        "'mlp.experts.{e}.down_proj.weight' is missing of expert 5 in layer 7"
      ])
  }
}
