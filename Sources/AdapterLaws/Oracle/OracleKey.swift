// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts
import Tensors

/// A key of a layer, read by the oracle.
struct OracleKey {
  /// What stands before the layers.
  let prefix: Substring
  let layer: Int
  /// All up to what belongs to the layer, with the dot behind its number.
  let base: Substring
  /// What belongs to the layer.
  let tail: Substring

  /// The parts of a key, or nil if it belongs to no layer.
  ///
  /// - Parameter block: What names of layers have before the number, without the prefix.
  init?(_ name: TensorName, _ block: String) {
    let text = name.text
    var start = text.startIndex
    while !text.utf8[start...].starts(with: block.utf8) {
      guard let dot = text.utf8[start...].firstIndex(of: UInt8(ascii: ".")) else { return nil }
      start = text.utf8.index(after: dot)
    }
    let number = text.utf8.index(start, offsetBy: block.utf8.count)
    guard let (layer, rest) = text[number...].leadingNumber, rest.utf8.first == UInt8(ascii: ".")
    else { return nil }
    self.layer = layer
    prefix = text[..<start]
    tail = Substring(rest.utf8.dropFirst())
    base = text[..<tail.startIndex]
  }
}
