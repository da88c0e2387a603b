// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Tensors

extension TensorRule {
  /// The shape on disk, or nil where a size overflows or is no whole number.
  public func extents(_ values: LayoutValues) -> [Int]? {
    var result: [Int] = []
    result.reserveCapacity(axes.count)
    for axis in axes {
      guard let extent = axis.extent.value(values), extent >= 0 else { return nil }
      result.append(extent)
    }
    return result
  }

  /// Whether it has a native name and no index formula, and is in layers.
  var isPlainlyRenamed: Bool {
    if case .renamed = native { kinds != nil } else { false }
  }

  /// The shape in native form of a tensor without an index formula, or nil where a size has no value.
  public func nativeExtents(_ values: LayoutValues) -> [Int]? {
    guard let own = nativeExtents else { return extents(values) }
    let result = own.compactMap { $0.value(values) }
    return result.count == own.count && result.allSatisfy { $0 >= 0 } ? result : nil
  }

  /// The first row and the shape of each native piece, or nil where they do not make up the tensor.
  public func pieces(_ values: LayoutValues) -> [(name: String, start: Int, extents: [Int])]? {
    guard let whole = extents(values), !whole.isEmpty else { return nil }
    var start = 0
    var result: [(name: String, start: Int, extents: [Int])] = []
    for piece in pieces {
      guard let rows = piece.rows.value(values), rows >= 0, rows <= whole[0] - start else {
        return nil
      }
      result.append((piece.name, start, [rows] + whole.dropFirst()))
      start += rows
    }
    return start == whole[0] ? result : nil
  }

  /// Whether checkpoints of a config have the tensor, in a layer that the values name if it is of
  /// layers.
  public func isPresent(_ values: LayoutValues) -> Bool {
    condition == .always || condition.holds(values)
  }
}

extension Layout {
  static func expertModules(_ parts: LayoutParts) -> [String] {
    var modules: [String] = []
    var (others, numbered): ([String], [String]) = ([], [])
    for rule in parts.tensors where rule.kinds != nil {
      guard rule.isOfExperts else {
        others.append(rule.name.start)
        if case .renamed(let native) = rule.native { others.append(native.start) }
        continue
      }
      let module = rule.name.start.lastIndex(of: ".").map { String(rule.name.start[...$0]) }
      if rule.name.hasExpert, let module { numbered.append(module) }
      if let module { modules.append(module) }
    }
    modules += parts.groups.map(\.module)
    var result: [String] = []
    for module in modules where !module.isEmpty && !result.contains(module) {
      // Beside numbered experts, their module may have another tensor.
      if numbered.contains(module) || !others.contains(where: { $0.hasPrefix(module) }) {
        result.append(module)
      }
    }
    return result
  }

  /// The shape of a group's native tensor for a number of experts, or nil where sizes overflow or no
  /// part is present.
  public func extents(of group: NativeGroup, _ values: LayoutValues, experts: Int) -> [Int]? {
    var result: [Int]?
    for position in group.parts where tensors[position].isPresent(values) {
      let rule = tensors[position]
      guard case .part(_, let terms) = rule.native, let disk = rule.extents(values) else {
        return nil
      }
      var extents: [Int] = []
      for (axis, term) in terms.enumerated() {
        let own = axis == group.expertAxis ? experts : term.axis.map { disk[$0] } ?? experts
        guard let extent = term.extent(of: own, values) else { return nil }
        extents.append(extent)
      }
      result = result.map { zip($0, extents).map(max) } ?? extents
    }
    return result
  }
}

extension IndexTerm {
  /// What the axis must at least have for so many indices on disk, or nil where that overflows.
  func extent(of count: Int, _ values: LayoutValues) -> Int? {
    guard let offset = offset.value(values), offset >= 0 else { return nil }
    if exchangesHalves { return count == 2 * offset ? count : nil }
    if coefficient == 1 {
      let (sum, overflows) = count.addingReportingOverflow(offset)
      return overflows ? nil : sum
    }
    // Interleaved parts fill whole rows of as many parts as the coefficient says.
    let (product, overflows) = count.multipliedReportingOverflow(by: coefficient)
    return overflows || offset >= coefficient ? nil : product
  }
}

