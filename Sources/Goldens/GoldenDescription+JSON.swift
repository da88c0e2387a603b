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
    let fields = GoldenFields(json, place: place)
    try fields.requireOnly([
      "config", "directions", "exclusion", "expected", "family", "flags", "id", "lora", "options",
      "parallelism", "purpose", "verdict",
    ])
    id = try fields.string("id")
    purpose = try fields.string("purpose")
    verdict = try fields.choice("verdict")
    flags = try fields.strings("flags")
    directions = try fields.choices("directions")
    exclusion = try fields.string("exclusion")
    let config = try fields.config()
    setup = AdapterSetup(config, try fields.options(config.layout))
    parallelism = try fields.parallelism()
    lora = try fields.lora()
    expectation = try fields.expectation()
    text = json.text(.python)
    guard (verdict == .invalid) == (expectation != nil) else {
      throw fields.wrong("expected", "an object in an invalid case and null in a valid one")
    }
    guard GoldenFormat.isValid(id: id) else {
      throw fields.wrong("id", "lower-case letters, digits and hyphens")
    }
  }
}

extension GoldenFields {
  /// The config, read by the layout that the family names.
  func config() throws(GoldenError) -> ModelConfig {
    guard let layout = Layout.known(try string("family")) else {
      let known = Layout.knownNames.map { "'\($0)'" }.joined(separator: ", ")
      throw wrong("family", "one of \(known)")
    }
    do {
      return try ModelConfig(json: value("config"), layout: layout)
    } catch let error as ConfigError {
      throw GoldenError(
        .malformedDescription, "\(place): config", expected: "a valid config", found: "\(error)")
    } catch {
      throw wrong("config", "an object")
    }
  }

  func options(_ layout: Layout) throws(GoldenError) -> AdapterOptions {
    let fields = try object("options")
    try fields.requireOnly([
      "activation", "completeness", "mtp_policy", "param_wrapper_layout", "prefix", "target_dtype",
    ])
    return AdapterOptions(
      targetDType: try fields.choice("target_dtype"), activation: try fields.choice("activation"),
      prefix: try fields.prefix(layout), mtpPolicy: try fields.choice("mtp_policy"),
      completeness: try fields.choice("completeness"),
      paramWrapperLayout: try fields.isNull("param_wrapper_layout")
        ? nil : try fields.choice("param_wrapper_layout"))
  }

  /// One of the prefixes of a layout.
  private func prefix(_ layout: Layout) throws(GoldenError) -> ModelPrefix {
    let text = try string("prefix")
    if text == layout.prefixes[0] { return .model }
    guard layout.prefixes.contains(text), let prefix = ModelPrefix(rawValue: text) else {
      throw wrong(
        "prefix", "one of \(layout.prefixes.map { "'\($0)'" }.joined(separator: ", "))")
    }
    return prefix
  }

  func parallelism() throws(GoldenError) -> ExpertParallelism? {
    if try isNull("parallelism") { return nil }
    let fields = try object("parallelism")
    try fields.requireOnly(["rank", "size"])
    let (rank, size) = (try fields.integer("rank"), try fields.integer("size"))
    do {
      return try ExpertParallelism(rank: rank, size: size)
    } catch {
      throw wrong("parallelism", "a rank below the size")
    }
  }

  func lora() throws(GoldenError) -> LoRASpec? {
    if try isNull("lora") { return nil }
    let fields = try object("lora")
    try fields.requireOnly(["layout", "prefix", "rank"])
    return LoRASpec(
      try fields.choice("layout"), rank: try fields.integer("rank"),
      prefix: try fields.string("prefix"))
  }

  func expectation() throws(GoldenError) -> GoldenExpectation? {
    if try isNull("expected") { return nil }
    let fields = try object("expected")
    if fields.has("law") {
      try fields.requireOnly(["diagnosis", "kind", "law", "place", "side"])
      return .wrongResult(
        .init(
          side: try fields.choice("side"), law: try fields.string("law"),
          kind: try fields.string("kind"), place: try fields.string("place"),
          diagnosis: try fields.strings("diagnosis")))
    }
    try fields.requireOnly(["findings", "side", "upstream"])
    _ = try fields.string("upstream")
    var offences: [GoldenExpectation.Offence] = []
    for (position, element) in try fields.array("findings").enumerated() {
      let finding = GoldenFields(element, place: "\(fields.place): findings[\(position)]")
      try finding.requireOnly(["code", "subject"])
      offences.append(
        .init(code: try finding.string("code"), subject: TensorName(try finding.string("subject"))))
    }
    return .refusal(of: try fields.choice("side"), findings: offences)
  }
}
