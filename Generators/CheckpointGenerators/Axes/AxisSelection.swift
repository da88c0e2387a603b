// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import StrictJSON

/// Some values of one axis, such as those that an adapter supports, by the names that reports show.
public struct AxisSelection: Sendable, Hashable {
  /// The name of a ``ConfigAxis``.
  public var axis: String
  /// Labels of its values.
  public var values: [String]

  /// Creates a selection.
  public init(_ axis: String, _ values: [String]) {
    self.axis = axis
    self.values = values
  }
}

/// What is wrong with a list of values of axes.
public enum AxisSelectionError: Error, Sendable, Equatable, CustomStringConvertible {
  /// There is no axis of the name.
  case unknownAxis(String)
  /// The axis has no such value.
  case unknownValue(axis: ConfigAxis, label: String)
  /// An axis without values leaves no checkpoint.
  case noValues(axis: ConfigAxis)
  /// An axis is named twice.
  case repeatedAxis(ConfigAxis)

  /// What is expected and what was found.
  public var description: String {
    switch self {
    case .unknownAxis(let name):
      "there is no axis '\(name)'; \(ConfigAxis.names.answer(to: name))"
    case .unknownValue(let axis, let label):
      "the axis '\(axis.name)' has no value '\(label)'; \(WordList(axis.values).answer(to: label))"
    case .noValues(let axis):
      "the axis '\(axis.name)' has no values, which leaves no checkpoint; "
        + "leave the axis out, or name some of \(axis.values.joined(separator: ", "))"
    case .repeatedAxis(let axis):
      "the axis '\(axis.name)' is named twice; name it once with all its values"
    }
  }
}

extension ConfigAxis {
  fileprivate static let names = WordList(allCases.map(\.name))
}

extension CheckpointSpace {
  /// Leaves out the values that are not listed of the axes that are.
  ///
  /// - Throws: `AxisSelectionError`; the space is then as it was.
  public mutating func restrict(to selections: [AxisSelection]) throws(AxisSelectionError) {
    for (axis, values) in try Self.positions(selections) {
      allowed[axis] = allowed[axis].map { $0.intersection(values) } ?? values
    }
  }

  /// The axes and positions that names and labels stand for.
  ///
  /// - Throws: `AxisSelectionError`.
  public static func positions(
    _ selections: [AxisSelection]
  ) throws(AxisSelectionError) -> [ConfigAxis: Set<Int>] {
    var result: [ConfigAxis: Set<Int>] = [:]
    for selection in selections {
      let name = ConfigAxis.names.meaning(of: selection.axis)
      guard let axis = ConfigAxis.allCases.first(where: { $0.name == name }) else {
        throw .unknownAxis(selection.axis)
      }
      guard result[axis] == nil else { throw .repeatedAxis(axis) }
      guard !selection.values.isEmpty else { throw .noValues(axis: axis) }
      var positions: Set<Int> = []
      for label in selection.values {
        guard let value = WordList(axis.values).meaning(of: label),
          let position = axis.value(value)
        else {
          throw .unknownValue(axis: axis, label: label)
        }
        positions.insert(position)
      }
      result[axis] = positions
    }
    return result
  }

  /// The values that are left out, the axes in their order.
  public var leftOut: [AxisSelection] {
    ConfigAxis.allCases.compactMap { axis in
      guard let allowed = allowed[axis] else { return nil }
      let labels = axis.values.indices.filter { !allowed.contains($0) }.map { axis.values[$0] }
      return labels.isEmpty ? nil : AxisSelection(axis.name, labels)
    }
  }
}
