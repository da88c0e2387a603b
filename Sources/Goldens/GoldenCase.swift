// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import CheckpointGenerators
public import Digests
public import OrderedCollections
public import Tensors

/// One golden: what an adapter is asked, and what upstream made of it.
public struct GoldenCase: Sendable {
  /// The facts about the case.
  public let description: GoldenDescription
  /// The state dicts by role, keys in their order.
  public let groups: OrderedDictionary<GoldenRole, StateDict>

  /// Creates a case.
  ///
  /// - Throws: `GoldenError` if a state dict is missing that the description needs.
  public init(
    _ description: GoldenDescription, _ groups: OrderedDictionary<GoldenRole, StateDict>
  ) throws(GoldenError) {
    self.description = description
    self.groups = groups
    for role in description.requiredRoles where groups[role] == nil {
      throw GoldenError(
        .malformedFile, description.id, expected: "the group '\(role.rawValue)'", found: "none")
    }
  }

  /// The tensors of a role; empty if there are none.
  public subscript(role: GoldenRole) -> StateDict { groups[role] ?? StateDict() }

  /// What upstream saves of the native form: what is on disk unless another is given.
  public var saved: StateDict { groups[.saved] ?? self[.hf] }

  /// SHA-256 of everything in the case, whatever file it is in.
  ///
  /// - Complexity: O(bytes).
  public var digest: SHA256Digest {
    var digest = ContentDigest()
    digest.append(description.text)
    for role in groups.keys.sorted() {
      let tensors = self[role]
      digest.append(role.rawValue)
      digest.append(tensors.count)
      for (name, tensor) in tensors {
        digest.append(name.text)
        digest.append(tensor.dtype.rawValue)
        digest.append(tensor.shape.rank)
        for extent in tensor.shape.extents { digest.append(extent) }
        digest.append(tensor)
      }
    }
    return digest.hash.digest
  }
}

/// What a state dict is in a case.
public enum GoldenRole: String, Sendable, Hashable, CaseIterable, Comparable {
  /// A checkpoint on disk.
  case hf
  /// Its native form.
  case native
  /// What is on disk after that is saved, if it is not what was there before.
  case saved
  /// What a wrong adapter gives in the place of one of the others.
  case wrong

  /// Whether the name of a role sorts before another's.
  public static func < (lhs: GoldenRole, rhs: GoldenRole) -> Bool {
    TensorName(lhs.rawValue) < TensorName(rhs.rawValue)
  }
}

/// A digest of numbers and of texts and data after their sizes, so that no two contents look alike.
private struct ContentDigest {
  var hash = SHA256()

  mutating func append(_ number: Int) {
    let bytes = (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    // Bytes have no padding that could be read uninitialized.
    unsafe hash.update(bytes.span.bytes)
  }

  mutating func append(_ text: String) {
    let bytes = Array(text.utf8)
    append(bytes.count)
    unsafe hash.update(bytes.span.bytes)
  }

  mutating func append(_ tensor: Tensor) {
    append(tensor.byteCount)
    hash.update(tensor.bytes)
  }
}

extension GoldenCase {
  /// The first axis on which the case has a value that an adapter does not support, nil if it
  /// supports all.
  ///
  /// - Parameter space: The space without what is not supported.
  public func axis(disallowedIn space: CheckpointSpace) -> ConfigAxis? {
    guard !space.allowed.isEmpty else { return nil }
    if let spec = CheckpointSpec(self) { return space.disallowedAxis(AxisValues(spec)) }
    // An exclusion of no spec is on no value of its axis; the others count.
    guard space.allowed[.exclusion] == nil else { return .exclusion }
    return space.disallowedAxis(AxisValues(CheckpointSpec(self, excluding: .none)))
  }
}
