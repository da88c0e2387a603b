// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import CDigests

/// The eight working words and what a block does to them (FIPS 180-4, section 6.2.2).
struct SHA256State: Sendable {
  private(set) var words: InlineArray<8, UInt32> = [
    0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a,
    0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
  ]

  private static let constants: InlineArray<64, UInt32> = [
    0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4,
    0xab1c_5ed5, 0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe,
    0x9bdc_06a7, 0xc19b_f174, 0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f,
    0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da, 0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7,
    0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967, 0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc,
    0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85, 0xa2bf_e8a1, 0xa81a_664b,
    0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070, 0x19a4_c116,
    0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
    0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7,
    0xc671_78f2,
  ]

  /// Whether the processor has instructions that take in blocks.
  static let hasInstructions = sha256_has_instructions()

  /// Takes in whole blocks of 64 bytes.
  mutating func compress(_ blocks: RawSpan) {
    guard Self.hasInstructions else { return compressByArithmetic(blocks) }
    var span = words.mutableSpan
    unsafe span.withUnsafeMutableBufferPointer { words in
      // There are eight words, and both buffers are read and written inside the closure only.
      unsafe blocks.withUnsafeBytes { (bytes: UnsafeRawBufferPointer) in
        unsafe sha256_blocks(
          words.baseAddress, bytes.assumingMemoryBound(to: UInt8.self).baseAddress,
          bytes.count / 64)
      }
    }
  }

  /// Does the same on any processor.
  mutating func compressByArithmetic(_ blocks: RawSpan) {
    let constants = Self.constants
    for start in stride(from: 0, to: blocks.byteCount, by: 64) {
      var schedule = InlineArray<16, UInt32> { index in
        // Any four bytes are a word; the load checks the offset.
        let word = unsafe blocks.unsafeLoadUnaligned(
          fromByteOffset: start + 4 * index, as: UInt32.self)
        return UInt32(bigEndian: word)
      }
      var round = Rounds(words)
      for first in stride(from: 0, to: 64, by: 16) {
        if first > 0 { Self.advance(&schedule) }
        // Eight rounds bring every word back to its place, so that none is moved.
        for half in stride(from: 0, to: 16, by: 8) {
          round.eight { schedule[half + $0] &+ constants[first + half + $0] }
        }
      }
      round.add(to: &words)
    }
  }

  /// Replaces sixteen words of the message schedule by the next sixteen.
  @inline(__always)
  private static func advance(_ w: inout InlineArray<16, UInt32>) {
    for index in 0..<16 {
      let near = w[(index + 1) & 15]
      let far = w[(index + 14) & 15]
      let sigma0 = rotated(near, 7) ^ rotated(near, 18) ^ near &>> 3
      let sigma1 = rotated(far, 17) ^ rotated(far, 19) ^ far &>> 10
      w[index] = w[index] &+ sigma0 &+ w[(index + 9) & 15] &+ sigma1
    }
  }

  @inline(__always)
  fileprivate static func rotated(_ word: UInt32, _ count: UInt32) -> UInt32 {
    word &>> count | word &<< (32 &- count)
  }
}

/// The words a to h while rounds run.
private struct Rounds {
  private var a, b, c, d, e, f, g, h: UInt32

  @inline(__always)
  init(_ words: InlineArray<8, UInt32>) {
    (a, b, c, d) = (words[0], words[1], words[2], words[3])
    (e, f, g, h) = (words[4], words[5], words[6], words[7])
  }

  @inline(__always)
  mutating func eight(_ input: (Int) -> UInt32) {
    Self.round(a, b, c, &d, e, f, g, &h, input(0))
    Self.round(h, a, b, &c, d, e, f, &g, input(1))
    Self.round(g, h, a, &b, c, d, e, &f, input(2))
    Self.round(f, g, h, &a, b, c, d, &e, input(3))
    Self.round(e, f, g, &h, a, b, c, &d, input(4))
    Self.round(d, e, f, &g, h, a, b, &c, input(5))
    Self.round(c, d, e, &f, g, h, a, &b, input(6))
    Self.round(b, c, d, &e, f, g, h, &a, input(7))
  }

  @inline(__always)
  private static func round(
    _ a: UInt32, _ b: UInt32, _ c: UInt32, _ d: inout UInt32,
    _ e: UInt32, _ f: UInt32, _ g: UInt32, _ h: inout UInt32, _ input: UInt32
  ) {
    let sum1 =
      SHA256State.rotated(e, 6) ^ SHA256State.rotated(e, 11) ^ SHA256State.rotated(e, 25)
    let first = h &+ sum1 &+ (g ^ (e & (f ^ g))) &+ input
    let sum0 =
      SHA256State.rotated(a, 2) ^ SHA256State.rotated(a, 13) ^ SHA256State.rotated(a, 22)
    d = d &+ first
    h = first &+ sum0 &+ ((a & b) | (c & (a | b)))
  }

  @inline(__always)
  func add(to words: inout InlineArray<8, UInt32>) {
    words[0] &+= a
    words[1] &+= b
    words[2] &+= c
    words[3] &+= d
    words[4] &+= e
    words[5] &+= f
    words[6] &+= g
    words[7] &+= h
  }
}
