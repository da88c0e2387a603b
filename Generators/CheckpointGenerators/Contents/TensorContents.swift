// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Tensors

/// What the elements of generated tensors are: a kind and a seed.
public struct TensorContents: Sendable, Hashable {
  /// The kinds of contents, simplest first.
  public enum Kind: Sendable, Hashable {
    case constant(pattern: Int)
    case tracer(digit: Int)
    case iota
    case random
    case special
  }

  /// How elements are made.
  public var kind: Kind
  /// Keys everything random.
  public var seed: UInt64

  /// Creates contents.
  public init(_ kind: Kind, seed: UInt64 = 0) {
    self.kind = kind
    self.seed = seed
  }

  /// The tensors of infos, whose elements have addresses counting up from zero.
  public func tensors(_ infos: [TensorInfo]) throws(TensorError) -> [Tensor] {
    var address: UInt64 = 0
    var result: [Tensor] = []
    for info in infos {
      let start = address
      address &+= UInt64(info.shape.elementCount)
      result.append(try Tensor(info.dtype, info.shape) { start &+ UInt64($0) })
    }
    return result
  }
}
