// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import CheckpointGenerators
import Tensors
import Testing

@Suite("The generator Philox4x64-10")
struct Philox4x64Tests {
  @Test("Blocks are NumPy's, up to the last one and its carry")
  func blocks() throws {
    let blocks = try ContentsFixture.read().blocks
    #expect(blocks.count == 32)
    for expected in blocks {
      let key = try expected.key.map(word)
      let generator = Philox4x64(key0: key[0], key1: key[1])
      let found = generator.block(try word(expected.block))
      let words = [found.0, found.1, found.2, found.3].map { String($0, radix: 16) }
      #expect(words == expected.words, "block \(expected.block) of key \(expected.key)")
    }
  }

  @Test("Words are those of the blocks")
  func words() {
    let generator = Philox4x64(key0: 1, key1: 2)
    for index in [0, 1, 77, UInt64.max / 4] {
      let block = generator.block(index)
      let words = (0..<4).map { generator.word(index * 4 + $0) }
      #expect(words == [block.0, block.1, block.2, block.3])
    }
  }

  @Test("The key of a tensor is the seed and the FNV-1a hash of its name")
  func tensorKey() {
    // Published values of the hash.
    for (name, hash) in [
      ("", 0xcbf2_9ce4_8422_2325), ("a", 0xaf63_dc4c_8601_ec8c), ("foobar", 0x8594_4171_f739_67e8),
    ] as [(TensorName, UInt64)] {
      #expect(Philox4x64(seed: 7, name: name) == Philox4x64(key0: 7, key1: hash))
    }
  }
}
