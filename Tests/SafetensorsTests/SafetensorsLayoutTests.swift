// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Safetensors
import Tensors
import Testing

@Suite("Laying out safetensors files")
struct SafetensorsLayoutTests {
  @Test("Files of the original library are written byte for byte", arguments: [false, true])
  func byteEquality(reversed: Bool) throws {
    for name in SafetensorsFileTests.names {
      let bytes = try Fixtures.bytes("\(name).safetensors")
      let file = try SafetensorsFile(.bytes(bytes))
      let pairs = file.stateDict.map { ($0.name, $0.tensor) }
      let stateDict = try StateDict(reversed ? pairs.reversed() : pairs)
      let written = try SafetensorsFile.serialize(stateDict, metadata: file.metadata)
      #expect(firstDifference(written, bytes) == nil, "\(name)")
    }
  }

  @Test("Entries are where the written file has them")
  func entries() throws {
    let bytes = try Fixtures.bytes("dtypes.safetensors")
    let file = try SafetensorsFile(.bytes(bytes))
    let layout = try SafetensorsLayout(file.infos, metadata: file.metadata)
    #expect(layout.fileByteCount == bytes.count)
    #expect(layout.header.count == file.dataOffset)
    for (position, entry) in layout.entries.enumerated() {
      #expect(layout.position(of: entry.info.name) == position)
      let isSame = file.tensor(named: entry.info.name)?.byteArray == Array(bytes[entry.fileRange])
      #expect(isSame, "\(entry.info)")
    }
  }

  @Test("Metadata keys are sorted by their UTF-8 bytes")
  func metadata() throws {
    let metadata: SafetensorsMetadata = ["😀": "1", "b": "2", "": "3", "\u{ff5e}": "4", "B": "5"]
    let header = try SafetensorsLayout([], metadata: metadata).header
    let text = String(decoding: header.dropFirst(8), as: UTF8.self)
    let expected =
      "{\"__metadata__\":{\"\":\"3\",\"B\":\"5\",\"b\":\"2\",\"\u{ff5e}\":\"4\",\"😀\":\"1\"}}"
    #expect(text.trimmingPrefix(expected).allSatisfy { $0 == " " })
    #expect(text.hasPrefix(expected))
    #expect(header.count % 8 == 0)
  }

  @Test("Names that occur twice or are reserved are errors")
  func names() {
    for (names, code) in [
      (["a", "b", "a"], SafetensorsError.Code.duplicateKey), (["__metadata__"], .reservedName),
    ] {
      let infos = names.map { TensorInfo(TensorName($0), .u8, [1]) }
      let error = #expect(throws: SafetensorsError.self) { try SafetensorsLayout(infos) }
      #expect(error?.code == code)
      #expect(error?.keys == [names[0]])
    }
  }

  @Test("Sizes that overflow are errors, and huge ones are not")
  func overflow() throws {
    let huge = try Shape([1 << 62])
    let one = TensorInfo("a", .u8, huge)
    #expect(try SafetensorsLayout([one]).fileByteCount > 1 << 62)
    for infos in [
      [one, TensorInfo("b", .u8, huge)], [TensorInfo("a", .f32, huge)],
      [TensorInfo("a", .u8, try Shape([.max]))],
    ] {
      let error = #expect(throws: SafetensorsError.self) { try SafetensorsLayout(infos) }
      #expect(error?.code == .sizeOverflow)
    }
  }
}
