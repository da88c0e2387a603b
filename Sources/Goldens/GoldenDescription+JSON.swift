// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import CheckpointGenerators
import Layouts
public import StrictJSON
import Tensors

extension GoldenDescription {
  /// Reads a description.
  ///
  /// - Throws: `GoldenError` naming the field that is missing or wrong.
  public init(parsing text: String, of place: String) throws(GoldenError) {
    let json: JSONValue
    do {
      json = try JSONValue(parsing: Array(text.utf8))
    } catch {
      throw GoldenError(
        .malformedDescription, place, expected: "a JSON document", found: "\(error)")
    }
    try self.init(json, of: place)
    guard TensorName(text) == TensorName(self.text) else {
      throw GoldenError(
        .malformedDescription, place,
        expected: "JSON with sorted keys, two spaces of indentation and ASCII only",
        found: "another spelling")
    }
  }

  /// Reads a description from its JSON document.
  ///
  /// - Throws: `GoldenError` naming the field that is missing or wrong.
  public init(_ json: JSONValue, of place: String) throws(GoldenError) {
    do {
      try self.init(JSONField(json))
    } catch {
      throw GoldenError(error, .malformedDescription, place)
    }
  }

  private init(_ field: JSONField) throws(JSONFieldError) {
    try field.require(only: [
      "config", "directions", "exclusion", "expected", "family", "flags", "id", "lora", "options",
      "parallelism", "purpose", "verdict",
    ])
    id = try field["id"].string()
    purpose = try field["purpose"].string()
    verdict = try field["verdict"].choice()
    flags = try field["flags"].strings()
    directions = try field["directions"].elements().map { element throws(JSONFieldError) in
      try element.choice()
    }
    exclusion = try field["exclusion"].string()
    let config = try field.config()
    setup = AdapterSetup(config, try field["options"].options(config.layout))
    parallelism = try field["parallelism"].parallelism()
    lora = try field["lora"].lora()
    expectation = try field["expected"].expectation()
    text = try field.value().text(.python)
    guard (verdict == .invalid) == (expectation != nil) else {
      throw field["expected"].error(
        expected: "an object in an invalid case and null in a valid one")
    }
    guard GoldenFormat.isValid(id: id) else {
      throw field["id"].error(expected: "lower-case letters, digits and hyphens")
    }
  }
}

extension JSONField {
  /// One of the raw values of a type.
  func choice<Choice>() throws(JSONFieldError) -> Choice
  where Choice: RawRepresentable<String> & CaseIterable {
    guard let choice = json?.stringValue.flatMap(Choice.init(rawValue:)) else {
      let list = WordList(Choice.allCases.map(\.rawValue))
      throw error(expected: list.expectation(for: json?.stringValue ?? ""))
    }
    return choice
  }

  /// The config, read by the layout that the family names.
  fileprivate func config() throws(JSONFieldError) -> ModelConfig {
    guard let layout = Layout.known(try self["family"].string()) else {
      let family = try self["family"].string()
      throw self["family"].error(expected: WordList(Layout.knownNames).expectation(for: family))
    }
    let config = self["config"]
    do {
      return try ModelConfig(json: config.value(), layout: layout)
    } catch let error as ConfigError {
      throw config.error(expected: "a valid config", found: "\(error)")
    } catch {
      throw config.error(expected: "an object")
    }
  }

  fileprivate func options(_ layout: Layout) throws(JSONFieldError) -> AdapterOptions {
    try require(only: [
      "activation", "completeness", "mtp_policy", "param_wrapper_layout", "prefix", "target_dtype",
    ])
    let wrapper = self["param_wrapper_layout"]
    return AdapterOptions(
      targetDType: try self["target_dtype"].choice(), activation: try self["activation"].choice(),
      prefix: try self["prefix"].prefix(layout), mtpPolicy: try self["mtp_policy"].choice(),
      completeness: try self["completeness"].choice(),
      paramWrapperLayout: wrapper.present == nil ? nil : try wrapper.choice())
  }

  /// One of the prefixes of a layout.
  private func prefix(_ layout: Layout) throws(JSONFieldError) -> ModelPrefix {
    let text = try string()
    if text == layout.prefixes[0] { return .model }
    guard layout.prefixes.contains(text), let prefix = ModelPrefix(rawValue: text) else {
      let known = layout.prefixes.map { "'\($0)'" }.joined(separator: ", ")
      throw error(expected: "one of \(known)")
    }
    return prefix
  }

  fileprivate func parallelism() throws(JSONFieldError) -> ExpertParallelism? {
    if present == nil { return nil }
    try require(only: ["rank", "size"])
    let (rank, size) = (try self["rank"].count(), try self["size"].count())
    do {
      return try ExpertParallelism(rank: rank, size: size)
    } catch {
      throw self.error(expected: "a rank below the size")
    }
  }

  fileprivate func lora() throws(JSONFieldError) -> LoRASpec? {
    if present == nil { return nil }
    try require(only: ["layout", "prefix", "rank"])
    return LoRASpec(
      try self["layout"].choice(), rank: try self["rank"].count(),
      prefix: try self["prefix"].string())
  }

  fileprivate func expectation() throws(JSONFieldError) -> GoldenExpectation? {
    if present == nil { return nil }
    if self["law"].json != nil {
      try require(only: ["diagnosis", "kind", "law", "place", "side"])
      return .wrongResult(
        .init(
          side: try self["side"].choice(), law: try self["law"].string(),
          kind: try self["kind"].string(), place: try self["place"].string(),
          diagnosis: try self["diagnosis"].strings()))
    }
    try require(only: ["findings", "side", "upstream"])
    _ = try self["upstream"].string()
    var offences: [GoldenExpectation.KeyFault] = []
    for finding in try self["findings"].elements() {
      try finding.require(only: ["code", "subject"])
      offences.append(
        .init(
          code: try finding["code"].string(),
          subject: TensorName(try finding["subject"].string())))
    }
    return .refusal(of: try self["side"].choice(), findings: offences)
  }
}
