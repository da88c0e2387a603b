// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

extension RawSpan {
  /// The byte at an offset; an offset outside is a programming error.
  package func byte(at offset: Int) -> UInt8 {
    // The load checks the offset against the bounds of the span.
    unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self)
  }

  /// Whether both spans hold the same bytes.
  package func isEqual(to other: RawSpan) -> Bool {
    guard byteCount == other.byteCount else { return false }
    return unsafe withUnsafeBytes { mine in
      unsafe other.withUnsafeBytes { theirs in
        guard let a = mine.baseAddress, let b = theirs.baseAddress else { return true }
        return unsafe memcmp(a, b, mine.count) == 0
      }
    }
  }
}
