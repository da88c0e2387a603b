// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// A tensor's key in a state dict, equal and ordered by its UTF-8 bytes.
///
/// Swift compares strings by Unicode canonical equivalence, so two different keys of a file could
/// merge; names never do.
public struct TensorName: Sendable, Hashable, Comparable, CustomStringConvertible,
  ExpressibleByStringInterpolation
{
  /// The name as text.
  public let text: String

  /// Creates a name from text.
  public init(_ text: String) {
    self.text = text
  }

  /// Creates a name from a literal.
  public init(stringLiteral value: String) {
    self.text = value
  }

  /// Whether both names have the same UTF-8 bytes.
  public static func == (lhs: TensorName, rhs: TensorName) -> Bool {
    // Bytes have no padding that could be read uninitialized.
    unsafe lhs.text.utf8.span.bytes.isEqual(to: rhs.text.utf8.span.bytes)
  }

  /// Whether the first name's UTF-8 bytes sort before the second's.
  public static func < (lhs: TensorName, rhs: TensorName) -> Bool {
    lhs.text.utf8.lexicographicallyPrecedes(rhs.text.utf8)
  }

  /// Feeds the UTF-8 bytes to the hasher.
  public func hash(into hasher: inout Hasher) {
    // The buffer is read inside the closure only, and bytes have no padding.
    unsafe text.utf8.span.bytes.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
  }

  /// Whether the UTF-8 bytes of a text stand somewhere in the name.
  ///
  /// - Complexity: O(bytes of the name x bytes of the part).
  public func contains(_ part: String) -> Bool {
    let (name, part) = (text.utf8.span, part.utf8.span)
    guard part.count <= name.count else { return false }
    return (0...name.count - part.count).contains { start in
      part.indices.allSatisfy { name[start + $0] == part[$0] }
    }
  }

  /// The text shown to people.
  public var description: String { text }
}
