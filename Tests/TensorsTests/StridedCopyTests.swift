// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Dispatch
import Tensors
import Testing

private let widths: [DType] = [.u8, .bf16, .f32, .i64]
private let casts: [(DType, DType)] = [
  (.f32, .bf16), (.f16, .bf16), (.bf16, .f32), (.f8E4M3, .bf16), (.f64, .f8E5M2), (.f8E8M0, .f64),
]

@Suite("Copies of boxes")
struct StridedCopyTests {
  @Test("Random boxes arrive where the layouts say, and nothing else changes")
  func randomBoxes() throws {
    var random = Random(seed: 7)
    for types in widths.map({ ($0, $0) }) + casts {
      for _ in 0..<40 {
        let box = Box.random(&random, types: types)
        #expect(try box.mismatch(&random) == nil)
      }
    }
  }

  @Test("Matrices of sizes around those of blocks and tiles are transposed, also as parts")
  func transposes() throws {
    var random = Random(seed: 8)
    for (rows, columns) in [
      (1, 9), (7, 8), (8, 7), (8, 8), (9, 9), (31, 33), (64, 16), (65, 9), (127, 8), (128, 9),
      (129, 7), (8, 127), (9, 128), (7, 129), (3, 257), (2, 513), (257, 2),
    ] {
      for types in widths.map({ ($0, $0) }) + casts.prefix(1) {
        let extents = [rows, columns]
        var box = Box(
          extents: extents, source: Box.layout(extents, order: [0, 1]),
          destination: Box.layout(extents, order: [1, 0]), types: types)
        #expect(try box.mismatch(&random) == nil)
        box.source = Box.layout(extents, order: [0, 1], offset: 3, room: { 5 })
        box.destination = Box.layout(extents, order: [1, 0], offset: 1, room: { 2 })
        #expect(try box.mismatch(&random) == nil)
      }
    }
  }

  @Test("All small matrices are copied in any order of axes, close together and with odd distances")
  func smallMatrices() throws {
    var random = Random(seed: 12)
    for types in widths.map({ ($0, $0) }) + [(.bf16, .f32), (.f32, .bf16)] {
      let sizes = Array(1...9) + [15, 16, 17]
      for rows in sizes {
        for columns in sizes {
          let extents = [rows, columns]
          for (from, to) in [([0, 1], [0, 1]), ([0, 1], [1, 0]), ([1, 0], [0, 1])] {
            for (gap, after) in [(1, 3), (2, 0), (3, 1)] {
              // Elements of a row are apart by the gap, on either side.
              let spread = Box.layout(extents + [gap], order: from + [2], offset: 1) { after }
              let close = Box.layout(extents, order: to, offset: after)
              let sparse = StridedLayout(offset: 1, strides: Array(spread.strides.prefix(2)))
              for (source, destination) in [(sparse, close), (close, sparse)] {
                let box = Box(
                  extents: extents, source: source, destination: destination, types: types)
                #expect(try box.mismatch(&random) == nil)
              }
            }
          }
        }
      }
    }
  }

  @Test("Long interleaved rows come apart and together again")
  func interleaved() throws {
    var random = Random(seed: 13)
    for types in widths.map({ ($0, $0) }) + [(.bf16, .f32), (.f32, .bf16)] {
      for (length, halves) in [(1023, 2), (1025, 2), (2050, 3), (40, 7)] {
        let extents = [2, halves, length]
        let apart = Box.layout(extents, order: [0, 1, 2], offset: 3)
        let together = Box.layout(extents, order: [0, 2, 1])
        for (source, destination) in [(apart, together), (together, apart)] {
          let box = Box(extents: extents, source: source, destination: destination, types: types)
          #expect(try box.mismatch(&random) == nil)
        }
      }
    }
  }

  @Test("Threads fill the parts of one destination")
  func threads() throws {
    var random = Random(seed: 14)
    let extents = [300, 500]
    let box = Box(
      extents: extents, source: Box.layout(extents, order: [0, 1]),
      destination: Box.layout(extents, order: [1, 0]), types: (.bf16, .bf16))
    let copy = try StridedCopy(
      extents: extents, source: box.source, sourceType: .bf16, destination: box.destination,
      destinationType: .bf16)
    let from = randomBytes(&random, 300_000)
    var (whole, found) = (from, from)
    #expect(try box.mismatch(&random) == nil)
    run(copy, from: from, to: &whole)
    unsafe from.withUnsafeBytes { source in
      unsafe found.withUnsafeMutableBytes { target in
        // Parts have no element in common.
        nonisolated(unsafe) let (source, target) = unsafe (source, target)
        DispatchQueue.concurrentPerform(iterations: 8) { part in
          unsafe copy.part(part, of: 8)(from: source, to: target, pastCache: part % 2 == 0)
        }
      }
    }
    #expect(found == whole)
  }

  @Test("Two experts' gate and up halves land side by side")
  func gateAndUp() throws {
    // [expert, half, intermediate, hidden] to [expert, hidden, half, intermediate].
    var random = Random(seed: 9)
    let extents = [2, 2, 17, 40]
    let box = Box(
      extents: extents, source: Box.layout(extents, order: [0, 1, 2, 3]),
      destination: Box.layout(extents, order: [0, 3, 1, 2]), types: (.bf16, .bf16))
    #expect(try box.mismatch(&random) == nil)
  }

