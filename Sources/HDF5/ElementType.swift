// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import CHDF5

/// The unsigned little-endian integers that stand for raw bits.
enum ElementType {
  /// The widths in bytes and the library's types, which it owns.
  static var all: [(byteCount: Int, id: hid_t)] {
    [(1, chdf5_u8()), (2, chdf5_u16()), (4, chdf5_u32()), (8, chdf5_u64())]
  }

  /// The type of this many bytes: in a file and in memory, so that nothing is ever converted.
  static func id(byteCount: Int) -> hid_t {
    switch byteCount {
    case 1: chdf5_u8()
    case 2: chdf5_u16()
    case 4: chdf5_u32()
    default: chdf5_u64()
    }
  }
}
