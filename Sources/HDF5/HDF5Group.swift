// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import OrderedCollections
public import Tensors

/// Attributes by name.
///
/// Names are compared by UTF-8 bytes; their order does not reach the file, where they are sorted.
public typealias HDF5Attributes = OrderedDictionary<TensorName, HDF5Attribute>

/// A small fact about a group or a dataset.
public enum HDF5Attribute: Sendable, Equatable, ExpressibleByStringLiteral,
  ExpressibleByIntegerLiteral
{
  /// Text of at most 64 KiB in UTF-8 without NUL, stored with fixed length.
  case text(String)
  /// One unsigned 64-bit integer.
  case number(UInt64)

  /// The greatest size of a text in UTF-8 bytes.
  public static let maximumTextByteCount = 65_536
  /// The greatest number of attributes of one object: libhdf5 stores more in another form.
  public static let maximumCount = 8

  /// Creates a text from a literal.
  public init(stringLiteral value: String) { self = .text(value) }
  /// Creates a number from a literal.
  public init(integerLiteral value: UInt64) { self = .number(value) }

  /// Whether both are the same number or have the same UTF-8 bytes.
  public static func == (lhs: HDF5Attribute, rhs: HDF5Attribute) -> Bool {
    switch (lhs, rhs) {
    case (.text(let a), .text(let b)): TensorName(a) == TensorName(b)
    case (.number(let a), .number(let b)): a == b
    default: false
    }
  }
}

/// A tensor with facts about it.
public struct HDF5Dataset: Sendable, Equatable {
  /// The greatest number of axes.
  public static let maximumRank = 8

  /// The data. A file knows only the width of the elements, so that what is read is of an unsigned
  /// type; which type the bits have is for attributes to say.
  public var tensor: Tensor
  /// The facts about them.
  public var attributes: HDF5Attributes

  /// Creates a dataset.
  public init(_ tensor: Tensor, attributes: HDF5Attributes = [:]) {
    self.tensor = tensor
    self.attributes = attributes
  }
}

/// A group with everything below it; the root group is the content of a file.
///
/// Names are those of single links and may not be empty, `.` or `..`, nor contain `/` or NUL. Their
/// order does not reach the file: members are written and listed by their UTF-8 bytes.
public struct HDF5Group: Sendable, Equatable {
  /// The facts about the group.
  public var attributes: HDF5Attributes
  /// The groups right inside.
  public var groups: OrderedDictionary<TensorName, HDF5Group>
  /// The datasets right inside.
  public var datasets: OrderedDictionary<TensorName, HDF5Dataset>

  /// Creates a group.
  public init(
    attributes: HDF5Attributes = [:], groups: OrderedDictionary<TensorName, HDF5Group> = [:],
    datasets: OrderedDictionary<TensorName, HDF5Dataset> = [:]
  ) {
    self.attributes = attributes
    self.groups = groups
    self.datasets = datasets
  }
}
