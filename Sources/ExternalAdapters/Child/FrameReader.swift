// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import AdapterLaws
internal import Tensors

/// Collects the bytes of one frame after the other from a pipe, and sees early what is no frame.
struct FrameReader: ~Copyable {
  /// What reading came to.
  enum Progress {
    case frame(TensorStorage)
    case needsMore
    case end
  }

  private let limit: Int
  private var prefix: [UInt8] = []
  /// The size of the frame, once it is known.
  private var size: Int?
  private var body: ByteBuffer?
  private var filled = 0
  private var isChecked = false

  /// Creates a reader of frames of at most a number of bytes.
  init(limit: Int) {
    self.limit = limit
  }

  /// Sizes above this are no sizes that anyone would send.
  private static let largestPlausible = UInt64(1) << 40

  /// Reads until a frame is complete or nothing is left to be read now.
  mutating func read(from pipe: borrowing PipeEnd) throws(ChildFault) -> Progress {
    while true {
      let transfer = size == nil ? readPrefix(pipe) : readBody(pipe)
      switch transfer {
      case .wouldBlock: return .needsMore
      case .end: return .end
      case .bytes: break
      }
      if size == nil, prefix.count == ProtocolFrame.lengthByteCount { try begin(pipe) }
      if let frame = try complete(pipe) { return .frame(frame) }
    }
  }

  /// What has come of a frame's size, nil if nothing or all of it has.
  var begun: [UInt8]? { size == nil && !prefix.isEmpty ? prefix : nil }

  /// How much of a frame has come, as text; nil if none of one.
  var account: String? {
    if prefix.isEmpty { return nil }
    let begun = prefix.count
    guard let size else { return "\(begun) of the 8 bytes of a frame's size" }
    return "\(filled) of \(size) bytes"
  }

  private mutating func readPrefix(_ pipe: borrowing PipeEnd) -> PipeEnd.Transfer {
    var bytes: UInt64 = 0
    let wanted = ProtocolFrame.lengthByteCount - prefix.count
    return unsafe withUnsafeMutableBytes(of: &bytes) { buffer in
      let transfer = unsafe pipe.read(
        into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted]))
      if case .bytes(let count) = transfer { unsafe prefix += buffer[..<count] }
      return transfer
    }
  }

  private mutating func readBody(_ pipe: borrowing PipeEnd) -> PipeEnd.Transfer {
    let start = filled
    let transfer: PipeEnd.Transfer? = unsafe body?.withUnsafeMutableBytes { buffer in
      unsafe pipe.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[start...]))
    }
    if case .bytes(let count) = transfer { filled += count }
    return transfer ?? .end
  }

  /// Checks the size and makes room for the frame, which the system provides as it is filled.
  private mutating func begin(_ pipe: borrowing PipeEnd) throws(ChildFault) {
    let size = prefix.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard size <= UInt64(limit) else {
      if size > Self.largestPlausible || Self.looksPrinted(prefix) {
        throw .garbage(prefix, pipe)
      }
      throw ChildFault(
        .oversized,
        "expected a frame of at most \(DisplayText.size(limit)), found a size of \(size) bytes")
    }
    guard size > UInt64(Self.smallestBody) else {
      throw .garbage(prefix, pipe)
    }
    do {
      body = try ByteBuffer(count: Int(size))
    } catch {
      throw ChildFault(.oversized, "there is no memory for a frame of \(size) bytes")
    }
    self.size = Int(size)
    filled = 0
    isChecked = false
  }

  /// The length of a header and the brace that it begins with.
  private static let smallestBody = 9

  private mutating func complete(
    _ pipe: borrowing PipeEnd
  ) throws(ChildFault) -> TensorStorage? {
    guard let size, filled >= Self.smallestBody else { return nil }
    if !isChecked {
      try checkStart(size, pipe)
      isChecked = true
    }
    guard filled == size else { return nil }
    prefix.removeAll(keepingCapacity: true)
    self.size = nil
    return body.take()?.freeze()
  }

  /// Notices other bytes in place of a frame before as many have come as they seem to announce.
  private mutating func checkStart(
    _ size: Int, _ pipe: borrowing PipeEnd
  ) throws(ChildFault) {
    var start: [UInt8] = []
    unsafe body?.withUnsafeMutableBytes { buffer in
      unsafe start += buffer[..<Self.smallestBody]
    }
    let header = start[..<8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard start[8] == UInt8(ascii: "{"), header <= UInt64(size - 8) else {
      throw .garbage(prefix + start, pipe)
    }
  }

  private static func looksPrinted(_ bytes: [UInt8]) -> Bool {
    let text = bytes.prefix { $0 >= 0x20 && $0 != 0x7f || $0 == UInt8(ascii: "\n") }
    return text.count >= 6 || text.contains(UInt8(ascii: "\n"))
  }
}
