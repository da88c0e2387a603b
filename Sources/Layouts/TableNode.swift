// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import StrictJSON
import Yams

/// A place in a table, read with errors that say where it is.
struct TableNode {
  let node: Node
  let table: String
  let field: String
  /// The members of a mapping that extends another table's, in place of those of the node.
  private(set) var merged: [(key: String, value: TableNode)]?

  init(node: Node, table: String, field: String) {
    self.node = node
    self.table = table
    self.field = field
  }

  /// Reads a whole table.
  static func parse(_ text: String, table: String) throws(LayoutError) -> TableNode {
    func fault(_ line: Int?, _ problem: String) -> LayoutError {
      LayoutError(
        table: table, line: line, field: "the text",
        expected: "YAML, in which names that begin with '{' stand in quotes and no line has a tab",
        found: "a fault: \(problem)")
    }
    let node: Node?
    do {
      node = try Yams.compose(yaml: text)
    } catch YamlError.scanner(_, let problem, let mark, _) {
      throw fault(mark.line, problem)
    } catch YamlError.parser(_, let problem, let mark, _) {
      throw fault(mark.line, problem)
    } catch YamlError.composer(_, let problem, let mark, _) {
      throw fault(mark.line, problem)
    } catch YamlError.duplicatedKeysInMapping(let keys, let context) {
      throw fault(context.mark.line, "the key \(keys.joined(separator: ", ")) twice")
    } catch {
      throw fault(nil, "\(error)")
    }
    guard let node else { throw fault(nil, "nothing") }
    return TableNode(node: node, table: table, field: "")
  }

  func error(expected: String, found: String? = nil) -> LayoutError {
    LayoutError(
      table: table, line: node.mark?.line, field: field.isEmpty ? "the table" : field,
      expected: expected, found: found ?? description)
  }

  /// What stands here, in a few words.
  private var description: String {
    switch node {
    case .scalar(let scalar): scalar.string.isEmpty ? "nothing" : "'\(scalar.string.prefix(60))'"
    case .mapping: "a mapping"
    case .sequence: "a list"
    case .alias: "an alias"
    }
  }

  func child(_ node: Node, _ name: String) -> TableNode {
    TableNode(node: node, table: table, field: field.isEmpty ? name : "\(field).\(name)")
  }

  /// Where this stands.
  var mark: TableMark { TableMark(table: table, line: node.mark?.line, field: field) }

  /// The mapping with members of another table in front; own members take the place of those of their name.
  func extending(_ base: TableNode) throws(LayoutError) -> TableNode {
    var result = self
    result.merged = try base.members().replacing(with: members())
    return result
  }

  /// The members of a mapping, in their order.
  func members() throws(LayoutError) -> [(key: String, value: TableNode)] {
    if let merged { return merged }
    guard case .mapping(let mapping) = node else { throw error(expected: "a mapping") }
    var result: [(String, TableNode)] = []
    for (key, value) in mapping {
      guard let name = key.scalar?.string else { throw error(expected: "texts as keys") }
      result.append((name, child(value, name)))
    }
    return result
  }

  var isMapping: Bool { node.mapping != nil }
  var isSequence: Bool { node.sequence != nil }

  /// The elements of a list; anything else counts as a list of one.
  func elements() -> [TableNode] {
    guard let sequence = node.sequence else { return [self] }
    return sequence.enumerated().map { child($0.element, "\($0.offset)") }
  }

  /// The text of a scalar.
  func text() throws(LayoutError) -> String {
    guard let scalar = node.scalar else { throw error(expected: "a text") }
    return scalar.string
  }

  func texts() throws(LayoutError) -> [String] {
    var result: [String] = []
    for element in elements() { result.append(try element.text()) }
    return result
  }

  /// One of the names that values of a type have.
  func value<Value: RawRepresentable & CaseIterable>(
    of type: Value.Type
  ) throws(LayoutError) -> Value where Value.RawValue == String {
    let text = try text()
    guard let value = Value(rawValue: text) else {
      throw error(expected: WordList(type.allCases.map(\.rawValue)).expectation(for: text))
    }
    return value
  }

  func boolean() throws(LayoutError) -> Bool {
    switch try text() {
    case "true": return true
    case "false": return false
    default: throw error(expected: "true or false")
    }
  }

  func integer() throws(LayoutError) -> Int {
    guard let number = Int(try text()) else { throw error(expected: "a whole number") }
    return number
  }
}

/// A place in a table.
struct TableMark: Sendable, Hashable {
  let table: String
  let line: Int?
  let field: String
}

extension [(key: String, value: TableNode)] {
  /// The members with others; one of a name that is there already takes its place.
  func replacing(with others: Self) -> Self {
    var result = self
    for member in others {
      if let place = result.firstIndex(where: { $0.key == member.key }) {
        result[place] = member
      } else {
        result.append(member)
      }
    }
    return result
  }
}

/// What is wrong with a layout table, and where.
public struct LayoutError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The name of the table.
  public let table: String
  /// The line, from 1, or nil where the fault concerns the whole table.
  public let line: Int?
  /// The field, such as `tensors.model.norm.weight.shape`.
  public let field: String
  /// What should be there.
  public let expected: String
  /// What is there.
  public let found: String

  /// Creates an error.
  public init(table: String, line: Int?, field: String, expected: String, found: String) {
    self.table = table
    self.line = line
    self.field = field
    self.expected = expected
    self.found = found
  }

  /// The text shown to people.
  public var description: String {
    let place = line.map { ", line \($0)" } ?? ""
    return "layout \(table)\(place): \(field): expected \(expected), found \(found)"
  }
}
