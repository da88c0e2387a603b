// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Tensors
import Testing

@Suite("Tensor errors")
struct TensorErrorTests {
  @Test("Messages say what was expected and found")
  func messages() {
    let cases: [(TensorError, String)] = [
      (
        .invalidShape(extents: [2, -1], reason: "extent -1 is negative"),
        "shape [2, -1] is invalid: extent -1 is negative"
      ),
      (
        .byteCountMismatch(expected: 8, found: 6),
        "the tensor needs 8 bytes of data, but 6 are given"
      ),
      (.duplicateName("a.b"), "the key 'a.b' occurs twice"),
      (.outOfMemory(byteCount: 9), "cannot allocate 9 bytes"),
      (
        .unsupportedCast(from: .f32, to: .i8),
        "F32 cannot be cast to I8: only floating-point types other than F8_E8M0 are cast to"
      ),
      (.file(path: "x", operation: "open", reason: "denied"), "cannot open 'x': denied"),
    ]
    for (error, message) in cases { #expect(error.description == message) }
  }
}
