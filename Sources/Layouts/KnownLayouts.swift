// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import CLayouts
import StrictJSON
import Synchronization

/// The tables that are part of the program.
extension Layout {
  /// The texts of all tables, by name and in the order of the list.
  private static let texts: [(name: String, text: String)] = {
    var result: [(String, String)] = []
    // The array ends with a null name; names and bytes are constants of the program.
    while let file = unsafe layout_table_at(result.count) {
      let name = unsafe String(cString: file.pointee.name)
      let bytes = unsafe UnsafeRawBufferPointer(
        start: file.pointee.bytes, count: file.pointee.count)
      result.append((name, unsafe String(decoding: bytes, as: UTF8.self)))
    }
    return result
  }()

  /// The names of all known tables.
  public static var knownNames: [String] { texts.map(\.name) }

  /// The model types that known tables read, each once.
  public static let knownModelTypes: [String] = {
    var result: [String] = []
    for name in knownNames {
      for type in known(name)?.modelTypes ?? [] where !result.contains(type) { result.append(type) }
    }
    return result
  }()

  /// The default native form of a known table.
  public static func known(_ name: String) -> Layout? { try? named(name) }

  /// The first known table that reads a model type.
  public static func known(modelType: String) -> Layout? {
    knownNames.lazy.compactMap { known($0) }.first { $0.modelTypes.contains(modelType) }
  }

  private struct Key: Hashable {
    let name: String
    let native: String?
  }

  private static let cache = Mutex<[Key: Layout]>([:])

  /// A known table.
  ///
  /// - Parameters:
  ///   - name: The name of the table.
  ///   - native: The native form, or nil for the table's first.
  /// - Throws: `LayoutError` if there is no such table or native form.
  /// - Complexity: O(1) once a table is read.
  public static func named(_ name: String, native: String? = nil) throws(LayoutError) -> Layout {
    let key = Key(name: name, native: native)
    if let known = cache.withLock({ $0[key] }) { return known }
    guard let text = text(of: name) else {
      throw LayoutError(
        table: name, line: nil, field: "the name",
        expected: WordList(knownNames).expectation(for: name), found: "'\(name)'")
    }
    let layout = try Layout(text: text, name: name, native: native)
    return cache.withLock { cache in
      // Another thread may have been faster.
      if let known = cache[key] { return known }
      cache[key] = layout
      return layout
    }
  }

  private static func text(of name: String) -> String? {
    texts.first { $0.name == name }?.text
  }

  /// Reads a table; `extends` names known tables.
  ///
  /// - Throws: `LayoutError` with the line and the field of what is wrong.
  public convenience init(
    text: String, name: String, native: String? = nil
  ) throws(LayoutError) {
    var reader = try LayoutReader(text, table: name, native: native) { base throws(LayoutError) in
      Self.text(of: base)
    }
    self.init(try reader.parts())
  }
}
