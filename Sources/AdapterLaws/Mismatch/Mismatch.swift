// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Tensors

/// How one state dict differs from what it should be.
public struct Mismatch: Sendable {
  /// Keys that should be there and are not, in the expected order.
  public var missing: [TensorName] = []
  /// Keys that are there and should not be, in the order found.
  public var surplus: [TensorName] = []
  /// Whether the keys are the right ones in another order.
  public var isReordered = false

  /// Compares two state dicts; gives nil if they are equal.
  ///
  /// - Parameter ordered: Whether the order of the keys matters.
  /// - Complexity: O(bytes).
  public init?(expected: StateDict, found: StateDict, ordered: Bool = true) {
    missing = expected.names.filter { found[$0] == nil }
    surplus = found.names.filter { expected[$0] == nil }
    isReordered =
      ordered && missing.isEmpty && surplus.isEmpty && expected.names != found.names
    let isSame = expected.allSatisfy { name, tensor in found[name].map { $0 == tensor } ?? true }
    if missing.isEmpty, surplus.isEmpty, !isReordered, isSame { return nil }
  }

  /// The way the two differ, which stays the same while a failure is made smaller.
  public var kind: String {
    if !missing.isEmpty { return "missing key" }
    if !surplus.isEmpty { return "surplus key" }
    return isReordered ? "order of keys" : "elements"
  }

  /// The class of the tensors that differ.
  public var place: String { "" }

  /// What differs, in one line.
  public var summary: String { kind }
}

extension Trial {
  /// Throws if two state dicts that a law wants equal are not.
  func require(
    _ found: StateDict, equals expected: StateDict, ordered: Bool = true, _ step: ConversionStep
  ) throws(Violation) {
    guard let mismatch = Mismatch(expected: expected, found: found, ordered: ordered) else {
      return
    }
    throw Violation(
      mismatch.kind, place: mismatch.place, step: step,
      evidence: .init(expected: expected, found: found), mismatch.summary)
  }
}
