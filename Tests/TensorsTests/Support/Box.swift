// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Tensors

/// A copy between two byte arrays, done by `StridedCopy` and, index by index, by an oracle.
struct Box: CustomStringConvertible {
  var extents: [Int]
  var source: StridedLayout
  var destination: StridedLayout
  var types: (from: DType, to: DType)

  var description: String {
    "\(extents) of \(types.from) at \(source) to \(types.to) at \(destination)"
  }

  /// Lays axes out in an order, innermost last, with some room after each if there is a source
  /// of numbers for it.
  static func layout(
    _ extents: [Int], order: [Int], offset: Int = 0, room: () -> Int = { 0 }
  ) -> StridedLayout {
    var strides = extents
    var next = 1
    for axis in order.reversed() {
      strides[axis] = next
      next *= extents[axis] + room()
    }
    return StridedLayout(offset: offset, strides: strides)
  }

  static func random(_ random: inout Random, types: (from: DType, to: DType)) -> Box {
    let rank = random.int(0...4)
    let sizes = [1, 1, 2, 3, 4, 7, 8, 9, 13]
    let extents = (0..<rank).map { _ in sizes[random.int(0...sizes.count - 1)] }
    let order = Array(0..<rank)
    // Half the layouts are packed in the axes' order, so that axes merge.
    var (from, to) = (order, order)
    if random.int(0...1) == 1 { from.shuffle(using: &random) }
    if random.int(0...1) == 1 { to.shuffle(using: &random) }
    let spacious = random.int(0...1) == 1
    func room() -> Int { spacious ? random.int(0...2) : 0 }
    return Box(
      extents: extents,
      source: layout(extents, order: from, offset: random.int(0...5), room: room),
      destination: layout(extents, order: to, offset: random.int(0...5), room: room),
      types: types)
  }

  /// Returns what is wrong with the copy of random bytes, or nil.
  func mismatch(_ random: inout Random) throws -> String? {
    let from = randomBytes(&random, size(source) * types.from.byteCount + random.int(0...9))
    let before = randomBytes(&random, size(destination) * types.to.byteCount + random.int(0...9))
    let expected = try oracle(from: from, to: before)
    var found = before
    let copy = try StridedCopy(
      extents: extents, source: source, sourceType: types.from, destination: destination,
      destinationType: types.to)
    run(copy, from: from, to: &found)
    if let at = found.indices.first(where: { found[$0] != expected[$0] }) {
      return "\(self): byte \(at) is \(found[at]), not \(expected[at])"
    }
    for count in [1, 2, 3] where count <= copy.partCount(of: 1) {
      found = before
      // The parts are run past the cache, and the last one first.
      for part in (0..<count).reversed() {
        run(copy.part(part, of: count), from: from, to: &found, pastCache: true)
      }
      if let at = found.indices.first(where: { found[$0] != expected[$0] }) {
        return "\(self) in \(count) parts: byte \(at) is \(found[at]), not \(expected[at])"
      }
    }
    return nil
  }

  private func oracle(from: [UInt8], to: [UInt8]) throws -> [UInt8] {
    let cast = try Cast(from: types.from, to: types.to)
    var result = to
    for index in 0..<extents.reduce(1, *) {
      var (rest, source, destination) = (index, source.offset, destination.offset)
      for axis in extents.indices.reversed() {
        source += rest % extents[axis] * self.source.strides[axis]
        destination += rest % extents[axis] * self.destination.strides[axis]
        rest /= extents[axis]
      }
      var bits: UInt64 = 0
      for byte in (0..<types.from.byteCount).reversed() {
        bits = bits << 8 | UInt64(from[source * types.from.byteCount + byte])
      }
      bits = cast(bits: bits)
      for byte in 0..<types.to.byteCount {
        result[destination * types.to.byteCount + byte] = UInt8(truncatingIfNeeded: bits)
        bits >>= 8
      }
    }
    return result
  }

  private func size(_ layout: StridedLayout) -> Int {
    guard !extents.contains(0) else { return 0 }
    return layout.offset + 1 + zip(extents, layout.strides).map { ($0 - 1) * $1 }.reduce(0, +)
  }
}

func randomBytes(_ random: inout Random, _ count: Int) -> [UInt8] {
  (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
}

func run(_ copy: StridedCopy, from: [UInt8], to: inout [UInt8], pastCache: Bool = false) {
  unsafe from.withUnsafeBytes { source in
    unsafe to.withUnsafeMutableBytes { target in
      // The arrays are different ones and valid here.
      unsafe copy(from: source, to: target, pastCache: pastCache)
    }
  }
}
