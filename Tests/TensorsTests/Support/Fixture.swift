// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Foundation

/// The results of casts that torch made; see `make_cast_fixture.py` for the format.
enum Fixture {
  static func words(_ name: String, width: Int) throws -> [UInt64] {
    let url = Bundle.module.bundleURL.appendingPathComponent("Fixtures/Casts/\(name)")
    let bytes = [UInt8](try Data(contentsOf: url))
    return stride(from: 0, to: bytes.count, by: width).map { start in
      bytes[start..<start + width].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
  }
}

func hex(_ value: some BinaryInteger) -> String { "0x" + String(value, radix: 16) }