  /// Optimized builds cast several elements of a row at once.
  @Test("A long row is cast as its elements are, wherever it starts", arguments: [0, 1])
  func longRows(offset: Int) throws {
    for source in DType.allCases where source.isFloatingPoint {
      let width = source.byteCount
      let count = width == 1 ? 256 : 8192
      // The leading two bytes of an element take all values in steps.
      let step = 65536 / count
      var from = [UInt8](repeating: 0, count: offset)
      for index in 0..<count {
        let bits =
          width == 1 ? UInt64(index) : UInt64(index * step + index % step) << (8 * width - 16)
        for byte in 0..<width { from.append(UInt8(truncatingIfNeeded: bits >> (8 * byte))) }
      }
      for target in DType.allCases where target.isFloatingPoint && target != .f8E8M0 {
        let mismatch = try firstMismatch(from, offset, source, target, count)
        #expect(mismatch == nil, "\(source) -> \(target)")
      }
    }
  }

  /// Casts bytes that start at an offset, to bytes that start there.
  private func firstMismatch(
    _ from: [UInt8], _ offset: Int, _ source: DType, _ target: DType, _ count: Int
  ) throws -> Int? {
    let cast = try Cast(from: source, to: target)
    let layout = StridedLayout(offset: 0, strides: [1])
    let copy = try StridedCopy(
      extents: [count], source: layout, sourceType: source, destination: layout,
      destinationType: target)
    var to = [UInt8](repeating: 0, count: offset + count * target.byteCount)
    unsafe from.withUnsafeBytes { from in
      unsafe to.withUnsafeMutableBytes { to in
        // Both arrays hold an offset and the elements, and are different arrays.
        unsafe copy(
          from: UnsafeRawBufferPointer(rebasing: from[offset...]),
          to: UnsafeMutableRawBufferPointer(rebasing: to[offset...]))
      }
    }
    func bits(_ bytes: [UInt8], _ index: Int, _ width: Int) -> UInt64 {
      (0..<width).reversed().reduce(0) { $0 << 8 | UInt64(bytes[offset + index * width + $1]) }
    }
    return (0..<count).first {
      bits(to, $0, target.byteCount) != cast(bits: bits(from, $0, source.byteCount))
    }
  }

  @Test("A source stride of zero repeats an element")
  func broadcast() throws {
    var random = Random(seed: 10)
    for strides in [[0, 1], [1, 0], [0, 0]] {
      let box = Box(
        extents: [3, 20], source: StridedLayout(offset: 2, strides: strides),
        destination: StridedLayout(offset: 0, strides: [20, 1]), types: (.f32, .bf16))
      #expect(try box.mismatch(&random) == nil)
    }
  }

  @Test("A box without elements needs no memory")
  func empty() throws {
    var random = Random(seed: 11)
    let box = Box(
      extents: [3, 0], source: StridedLayout(offset: 9, strides: [1, 1]),
      destination: StridedLayout(offset: 9, strides: [0, 1]), types: (.u8, .u8))
    #expect(try box.mismatch(&random) == nil)
    let copy = try StridedCopy(
      extents: box.extents, source: box.source, sourceType: .u16, destination: box.destination,
      destinationType: .u16)
    var nothing: [UInt8] = []
    run(copy, from: [], to: &nothing)
    #expect(nothing.isEmpty)
  }

  @Test("What cannot be copied is an error")
  func errors() {
    func make(_ extents: [Int], _ strides: [Int], _ from: DType, _ to: DType) throws {
      let layout = StridedLayout(offset: 1, strides: strides)
      _ = try StridedCopy(
        extents: extents, source: layout, sourceType: from, destination: layout,
        destinationType: to)
    }
    #expect(throws: TensorError.unsupportedCast(from: .f32, to: .i32)) {
      try make([2], [1], .f32, .i32)
    }
    for (extents, strides) in [
      ([-1], [1]), ([.max, 2], [2, 1]), ([2], [.max]), ([.max], [1]), ([3], [.max / 2 + 1]),
      ([2], [.max / 2]),
    ] {
      #expect(throws: TensorError.self, "\(extents) \(strides)") {
        try make(extents, strides, .u16, .u16)
      }
    }
    #expect(throws: TensorError.self) { try make([2, 2], [.max, 1], .u8, .u8) }
    #expect(throws: TensorError.self) { try make([2], [.max - 1], .u8, .u8) }
    #expect(throws: TensorError.self) { try make([3, 2], [1 << 62, 1], .u8, .u8) }
  }

  @Test("Positions that just fit are planned, though no memory has them")
  func hugeStrides() throws {
    for strides in [[1, 1 << 62], [1 << 62, 1]] {
      _ = try StridedCopy(
        extents: [2, 2], source: StridedLayout(offset: 0, strides: strides), sourceType: .u8,
        destination: StridedLayout(offset: 0, strides: [2, 1]), destinationType: .u8)
    }
  }

  @Test("Too little memory and impossible layouts stop the program")
  func preconditions() async {
    await #expect(processExitsWith: .failure) {
      _ = StridedLayout(offset: 0, strides: [-1])
    }
    await #expect(processExitsWith: .failure) {
      let layout = StridedLayout(offset: 0, strides: [1])
      let copy = try StridedCopy(
        extents: [4], source: layout, sourceType: .u16, destination: layout,
        destinationType: .u16)
      var found = [UInt8](repeating: 0, count: 7)
      run(copy, from: [UInt8](repeating: 0, count: 8), to: &found)
    }
  }
}