extension IndexTerm {
  /// The native index of one on disk, nil where the offset has no value.
  public func index(_ index: Int, _ values: LayoutValues) -> Int? {
    offset.value(values).map { offset in
      exchangesHalves ? (index + offset) % max(1, 2 * offset) : coefficient * index + offset
    }
  }
}

extension Layout {
  /// The type that loading casts to where a target type is asked for.
  public func target(_ asked: DType) -> DType { castsAll?[asked] ?? asked }

  /// The type in native form of a tensor that no rule gives a type.
  public func loaded(_ own: DType, asked: DType) -> DType {
    castsAll != nil && own.isFloatingPoint ? target(asked) : own
  }
}

/// What lies between disk and native form.
public enum LayoutOperation: String, Sendable, Hashable, CaseIterable {
  /// Tensors have another name natively.
  case renamed
  /// Experts are joined in one tensor.
  case groupedOverExperts = "grouped over experts"
  /// Experts are in one tensor on disk, too.
  case groupedOnDisk = "grouped on disk"
  /// Two axes are exchanged.
  case transposed
  /// Two parts are behind each other in one tensor.
  case halves
  /// The halves of an axis are exchanged.
  case halvesExchanged = "halves exchanged"
  /// Elements of two parts are in turn.
  case interleaved
  /// Prediction layers are dropped when loading.
  case predictionDropped = "MTP dropped"
  /// Prediction layers are converted like others.
  case predictionKept = "MTP kept"
  /// The same elements have another shape natively.
  case reshaped
  /// One tensor on disk is several natively.
  case cut
  /// The last rows on disk are zeros that native form lacks.
  case cropped
  /// Tensors get a type whatever is asked for.
  case typeForced = "type forced"
  /// All tensors are cast, not experts alone.
  case allCast = "all cast"
  /// Some keys come after all others when loading.
  case movedLast = "moved last"
  /// Names begin otherwise natively.
  case prefixExchanged = "prefix exchanged"
}

extension Layout {
  /// The operations that the native form needs, in the order of their list.
  public var operations: [LayoutOperation] {
    LayoutOperation.allCases.filter { needs($0) }
  }

  private func needs(_ operation: LayoutOperation) -> Bool {
    switch operation {
    case .renamed:
      tensors.contains { if case .renamed = $0.native { true } else { false } }
    case .groupedOverExperts: tensors.contains { $0.isOfExperts && $0.name.hasExpert }
    case .groupedOnDisk: tensors.contains { $0.isOfExperts && !$0.name.hasExpert }
    case .transposed: terms.contains { Self.isTransposed($0) }
    case .halves:
      groups.contains { group in
        let parts = group.parts.filter { !Self.isInterleaved(terms(of: $0)) }
        return parts.count > 1
      }
    case .halvesExchanged: terms.contains { $0.contains(where: \.exchangesHalves) }
    case .interleaved: terms.contains { Self.isInterleaved($0) }
    case .predictionDropped: layers.prediction?.isDroppedOnLoad == true
    case .predictionKept: layers.prediction?.isDroppedOnLoad == false
    case .cut: tensors.contains { !$0.pieces.isEmpty }
    case .reshaped: tensors.contains { $0.nativeExtents != nil && !$0.isCropped }
    case .cropped: tensors.contains(where: \.isCropped)
    case .typeForced: tensors.contains { $0.loadedType != nil }
    case .allCast: castsAll != nil
    case .movedLast: !order.isEmpty
    case .prefixExchanged: !starts.isEmpty
    }
  }

  private var terms: [[IndexTerm]] { tensors.indices.map { terms(of: $0) } }

  private func terms(of tensor: Int) -> [IndexTerm] {
    if case .part(_, let terms) = tensors[tensor].native { terms } else { [] }
  }

  private static func isTransposed(_ terms: [IndexTerm]) -> Bool {
    let axes = terms.compactMap(\.axis)
    return axes != axes.sorted()
  }

  private static func isInterleaved(_ terms: [IndexTerm]) -> Bool {
    terms.contains { $0.coefficient > 1 }
  }
}
