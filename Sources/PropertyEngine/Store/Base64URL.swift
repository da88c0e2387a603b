// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

private let alphabet = Array(
  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

/// Bytes as characters that can stand in a shell command and a URL, without padding.
func base64URL(_ bytes: [UInt8]) -> String {
  var text: [UInt8] = []
  var buffer: UInt32 = 0
  var bits: UInt32 = 0
  for byte in bytes {
    buffer = buffer << 8 | UInt32(byte)
    bits += 8
    while bits >= 6 {
      bits -= 6
      text.append(alphabet[Int(buffer >> bits & 63)])
    }
  }
  if bits > 0 { text.append(alphabet[Int(buffer << (6 - bits) & 63)]) }
  return String(decoding: text, as: UTF8.self)
}

/// The bytes of the characters of `text` after `start`, an offset in UTF-8 bytes.
func decodedBase64URL(_ text: String, from start: Int) throws(StoredFailureError) -> [UInt8] {
  var bytes: [UInt8] = []
  var buffer: UInt32 = 0
  var bits: UInt32 = 0
  for (offset, character) in text.utf8.enumerated().dropFirst(start) {
    guard let value = alphabet.firstIndex(of: character) else {
      throw .invalidCharacter(offset: offset)
    }
    buffer = buffer << 6 | UInt32(value)
    bits += 6
    if bits >= 8 {
      bits -= 8
      bytes.append(UInt8(truncatingIfNeeded: buffer >> bits))
    }
  }
  return bytes
}
