// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// Where an element that an adapter put somewhere came from.
public enum Origin: Sendable, Hashable {
  /// The element with this address among the elements of all sources.
  case element(Int)
  /// All bits are zero whatever the sources hold.
  case zero
  /// The bits are these whatever the sources hold.
  case constant(UInt64)
  /// The bits are no address and change.
  case unknown

  /// The address, or nil if the element is none of the sources'.
  var address: Int? {
    if case .element(let address) = self { return address }
    return nil
  }
}
