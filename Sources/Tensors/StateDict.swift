// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import OrderedCollections

/// Tensors by name, in a fixed order.
///
/// Equality includes the order of the keys, because adapters must reproduce it.
public struct StateDict: Sendable {
  private var storage: OrderedDictionary<TensorName, Tensor>

  /// Creates an empty state dict.
  public init() {
    storage = [:]
  }

  /// Creates a state dict from pairs in order.
  ///
  /// - Throws: `TensorError.duplicateName` if a name occurs twice.
  public init(_ pairs: some Sequence<(TensorName, Tensor)>) throws(TensorError) {
    storage = OrderedDictionary(minimumCapacity: pairs.underestimatedCount)
    for (name, tensor) in pairs { try insert(tensor, named: name) }
  }

  /// Creates an empty state dict with room for a number of tensors.
  public init(minimumCapacity: Int) {
    storage = OrderedDictionary(minimumCapacity: minimumCapacity)
  }

  /// The number of tensors.
  public var count: Int { storage.count }

  /// Whether there are no tensors.
  public var isEmpty: Bool { storage.isEmpty }

  /// The names in order.
  public var names: OrderedSet<TensorName> { storage.keys }

  /// The tensors in the order of their names.
  public var tensors: [Tensor] { Array(storage.values) }

  /// The name, element type and shape of each tensor, in order.
  public var infos: [TensorInfo] {
    storage.map { TensorInfo($0.key, $0.value.dtype, $0.value.shape) }
  }

  /// The tensor of a name, or nil.
  ///
  /// - Complexity: O(1).
  public subscript(name: TensorName) -> Tensor? { storage[name] }

  /// Appends a tensor under a new name.
  ///
  /// - Throws: `TensorError.duplicateName` if the name is taken.
  public mutating func insert(_ tensor: Tensor, named name: TensorName) throws(TensorError) {
    let count = storage.count
    // One search both finds a taken name and inserts a new one, whose tensor is the default.
    storage.updateValue(forKey: name, default: tensor) { _ in }
    guard storage.count > count else { throw .duplicateName(name) }
  }

  /// Returns the state dict without the names that a predicate rejects, order kept.
  public func filter(_ isIncluded: (TensorName) -> Bool) -> StateDict {
    var result = self
    result.storage = storage.filter { isIncluded($0.key) }
    return result
  }
}

extension StateDict: Collection {
  /// A position in the order of the names.
  public typealias Index = Int

  /// The position of the first tensor.
  public var startIndex: Int { 0 }
  /// The position after the last tensor.
  public var endIndex: Int { storage.count }
  /// The position after another.
  public func index(after index: Int) -> Int { index + 1 }

  /// The name and tensor at a position.
  public subscript(position: Int) -> (name: TensorName, tensor: Tensor) {
    let element = storage.elements[position]
    return (element.key, element.value)
  }
}

extension StateDict: Equatable {
  /// Whether both have equal names in equal order with bit-equal tensors.
  public static func == (lhs: StateDict, rhs: StateDict) -> Bool {
    lhs.storage == rhs.storage
  }
}
