// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Tensors

/// What the elements of generated tensors are, as a function of the seed, the tensor's name and
/// element type, the address of its first element and the element's row-major index.
///
/// Shape and neighbors have no part in it, so that any tensor, or any beginning of it, can be made
/// alone and in another language: `hymt2.contents` gives the same bits with NumPy.
public struct TensorContents: Sendable, Hashable {
  /// The kinds of contents, simplest first.
  public enum Kind: Sendable, Hashable {
    /// Every element is one special pattern of its type, counted modulo their number; pattern 0 has
    /// no bit set.
    case constant(pattern: Int)
    /// One base-64 digit of the element's address, 0 the least significant, as one of 64 patterns
    /// that survive every cast between floating-point types; digits beyond the address are 0.
    case tracer(digit: Int)
    /// The low bits of the element's address: every pattern, NaNs included.
    case iota
    /// The bits of the tensor's Philox stream as little-endian bytes; BOOL takes the lowest bit of
    /// its byte.
    case random
    /// Special patterns of the type, element i chosen by word i of the tensor's Philox stream.
    case special

    /// The name without parameters, as Python has it.
    public var name: String {
      switch self {
      case .constant: "constant"
      case .tracer: "tracer"
      case .iota: "iota"
      case .random: "random"
      case .special: "special"
      }
    }
  }

  /// What the elements are.
  public var kind: Kind
  /// The seed of `random` and `special` contents.
  public var seed: UInt64

  /// Contents of a kind.
  public init(_ kind: Kind, seed: UInt64 = 0) {
    self.kind = kind
    self.seed = seed
  }

  /// A tensor with these contents, whose first element has an address.
  ///
  /// - Throws: `TensorError.invalidShape` if the size overflows, `TensorError.outOfMemory`.
  public func tensor(_ info: TensorInfo, address: UInt64) throws(TensorError) -> Tensor {
    var buffer = try ByteBuffer(count: info.shape.byteCount(of: info.dtype))
    unsafe buffer.withUnsafeMutableBytes { (bytes: UnsafeMutableRawBufferPointer) in
      unsafe fill(bytes, of: info, address: address)
    }
    return try Tensor(info.dtype, info.shape, storage: buffer.freeze())
  }

  /// The pattern of the element at a row-major index, which may lie beyond the tensor's shape.
  ///
  /// - Complexity: O(1), and the length of the name for `random` and `special`.
  public func bits(of info: TensorInfo, address: UInt64, at index: Int) -> UInt64 {
    precondition(index >= 0, "element \(index) of \(info)")
    let place = UInt64(index)
    let mask = Self.mask(of: info.dtype)
    switch kind {
    case .constant(let pattern):
      return Self.constant(pattern, info.dtype)
    case .tracer(let digit):
      let address = address &+ place
      return TracerAlphabet(info.dtype).bits(of: address >> Self.shift(ofDigit: digit) & 63)
    case .iota:
      return (address &+ place) & mask
    case .random:
      let perWord = UInt64(8 / info.dtype.byteCount)
      let word = Philox4x64(seed: seed, name: info.name).word(place / perWord)
      return word >> (place % perWord * UInt64(8 * info.dtype.byteCount)) & mask
    case .special:
      let patterns = SpecialPatterns.of(info.dtype)
      let word = Philox4x64(seed: seed, name: info.name).word(place)
      return patterns[Int(word % UInt64(patterns.count))]
    }
  }

  /// The bits an element may have: all of its bytes, of BOOL the lowest.
  static func mask(of dtype: DType) -> UInt64 {
    dtype == .bool ? 1 : .max >> UInt64(64 - 8 * dtype.byteCount)
  }

  static func constant(_ pattern: Int, _ dtype: DType) -> UInt64 {
    let patterns = SpecialPatterns.of(dtype)
    let remainder = pattern % patterns.count
    return patterns[remainder < 0 ? remainder + patterns.count : remainder]
  }

  /// How far to shift an address to the right for a digit; for one it does not have, out of it.
  static func shift(ofDigit digit: Int) -> UInt64 {
    (0...10).contains(digit) ? UInt64(6 * digit) : 64
  }
}

extension TensorContents {
  /// A checkpoint of tensors with these contents, in order, in one allocation.
  ///
  /// Each tensor starts at a multiple of 64 bytes in memory. The first element of a tensor has the
  /// address given for it, one for each tensor, or by default the number of elements before it.
  ///
  /// - Throws: `TensorError.invalidShape` or `TensorError.outOfMemory` for sizes beyond 64 bits or
  ///   the memory there is, `TensorError.duplicateName`.
  public static func stateDict(
    _ infos: [TensorInfo], contents: TensorContents, addresses: [UInt64]? = nil
  ) throws(TensorError) -> StateDict {
    precondition(addresses.map { $0.count == infos.count } ?? true, "an address for each tensor")
    var offsets: [Int] = []
    offsets.reserveCapacity(infos.count)
    var end = 0
    for info in infos {
      offsets.append(end)
      end = try Self.end(of: info, from: end)
    }

    var buffer = try ByteBuffer(count: end + alignment)
    let start = unsafe buffer.withUnsafeMutableBytes { (bytes: UnsafeMutableRawBufferPointer) in
      // The allocator aligns less, and the room at the end lets everything move up.
      let start = -Int(bitPattern: bytes.baseAddress) & (alignment - 1)
      var address: UInt64 = 0
      for (number, info) in infos.enumerated() {
        let first = start + offsets[number]
        let size = info.shape.elementCount * info.dtype.byteCount
        let part = unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[first..<first + size])
        unsafe contents.fill(part, of: info, address: addresses?[number] ?? address)
        address &+= UInt64(info.shape.elementCount)
      }
      return start
    }

    let storage = buffer.freeze()
    var result = StateDict()
    for (number, info) in infos.enumerated() {
      let tensor = try Tensor(
        info.dtype, info.shape, storage: storage, byteOffset: start + offsets[number])
      try result.insert(tensor, named: info.name)
    }
    return result
  }

  /// A cache line.
  private static let alignment = 64

  /// The first aligned offset after a tensor.
  private static func end(of info: TensorInfo, from offset: Int) throws(TensorError) -> Int {
    let size = try info.shape.byteCount(of: info.dtype)
    let (end, overflow) = size.addingReportingOverflow(offset)
    guard !overflow, end <= Int.max - 2 * alignment else { throw .outOfMemory(byteCount: size) }
    return (end + alignment - 1) & -alignment
  }
}
