// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import CLayouts
public import StrictJSON

/// transformers' own table: the rules by which it converts checkpoints of models that we have a table of, and
/// what a small model of each holds.
///
/// `Generators/python/tools/import_transformers_mapping.py` writes the file.
public struct TransformersMapping: Sendable {
  /// The version of transformers.
  public let version: String
  private let entries: JSONField
  let models: [Model]
  let reviews: [MappingReview]

  /// A small model of transformers.
  struct Model: Sendable {
    let className: String
    let config: JSONValue
    let modelType: String
    /// What names of its tensors begin with, or not.
    let prefix: String
    /// The entries of the mapping, each with the module that it is of.
    let entries: [(name: String, module: String?)]
    /// The shapes of its tensors, in its order.
    let tensors: [(name: String, shape: [Int])]
  }

  /// Reads the files that are part of the program.
  ///
  /// - Throws: `JSONFieldError` that says where a file is not what it should be.
  public init() throws(JSONFieldError) {
    try self.init(texts: Self.texts)
  }

  /// The texts of the mapping and of the explanations.
  package static var texts: [String] {
    (0..<2).map { position in
      // Both files are constants of the program.
      guard let file = unsafe transformers_file_at(position) else { return "" }
      let bytes = unsafe UnsafeRawBufferPointer(
        start: file.pointee.bytes, count: file.pointee.count)
      return unsafe String(decoding: bytes, as: UTF8.self)
    }
  }

  package init(texts: [String]) throws(JSONFieldError) {
    var documents: [JSONField] = []
    for text in texts {
      do throws(JSONError) {
        documents.append(JSONField(try JSONValue(parsing: Array(text.utf8))))
      } catch {
        throw JSONField(.null).error(expected: "JSON", found: "\(error)")
      }
    }
    let field = documents[0]
    version = try field["transformers"].string()
    entries = field["entries"]
    var models: [Model] = []
    for model in try field["models"].elements() { models.append(try Model(model)) }
    self.models = models
    var list: [MappingReview] = []
    for review in try documents[1].elements() { list.append(try MappingReview(review)) }
    self.reviews = list
  }

  /// The rules of a model, in the order in which they are used when loading.
  func rules(of model: Model) throws(JSONFieldError) -> [MappingRule] {
    var result: [MappingRule] = []
    for (name, module) in model.entries {
      for rule in try entries[name].elements() {
        result.append(try MappingRule(rule, .init(module: module, base: model.prefix)))
      }
    }
    return result
  }

  /// The models that a layout reads.
  func models(of layout: Layout) -> [Model] {
    models.filter { layout.modelTypes.contains($0.modelType) }
  }
}

extension TransformersMapping.Model {
  fileprivate init(_ field: JSONField) throws(JSONFieldError) {
    className = try field["class"].string()
    config = try field["config"].value()
    modelType = try field["config"]["model_type"].string()
    prefix = try field["prefix"].string()
    var entries: [(name: String, module: String?)] = []
    for entry in try field["entries"].elements() {
      entries.append((try entry["entry"].string(), entry["module"].json?.stringValue))
    }
    self.entries = entries
    var tensors: [(name: String, shape: [Int])] = []
    for (name, _) in try field["tensors"].object().members {
      var shape: [Int] = []
      for extent in try field["tensors"][name].elements() { shape.append(try extent.count()) }
      tensors.append((name, shape))
    }
    self.tensors = tensors
  }
}

/// Why transformers' mapping and a layout may differ in some names.
public struct MappingReview: Sendable, Hashable {
  /// The layouts concerned.
  public let layouts: [String]
  /// What is not met.
  public let demand: MappingFinding.Demand
  /// What names or rules concerned begin with.
  public let start: String
  /// The explanation.
  public let why: String

  init(_ field: JSONField) throws(JSONFieldError) {
    try field.require(only: ["layouts", "demand", "start", "why"])
    layouts = try field["layouts"].strings()
    let text = try field["demand"].string()
    guard let demand = MappingFinding.Demand(rawValue: text) else {
      throw field["demand"].error(
        expected: WordList(MappingFinding.Demand.allCases.map(\.rawValue)).expectation(for: text))
    }
    self.demand = demand
    start = try field["start"].string()
    why = try field["why"].text()
  }
}
