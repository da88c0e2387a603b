// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import AdapterLaws
internal import CKnownDivergences
internal import CheckpointGenerators
internal import Layouts
internal import PropertyEngine
internal import StrictJSON

/// What is wrong with a file of known divergences, and where.
public struct KnownDivergencesError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The file.
  public let path: String
  /// The entry by its id, or by its position where it has none; nil for the file as a whole.
  public let entry: String?
  /// The member, such as `violations[0].law`; nil for all of the entry.
  public let field: String?
  /// What would have been right.
  public let expected: String
  /// What is there.
  public let found: String

  init(_ path: String, entry: String? = nil, _ error: JSONFieldError) {
    self.path = path
    self.entry = entry
    field = error.place.isEmpty ? nil : error.place
    expected = error.expected
    found = error.found
  }

  /// The text shown to people.
  public var description: String {
    let place = [path, entry.map { "entry \($0)" }, field].compactMap(\.self)
    return "\(place.joined(separator: ": ")): expected \(expected), found \(found)"
  }
}

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
    let file = try Self.document(bytes, path)
    let elements: [JSONField]
    do throws(JSONFieldError) {
      self.init(
        adapter: try Self.head(file)["adapter"].text(), version: try file["version"].text(),
        layouts: file["layouts"].json == nil
          ? [Layout.usual.name] : try file["layouts"].strings(),
        command: file["command"].json == nil ? nil : try file["command"].text(), entries: [])
      guard !layouts.isEmpty else {
        throw file["layouts"].error(expected: "the name of a layout, or several")
      }
      elements = try file["entries"].elements()
    } catch {
      throw KnownDivergencesError(path, error)
    }
    for (position, element) in elements.enumerated() {
      let json = element.json ?? .null
      let name = json["id"]?.stringValue.map { "'\($0)'" } ?? "\(position + 1)"
      do throws(JSONFieldError) {
        let entry = try KnownDivergence(JSONField(json), laws)
        if entries.contains(where: { $0.id == entry.id }) {
          throw JSONField(json)["id"].error(expected: "an id that no other entry has")
        }
        entries.append(entry)
      } catch {
        throw KnownDivergencesError(path, entry: name, error)
      }
    }
  }

  /// A file as JSON.
  static func document(
    _ bytes: [UInt8], _ path: String
  ) throws(KnownDivergencesError) -> JSONField {
    do throws(JSONError) {
      return JSONField(try JSONValue(parsing: bytes))
    } catch {
      throw KnownDivergencesError(
        path, JSONFieldError(place: "", expected: "a JSON document", found: "\(error)"))
    }
  }

  private static func head(_ file: JSONField) throws(JSONFieldError) -> JSONField {
    guard file["schemaVersion"].json?.integerValue == schemaVersion else {
      throw file["schemaVersion"].error(expected: "\(schemaVersion)")
    }
    try file.require(
      only: ["schemaVersion", "adapter", "version", "entries"], optional: ["command", "layouts"])
    return file
  }

  private static let parsed = Result<[KnownDivergences], KnownDivergencesError> {
    () throws(KnownDivergencesError) in
    var lists: [KnownDivergences] = []
    // Constants of the program, which no one changes.
    while let file = unsafe known_divergences_file_at(lists.count)?.pointee {
      let bytes = unsafe UnsafeBufferPointer(start: file.bytes, count: file.count)
      lists.append(
        try KnownDivergences(parsing: unsafe Array(bytes), path: unsafe String(cString: file.name)))
    }
    return lists
  }

  /// What this version of the harness knows, adapter by adapter.
  ///
  /// - Throws: `KnownDivergencesError` if a file that it comes with is wrong.
  public static func builtIn() throws(KnownDivergencesError) -> [KnownDivergences] {
    try parsed.get()
  }
}

extension KnownDivergence {
  fileprivate init(_ entry: JSONField, _ laws: [AdapterLaw]) throws(JSONFieldError) {
    try entry.require(
      only: ["id", "title", "summary", "violations", "diagnosis", "case", "decision"],
      optional: ["when", "goldens"])
    let id = try entry["id"].text()
    guard id.wholeMatch(of: /[a-z0-9]+(-[a-z0-9]+)*/) != nil else {
      throw entry["id"].error(expected: "lower-case words and numbers with hyphens between them")
    }
    let token = try entry["case"].string()
    guard token.hasPrefix(CheckpointSpec.tokenPrefix) else {
      throw entry["case"].error(
        expected: "a checkpoint, as text that begins with '\(CheckpointSpec.tokenPrefix)'")
    }
    var when: [AxisSelection] = []
    for axis in entry["when"].json == nil ? [] : try entry["when"].object().keys {
      when.append(AxisSelection(axis, try entry["when"][axis].strings()))
    }
    let (title, summary) = (try entry["title"].text(), try entry["summary"].text())
    let violations = try Self.violations(entry["violations"], laws)
    let goldens = entry["goldens"].json == nil ? [] : try entry["goldens"].strings()
    let diagnosis = try entry["diagnosis"].strings()
    let decision = try entry["decision"].text()
    do throws(AxisSelectionError) {
      try self.init(
        id: id, title: title, summary: summary, violations: violations, when: when,
        goldens: goldens, diagnosis: diagnosis, token: token, decision: decision)
    } catch {
      throw entry["when"].error(expected: "axes and values that there are", found: "\(error)")
    }
  }

  private static func violations(
    _ field: JSONField, _ laws: [AdapterLaw]
  ) throws(JSONFieldError) -> [ViolationPattern] {
    var patterns: [ViolationPattern] = []
    for element in try field.elements() {
      try element.require(only: ["law", "kind", "place"])
      let pattern = try ViolationPattern(element)
      guard laws.contains(where: { pattern.matchesLaw($0.name) }) else {
        throw element["law"].error(
          expected: "one of \(laws.map(\.name).joined(separator: ", "))")
      }
      patterns.append(pattern)
    }
    guard !patterns.isEmpty else { throw field.error(expected: "one or more") }
    return patterns
  }
}
