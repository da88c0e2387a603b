// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import AdapterLaws
internal import CCampaigns
internal import CheckpointGenerators
internal import Layouts
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
  /// | `causes` | may be absent: objects with the `code` and `direction` of causes that the diagnosis finds there, and maybe their `classes`; they are left out where something else fails |
  /// | `goldens` | may be absent: the golden cases that the adapter does not agree with because of it |
  /// | `diagnosis` | what the harness says of the minimal checkpoint, a list of sentences |
  /// | `case` | the replay token of the minimal checkpoint |
  /// | `decision` | what is to become of it, such as `report upstream` or `by design` |
  ///
  /// Other members are refused, and so are texts that nobody has written yet. Of several entries that
  /// explain a violation the first counts, so that narrow ones come before wide ones.
  ///
  /// - Parameters:
  ///   - path: What errors call the file.
  ///   - laws: The laws that `law` may be the name of.
  /// - Throws: `DocumentError`.
  public init(
    parsing bytes: [UInt8], path: String, laws: [AdapterLaw] = Laws.all
  ) throws(DocumentError) {
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
      throw DocumentError(path, error)
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
        throw DocumentError(path, entry: name, error)
      }
    }
  }

  /// A file as JSON.
  static func document(
    _ bytes: [UInt8], _ path: String
  ) throws(DocumentError) -> JSONField {
    do throws(JSONError) {
      return JSONField(try JSONValue(parsing: bytes))
    } catch {
      throw DocumentError(
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

  private static let parsed = Result<[KnownDivergences], DocumentError> {
    () throws(DocumentError) in
    var lists: [KnownDivergences] = []
    for (name, bytes) in EmbeddedFile.all where name.hasSuffix(".json") {
      lists.append(try KnownDivergences(parsing: bytes, path: name))
    }
    return lists
  }

  /// What this version of the harness knows, adapter by adapter.
  ///
  /// - Throws: `DocumentError` if a file that it comes with is wrong.
  public static func builtIn() throws(DocumentError) -> [KnownDivergences] {
    try parsed.get()
  }
}

/// The files that are part of the program.
enum EmbeddedFile {
  static let all: [(name: String, bytes: [UInt8])] = {
    var files: [(String, [UInt8])] = []
    // Constants of the program, which no one changes.
    while let file = unsafe campaign_file_at(files.count)?.pointee {
      let bytes = unsafe UnsafeBufferPointer(start: file.bytes, count: file.count)
      files.append((unsafe String(cString: file.name), unsafe Array(bytes)))
    }
    return files
  }()
}

extension KnownDivergence {
  fileprivate init(_ entry: JSONField, _ laws: [AdapterLaw]) throws(JSONFieldError) {
    try entry.require(
      only: ["id", "title", "summary", "violations", "diagnosis", "case", "decision"],
      optional: ["when", "causes", "goldens"])
    guard try entry["id"].text().wholeMatch(of: /[a-z0-9]+(-[a-z0-9]+)*/) != nil else {
      throw entry["id"].error(expected: "lower-case words and numbers with hyphens between them")
    }
    for name in ["title", "summary", "decision"] { _ = try entry[name].text() }
    _ = try entry["diagnosis"].strings()
    guard try entry["case"].string().hasPrefix(CheckpointSpec.tokenPrefix) else {
      throw entry["case"].error(
        expected: "a checkpoint, as text that begins with '\(CheckpointSpec.tokenPrefix)'")
    }
    for cause in entry["causes"].json == nil ? [] : try entry["causes"].elements() {
      try cause.require(only: ["code", "direction"], optional: ["classes"])
    }
    try Self.check(entry["violations"], laws)
    try self.init(entry)
    do throws(AxisSelectionError) {
      positions = try CheckpointSpace.positions(when)
    } catch {
      throw entry["when"].error(expected: "axes and values that there are", found: "\(error)")
    }
  }

  private static func check(_ field: JSONField, _ laws: [AdapterLaw]) throws(JSONFieldError) {
    let elements = try field.elements()
    guard !elements.isEmpty else { throw field.error(expected: "one or more") }
    for element in elements {
      try element.require(only: ["law", "kind", "place"])
      let pattern = try ViolationPattern(element)
      guard laws.contains(where: { pattern.matchesLaw($0.name) }) else {
        throw element["law"].error(
          expected: WordList(laws.map(\.name)).expectation(for: try element["law"].string()))
      }
      let isOfPackage = Laws.all.contains { pattern.matchesLaw($0.name) }
      guard !isOfPackage || pattern.hasKind else {
        throw element["kind"].error(
          expected: "a way in which laws fail: "
            + WordList(Violation.kinds).expectation(for: try element["kind"].string()))
      }
    }
  }
}
