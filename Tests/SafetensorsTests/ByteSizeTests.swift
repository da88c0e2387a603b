// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Safetensors
import Testing

@Suite("Sizes in bytes")
struct ByteSizeTests {
  @Test(
    "Sizes are read with decimal and binary units in either case",
    arguments: [
      ("5GB", 5_000_000_000), ("2GiB", 2_147_483_648), ("500MB", 500_000_000), ("1kb", 1000),
      ("1 KiB", 1024), ("0", 0), ("4096", 4096), ("7B", 7), ("1.5MB", 1_500_000),
      ("0.0000015MB", nil), ("0.5KiB", 512), ("1TB", 1_000_000_000_000), ("1tib", 1 << 40),
      ("0.000001TiB", 1_099_511), ("9223372036854775807", Int.max), ("1.9B", 1),
      ("9223372036854775808", nil), ("9223373TB", nil), ("", nil), ("GB", nil), ("-1GB", nil),
      ("+1GB", nil), ("1e3", nil), ("1.GB", nil), (".5GB", nil), ("1..5GB", nil), ("1.5.5GB", nil),
      ("5 G B", nil), ("5XB", nil), ("5PB", nil), (" 5GB", nil), ("٣GB", nil),
    ] as [(String, Int?)])
  func sizes(_ text: String, _ expected: Int?) throws {
    if let expected {
      #expect(try ByteSize(text).byteCount == expected)
    } else {
      let error = #expect(throws: SafetensorsError.self) { try ByteSize(text) }
      #expect(error?.code == .invalidByteSize)
      #expect(error?.keys == [text])
    }
  }
}
