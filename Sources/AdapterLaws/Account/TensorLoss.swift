// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

package import Tensors

/// What became of a tensor that a conversion did not keep, the worst first.
public enum TensorFate: String, Sendable, Hashable, CaseIterable {
  /// Nothing of it came out.
  case lost
  /// Another tensor's data stand where it should be.
  case overwritten
  /// It came out with another type, shape or other elements, or in another's place.
  case changed
  /// It came out and did not go in.
  case invented
}

/// A tensor that went into a conversion and is not found again, or one that came from nowhere.
package struct TensorLoss: Sendable {
  /// What became of it.
  package let fate: TensorFate
  /// The key that went in, or the one that came out of what was invented.
  package let name: TensorName
  /// The key that came out at which something else stands.
  var home: TensorName?
  /// The key that went in whose data stand there.
  var other: TensorName?
  /// Whether that key is behind this one in the input.
  var isEarlier = false
  /// The experts of a grouped tensor that are concerned; empty for all and for other tensors.
  var experts: [Int] = []
  /// What is not as it should be.
  var detail: Change?

  /// In what a tensor that came out is not the one that went in.
  enum Change: Sendable, Hashable {
    case type(found: DType, expected: DType)
    case shape(found: String, expected: String)
    case elements
    /// It has fewer columns than its half of a grouped tensor.
    case squeezed(Shape, into: Shape)
    /// The columns of a grouped tensor do not all come out, or not in equal shares, one for each part.
    case split(columns: Int, rows: [Int])
    /// Of an expert's slice only a part went in.
    case part
    /// It stands in the place of another expert.
    case place(ofExpert: Int)
  }

  init(_ fate: TensorFate, _ name: TensorName) {
    self.fate = fate
    self.name = name
  }

  /// Whether both tell of one tensor and one fate.
  func isSame(as other: TensorLoss) -> Bool { fate == other.fate && name == other.name }
}
