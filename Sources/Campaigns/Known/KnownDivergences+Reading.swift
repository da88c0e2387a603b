// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import AdapterLaws
internal import CheckpointGenerators
internal import Layouts
internal import PropertyEngine
internal import StrictJSON

extension KnownDivergences {
  /// The version of the format.
  static let schemaVersion = 1

  /// Reads a file, a JSON object of `schemaVersion` (1), `adapter`, `version`, `entries` and, if it
  /// has one, the `command` that serves the adapter. `layouts` lists the layouts of whose checkpoints it
  /// speaks, that of tokens first; without it, that is `hy_v3`. An entry has
  ///
  /// | member | |
  /// |---|---|
  /// | `id` | lower-case words and numbers with hyphens between them, unlike those of other entries |
  /// | `title` | what is done, in one line |
  /// | `summary` | what is done, where in the adapter's code, and what is lost |
  /// | `violations` | objects with `law`, `kind` and `place`, in each of which `*` stands for any text: the violations that it explains |
  /// | `when` | may be absent: an object from axes to lists of their values, all of which a checkpoint must have for the entry to explain anything |
  /// | `goldens` | may be absent: the golden cases that the adapter does not agree with because of it |
  /// | `diagnosis` | what the harness says of the minimal checkpoint, a list of sentences |
  /// | `case` | the replay token of the minimal checkpoint |
  /// | `decision` | what is to become of it, such as `report upstream` or `by design` |
  ///
  /// Other members are refused, and so are texts that nobody has written yet. Of several entries that
  /// explain a violation the first counts, so that narrow ones stand before wide ones.
  ///
  /// - Parameters:
  ///   - path: What errors call the file.
  ///   - laws: The laws that `law` may be the name of.
  /// - Throws: `KnownDivergencesError`.
  public init(
    parsing bytes: [UInt8], path: String, laws: [AdapterLaw] = AdapterLaws.all
  ) throws(KnownDivergencesError) {
    let json: JSONValue
    do {
      json = try JSONValue(parsing: bytes)
    } catch {
      throw KnownDivergencesError(
        path: path, entry: nil, field: nil, expected: "a JSON document", found: "\(error)")
    }
    let fields = KnownFields(path: path, json: json)
    guard json["schemaVersion"]?.integerValue == Self.schemaVersion else {
      throw fields.error("schemaVersion", expected: "\(Self.schemaVersion)")
    }
    try fields.require(
      only: ["schemaVersion", "adapter", "version", "entries"], optional: ["command", "layouts"])
    let layouts =
      json["layouts"] == nil ? [Layout.usual.name] : try fields.strings("layouts")
    guard !layouts.isEmpty else {
      throw fields.error("layouts", expected: "the name of a layout, or several")
    }
    var entries: [KnownDivergence] = []
    for (position, element) in try fields.array("entries").enumerated() {
      let name = element["id"]?.stringValue.map { "'\($0)'" } ?? "\(position + 1)"
      let entry = KnownFields(path: path, entry: name, json: element)
      entries.append(try KnownDivergence(entry, laws))
      if entries.dropLast().contains(where: { $0.id == entries[position].id }) {
        throw entry.error("id", expected: "an id that no other entry has")
      }
    }
    self.init(
      adapter: try fields.text("adapter"), version: try fields.text("version"),
      layouts: layouts, command: json["command"] == nil ? nil : try fields.text("command"),
      entries: entries)
  }
}

extension KnownDivergence {
  fileprivate init(
    _ fields: KnownFields, _ laws: [AdapterLaw]
  ) throws(KnownDivergencesError) {
    try fields.require(
      only: ["id", "title", "summary", "violations", "diagnosis", "case", "decision"],
      optional: ["when", "goldens"])
    let id = try fields.text("id")
    guard Self.isValid(id: id) else {
      throw fields.error("id", expected: "lower-case words and numbers with hyphens between them")
    }
    let token = try fields.string("case")
    do {
      _ = try ReplayToken(text: token)
    } catch {
      throw fields.error("case", expected: "a replay token", found: "\(token.prefix(20)): \(error)")
    }
    let when = try Self.when(fields)
    do {
      try self.init(
        id: id, title: try fields.text("title"), summary: try fields.text("summary"),
        violations: try Self.violations(fields, laws), when: when,
        goldens: fields.json["goldens"] == nil ? [] : try fields.strings("goldens"),
        diagnosis: try fields.strings("diagnosis"), token: token,
        decision: try fields.text("decision"))
    } catch let error as AxisSelectionError {
      throw fields.error("when", expected: "axes and values that there are", found: "\(error)")
    } catch let error as KnownDivergencesError {
      throw error
    } catch {
      throw fields.error(nil, expected: "an entry", found: "\(error)")
    }
  }

  static func isValid(id: String) -> Bool {
    id.split(separator: "-", omittingEmptySubsequences: false).allSatisfy { word in
      !word.isEmpty
        && word.utf8.allSatisfy {
          (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0)
            || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
        }
    }
  }

  private static func violations(
    _ fields: KnownFields, _ laws: [AdapterLaw]
  ) throws(KnownDivergencesError) -> [ViolationPattern] {
    var patterns: [ViolationPattern] = []
    for (position, element) in try fields.array("violations").enumerated() {
      let part = fields.element("violations", position, element)
      try part.require(only: ["law", "kind", "place"])
      let pattern = ViolationPattern(
        law: try part.text("law"), kind: try part.string("kind"), place: try part.string("place"))
      guard laws.contains(where: { pattern.matchesLaw($0.name) }) else {
        throw part.error(
          "law", expected: "one of \(laws.map(\.name).joined(separator: ", "))")
      }
      patterns.append(pattern)
    }
    guard !patterns.isEmpty else { throw fields.error("violations", expected: "one or more") }
    return patterns
  }

  private static func when(_ fields: KnownFields) throws(KnownDivergencesError) -> [AxisSelection] {
    guard let when = fields.json["when"] else { return [] }
    guard let object = when.objectValue else { throw fields.error("when", expected: "an object") }
    let axes = KnownFields(path: fields.path, entry: fields.entry, prefix: "when.", json: when)
    var selections: [AxisSelection] = []
    for axis in object.keys { selections.append(AxisSelection(axis, try axes.strings(axis))) }
    return selections
  }
}
