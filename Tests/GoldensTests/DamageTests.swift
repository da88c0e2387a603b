// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Foundation
import Goldens
import Tensors
import Testing

/// What libhdf5 and the digests inside a file make of damage, without the manifest's help.
@Suite struct DamageTests {
  private let original: [UInt8]
  private let golden: GoldenCase

  init() throws {
    let scratch = try ScratchSet()
    original = try scratch.bytes("lora.h5")
    golden = try GoldenCase(parsing: original, of: "lora.h5")
  }

  /// Whether a file is read to other tensors than the original's.
  private func isMisread(_ bytes: [UInt8]) -> Bool {
    guard let found = try? GoldenCase(parsing: bytes, of: "damaged.h5") else { return false }
    return found.groups != golden.groups
  }

  @Test func noFlippedBitChangesTensorsUnnoticed() throws {
    for position in stride(from: 0, to: original.count, by: 97) {
      var bytes = original
      bytes[position] ^= 1 << UInt8(position % 8)
      #expect(!isMisread(bytes), "bit of byte \(position)")
    }
  }

  @Test func noTruncatedFileIsRead() throws {
    for count in stride(from: 0, to: original.count, by: 211) {
      let cut = Array(original.prefix(count))
      let isRead = (try? GoldenCase(parsing: cut, of: "cut.h5")) != nil
      #expect(!isRead, "\(count) bytes of \(original.count)")
    }
  }

  @Test func aChangedBitOfDataIsAWrongDigest() throws {
    let tensor = try #require(golden[.native].tensors.first)
    var data: [UInt8] = []
    for offset in 0..<tensor.byteCount {
      // The load checks the offset.
      data.append(unsafe tensor.bytes.unsafeLoad(fromByteOffset: offset, as: UInt8.self))
    }
    let position = try #require(original.firstRange(of: data)).lowerBound
    var bytes = original
    bytes[position] ^= 1
    #expect(code { _ = try GoldenCase(parsing: bytes, of: "changed.h5") } == .wrongContent)
  }
}
