// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import PropertyEngine
internal import Synchronization
internal import Testing

/// Which property of which test, by a name that is the same in every run: no line numbers in it.
struct PropertyIdentity: Sendable {
  let id: String
  /// The command that runs the test alone.
  let command: String

  /// The sites of unnamed properties in each test in the order in which they were first seen, so
  /// that several in one test are told apart.
  private static let sites = Mutex<[String: [String]]>([:])

  init(_ test: Test, name: String, _ location: SourceLocation) {
    let testID = PropertyIdentity.withoutLocation("\(test.id)")
    var id = testID
    let arguments = Test.Case.current.map(PropertyIdentity.arguments) ?? []
    if !arguments.isEmpty { id += "[\(arguments.joined(separator: ", "))]" }
    if name.isEmpty {
      let site = "\(location.line):\(location.column)"
      let ordinal = PropertyIdentity.sites.withLock { sites in
        if let known = sites[testID]?.firstIndex(of: site) { return known }
        sites[testID, default: []].append(site)
        return sites[testID, default: []].count - 1
      }
      if ordinal > 0 { id += "#\(ordinal + 1)" }
    } else {
      id += "#\(name)"
    }
    self.id = id
    command = "swift test --filter \(PropertyIdentity.filter(testID))"
  }

  /// `Module.Suite/test()/File.swift:3:2` without its end.
  static func withoutLocation(_ id: String) -> String {
    guard let slash = id.lastIndex(of: "/") else { return id }
    let numbers = id[slash...].split(separator: ":").suffix(2)
    return numbers.count == 2 && numbers.allSatisfy { Int($0) != nil } ? String(id[..<slash]) : id
  }

  /// The texts of a parameterised test's arguments. The library does not publish them; without them
  /// all arguments would share seed and stored failures.
  static func arguments(_ testCase: Test.Case) -> [String] {
    func find(_ label: String, in value: Any, depth: Int) -> Any? {
      for child in Mirror(reflecting: value).children {
        if child.label == label { return child.value }
        if depth > 0, let found = find(label, in: child.value, depth: depth - 1) { return found }
      }
      return nil
    }
    guard let list = find("arguments", in: testCase, depth: 2) else { return [] }
    return Mirror(reflecting: list).children.compactMap { argument in
      find("value", in: argument.value, depth: 0).map { ValueTree($0).line }
    }
  }

  /// A regular expression for exactly this test, quoted for a shell.
  static func filter(_ testID: String) -> String {
    let name = testID.prefix { $0 != "(" } + (testID.contains("(") ? "(" : "")
    var pattern = ""
    for character in name {
      if ".()[]{}*+?^$|\\".contains(character) { pattern.append("\\") }
      pattern += character == "'" ? "'\\''" : String(character)
    }
    return "'\(pattern)'"
  }
}
