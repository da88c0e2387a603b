// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import HDF5
import Testing

@Suite("Damaged HDF5 files")
struct DamagedFileTests {
  let bytes: [UInt8]
  let names: [String]

  init() throws {
    let folder = try TemporaryFolder()
    try smallContent().write(to: folder.path("base.h5"))
    bytes = try folder.bytes("base.h5")
    names = listing(try content(bytes))
  }

  @Test("Every truncation, and anything before or after the file, is an error")
  func sizes() {
    for count in 0..<bytes.count {
      #expect(!isAccepted(Array(bytes[..<count])), "\(count) bytes")
    }
    #expect(!isAccepted(bytes + [0]))
    #expect(!isAccepted(bytes + bytes))
    #expect(!isAccepted([UInt8](repeating: 0, count: 512) + bytes))
  }

  @Test("A flipped bit changes data or is an error, and never changes what is listed")
  func bitFlips() {
    var acceptedCount = 0
    for index in bytes.indices {
      var damaged = bytes
      damaged[index] ^= 1 << UInt8(index % 8)
      if isAccepted(damaged) { acceptedCount += 1 }
    }
    // At least the bytes of the two tensors.
    #expect(acceptedCount >= 16)
  }

  @Test("Two thousand random mutations never crash and never change what is listed")
  func mutations() {
    var random = SplitMix(seed: 1)
    for _ in 0..<2000 {
      var damaged = bytes
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let at = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: damaged[at] = 0xff
        case 1: damaged[at] = UInt8.random(in: 0...255, using: &random)
        case 2: damaged.swapAt(at, Int.random(in: 0..<bytes.count, using: &random))
        default:
          for index in at..<min(at + 8, bytes.count) { damaged[index] = 0 }
        }
      }
      _ = isAccepted(damaged)
    }
  }

  /// Whether a file is accepted; then its listing must be that of the base.
  private func isAccepted(_ bytes: [UInt8]) -> Bool {
    do throws(HDF5Error) {
      let found = listing(try content(bytes))
      #expect(found == names, "the listing has changed")
      return true
    } catch {
      return false
    }
  }
}

/// A small generator of equal numbers on every machine (SplitMix64).
private struct SplitMix: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var word = state
    word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
    word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
    return word ^ (word >> 31)
  }
}
