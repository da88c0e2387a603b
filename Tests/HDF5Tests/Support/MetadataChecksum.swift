// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// The checksum of HDF5 metadata (Bob Jenkins' lookup3), to make damage that the library believes.
enum MetadataChecksum {
  static func of(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    var a = 0xdead_beef &+ UInt32(truncatingIfNeeded: bytes.count)
    var (b, c) = (a, a)
    var start = bytes.startIndex
    while true {
      func word(_ offset: Int) -> UInt32 {
        (0..<4).reduce(0) { word, index in
          let at = start + offset + index
          return word | (at < bytes.endIndex ? UInt32(bytes[at]) << UInt32(8 * index) : 0)
        }
      }
      (a, b, c) = (a &+ word(0), b &+ word(4), c &+ word(8))
      start += 12
      if start >= bytes.endIndex { break }
      for count: UInt32 in [4, 6, 8, 16, 19, 4] {
        a = (a &- c) ^ rotated(c, count)
        c &+= b
        (a, b, c) = (b, c, a)
      }
    }
    for count: UInt32 in [14, 11, 25, 16, 4, 14, 24] {
      c = (c ^ b) &- rotated(b, count)
      (a, b, c) = (b, c, a)
    }
    return b
  }

  /// The ranges that checksums cover in a small file: the superblock and object headers of one part.
  static func ranges(in file: [UInt8]) -> [Range<Int>] {
    var ranges = [0..<44]
    for start in file.indices.dropLast(16) where file[start...].starts(with: Array("OHDR".utf8)) {
      let width = 1 << Int(file[start + 5] & 3)
      let size = (0..<width).reduce(0) { $0 | Int(file[start + 6 + $1]) << (8 * $1) }
      let end = start + 6 + width + size
      if end + 4 <= file.count { ranges.append(start..<end) }
    }
    return ranges
  }

  /// Makes the checksums of ranges right.
  static func repair(_ ranges: [Range<Int>], in file: inout [UInt8]) {
    for range in ranges {
      let checksum = of(file[range])
      for index in 0..<4 {
        file[range.upperBound + index] = UInt8(truncatingIfNeeded: checksum >> UInt32(8 * index))
      }
    }
  }

  private static func rotated(_ word: UInt32, _ count: UInt32) -> UInt32 {
    word << count | word >> (32 - count)
  }
}
