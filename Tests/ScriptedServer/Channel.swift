// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import ExternalAdapters
import Safetensors
import Tensors

#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

/// Frames on standard input and output, read and written until they are whole.
enum Channel {
  /// The next request, nil at the end of standard input.
  static func read() -> ProtocolFrame? {
    guard let prefix = bytes(8) else { return nil }
    let size = prefix.reversed().reduce(0) { $0 << 8 | Int($1) }
    guard let body = bytes(size) else { return nil }
    // Bytes have no padding that could be read uninitialized.
    guard let storage = try? TensorStorage.copying(unsafe body.span.bytes) else { return nil }
    do {
      return try ProtocolFrame(decoding: storage)
    } catch {
      report("\(error)\n")
      exit(65)
    }
  }

  static func write(_ frame: ProtocolFrame) { write(encoded(frame)) }

  static func encoded(_ frame: ProtocolFrame) -> [UInt8] { (try? frame.encoded()) ?? [] }

  static func write(_ bytes: [UInt8]) { write(bytes, to: 1) }

  static func report(_ text: String) { write(Array(text.utf8), to: 2) }

  private static func write(_ bytes: [UInt8], to descriptor: Int32) {
    var done = 0
    while done < bytes.count {
      // The buffer does not leave the closure.
      let count = unsafe bytes.withUnsafeBytes { buffer in
        #if canImport(Glibc)
        unsafe Glibc.write(
          descriptor, UnsafeRawBufferPointer(rebasing: buffer[done...]).baseAddress,
          bytes.count - done)
        #else
        unsafe Musl.write(
          descriptor, UnsafeRawBufferPointer(rebasing: buffer[done...]).baseAddress,
          bytes.count - done)
        #endif
      }
      guard count > 0 else { exit(66) }
      done += count
    }
  }

  private static func bytes(_ size: Int) -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: size)
    var done = 0
    while done < size {
      // The buffer does not leave the closure.
      let count = unsafe bytes.withUnsafeMutableBytes { buffer in
        #if canImport(Glibc)
        unsafe Glibc.read(
          0, UnsafeMutableRawBufferPointer(rebasing: buffer[done...]).baseAddress, size - done)
        #else
        unsafe Musl.read(
          0, UnsafeMutableRawBufferPointer(rebasing: buffer[done...]).baseAddress, size - done)
        #endif
      }
      guard count > 0 else { return nil }
      done += count
    }
    return bytes
  }
}
