// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// A row of elements that lie apart, in the source or the destination.
///
/// The caller vouches for the memory of all elements on both sides. Distances between neighbors, called
/// pitches, are in bytes; no memory need be aligned.
@unsafe
struct SpacedRow {
  let source: UnsafeRawPointer
  let sourcePitch: Int
  let destination: UnsafeMutableRawPointer
  let pitch: Int

  /// Copies elements of 1, 2, 4 or 8 bytes.
  func copy(_ count: Int, width: Int) {
    switch width {
    case 1: unsafe copy(UInt8.self, count)
    case 2: unsafe copy(UInt16.self, count)
    case 4: unsafe copy(UInt32.self, count)
    default: unsafe copy(UInt64.self, count)
    }
  }

  @inline(__always)
  private func copy<Element: SIMDScalar & BitwiseCopyable>(_: Element.Type, _ count: Int) {
    let width = MemoryLayout<Element>.size
    var index = 0
    if unsafe pitch == width && sourcePitch == 2 &* width {
      // The last vector would reach over the last element by one that need not be there.
      while index &+ 8 < count {
        let both = unsafe source.loadUnaligned(
          fromByteOffset: index &* sourcePitch, as: SIMD16<Element>.self)
        unsafe destination.storeBytes(
          of: both.evenHalf, toByteOffset: index &* width, as: SIMD8<Element>.self)
        index &+= 8
      }
    }
    while index < count {
      let element = unsafe source.loadUnaligned(
        fromByteOffset: index &* sourcePitch, as: Element.self)
      unsafe destination.storeBytes(
        of: element, toByteOffset: index &* pitch, as: Element.self)
      index &+= 1
    }
  }
}
