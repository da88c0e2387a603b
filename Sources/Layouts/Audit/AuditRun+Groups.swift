// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Tensors

/// Index formulas, element by element.
extension AuditRun {
  /// Groups of more elements are left to smaller configs.
  private static let mostElements = 4096

  mutating func checkGroups() {
    var checked: Set<GroupCase> = []
    for audited in configs {
      for layer in audited.layers {
        let values = audited.values(ofLayer: layer)
        let present = Set(audited.rules(ofLayer: layer))
        for position in present.sorted() {
          checkNativeShape(position, values)
          checkPieces(position, values)
        }
        for (position, group) in layout.groups.enumerated() {
          let parts = group.parts.filter(present.contains)
          guard !parts.isEmpty,
            checked.insert(GroupCase(group: position, parts: parts, sizes: values.sizes)).inserted
          else { continue }
          check(group, parts, values, experts: audited.config.expertCount)
        }
      }
    }
  }

  /// A shape in native form has as many elements as that on disk, or fewer of its rows.
  private mutating func checkNativeShape(_ position: Int, _ values: LayoutValues) {
    let rule = layout.tensors[position]
    guard rule.nativeExtents != nil, let disk = rule.extents(values) else { return }
    let native = rule.nativeExtents(values)
    let count = native.flatMap { try? Shape($0).elementCount }
    if let count, let all = try? Shape(disk).elementCount,
      rule.isCropped ? count <= all : count == all
    {
      return
    }
    report(
      .complete, mark(ofTensor: position),
      expected: "a native shape of as many elements as \(disk)\(rule.isCropped ? " at most" : "")",
      found: "\(native ?? []), with \(sizes(values))")
  }

  /// Pieces have all rows, and no more.
  private mutating func checkPieces(_ position: Int, _ values: LayoutValues) {
    let rule = layout.tensors[position]
    guard !rule.pieces.isEmpty, rule.pieces(values) == nil else { return }
    let rows = rule.pieces.map { $0.rows.value(values).map { "\($0)" } ?? "?" }
    report(
      .complete, mark(ofTensor: position),
      expected: "pieces with the rows of \(rule.extents(values) ?? [])",
      found: "\(rows.joined(separator: " + ")), with \(sizes(values))")
  }

  /// What decides how a group is filled.
  private struct GroupCase: Hashable {
    let group: Int
    let parts: [Int]
    let sizes: [Int]
  }

  private mutating func check(
    _ group: NativeGroup, _ parts: [Int], _ values: LayoutValues, experts: Int
  ) {
    guard let extents = layout.extents(of: group, values, experts: experts) else {
      report(
        .injective, mark(ofTensor: parts[parts.count - 1]),
        expected: "offsets below the coefficients of '\(group.name)'",
        found: "one that is not, with \(sizes(values))")
      return
    }
    let count = extents.reduce(1) { $0 <= Self.mostElements ? $0 * $1 : $0 }
    guard count <= Self.mostElements else { return }
    // The position of the rule that fills an element, or -1.
    var filled = [Int](repeating: -1, count: count)
    for part in parts {
      let rule = layout.tensors[part]
      guard case .part(_, let terms) = rule.native, let disk = rule.extents(values) else {
        continue
      }
      for expert in 0..<(rule.name.hasExpert ? experts : 1) {
        for number in 0..<disk.reduce(1, *) {
          let index = disk.indices(at: number)
          elementCount += 1
          var (element, isInside) = (0, true)
          var place: [Int] = []
          for (axis, term) in terms.enumerated() {
            let value = term.index(term.axis.map { index[$0] } ?? expert, values) ?? 0
            place.append(value)
            isInside = isInside && value < extents[axis]
            element = element * extents[axis] + value
          }
          guard isInside, filled[element] < 0 else {
            let other = isInside ? ", where '\(text(layout.tensors[filled[element]].name))' is" : ""
            report(
              .injective, mark(ofTensor: part),
              expected: "a place in '\(group.name)' for each element alone",
              found: "\(place)\(other), with \(sizes(values))")
            return
          }
          filled[element] = part
        }
      }
    }
    guard let gap = filled.firstIndex(of: -1) else { return }
    report(
      .complete, mark(ofTensor: parts[parts.count - 1]),
      expected: "parts that fill '\(group.name)' \(extents)",
      found: "nothing at \(extents.indices(at: gap)), with \(sizes(values))")
  }

  private func sizes(_ values: LayoutValues) -> String {
    zip(layout.sizes, values.sizes).map { "\($0.symbol) = \($1)" }.joined(separator: ", ")
  }
}
