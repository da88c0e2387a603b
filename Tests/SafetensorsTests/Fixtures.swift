// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Foundation
import StrictJSON
import Tensors

/// The files made by `Generators/python/tools/make_safetensors_fixtures.py`.
enum Fixtures {
  static func path(_ name: String) -> String {
    Bundle.module.bundleURL.appending(path: "Fixtures/\(name)").path(percentEncoded: false)
  }

  static func bytes(_ name: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(filePath: path(name))))
  }

  static func json(_ name: String) throws -> JSONValue {
    try JSONValue(parsing: bytes(name))
  }

  static func fromHex(_ text: String) -> [UInt8] {
    let digits = Array(text.utf8)
    return stride(from: 0, to: digits.count, by: 2).map {
      UInt8(String(decoding: digits[$0..<$0 + 2], as: UTF8.self), radix: 16) ?? 0
    }
  }
}

extension Tensor {
  /// A copy of the data, for comparisons.
  var byteArray: [UInt8] {
    unsafe withUnsafeBytes { unsafe Array($0) }
  }
}

/// The position of the first difference, which a failed expectation prints instead of all bytes.
func firstDifference(_ a: [UInt8], _ b: [UInt8]) -> Int? {
  zip(a, b).enumerated().first { $1.0 != $1.1 }?.offset
    ?? (a.count == b.count ? nil : min(a.count, b.count))
}

/// A reproducible source of random numbers.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}

/// The number of this process, which is part of temporary names.
let processNumber = ProcessInfo.processInfo.processIdentifier
