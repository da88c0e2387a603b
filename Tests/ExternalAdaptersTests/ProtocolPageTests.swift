// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import CheckpointGenerators
import Foundation
import Safetensors
import StrictJSON
import Tensors
import Testing

@testable import ExternalAdapters

@Suite("docs/adapter-protocol.md")
struct ProtocolPageTests {
  /// The blocks of the page that begin with ```hex, as bytes.
  private static func exchanges() throws -> [[UInt8]] {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let page = try String(
      contentsOf: root.appending(path: "docs/adapter-protocol.md"), encoding: .utf8)
    return page.components(separatedBy: "```hex\n").dropFirst().map { block in
      block.prefix { $0 != "`" }.split(separator: "\n").flatMap { line in
        // 16 bytes in columns, then the same as text.
        line.prefix(48).split(separator: " ").compactMap { UInt8($0, radix: 16) }
      }
    }
  }

  private static func dump(_ bytes: [UInt8]) -> String {
    stride(from: 0, to: bytes.count, by: 16).map { start in
      let row = bytes[start..<min(start + 16, bytes.count)]
      let columns = row.map { String(format: "%02x", $0) }.joined(separator: " ")
      let text = row.map { (32..<127).contains($0) ? String(UnicodeScalar($0)) : "." }.joined()
      return columns.padding(toLength: 49, withPad: " ", startingAt: 0) + text
    }.joined(separator: "\n")
  }

  @Test("The request on the page is the one that is sent, and the answer is understood")
  func exchange() throws {
    let exchanges = try Self.exchanges()
    #expect(exchanges.count == 2)
    let sent = try ProtocolRequest.hello.encoded(id: "1").bytes
    #expect(exchanges.first == sent, "the page should show\n\(Self.dump(sent))")
    let answer = try #require(exchanges.last)
    let buffer = Array(answer.dropFirst(ProtocolFrame.lengthByteCount))
    let tensor = try Tensor(.u8, Shape([buffer.count]), bytes: buffer)
    let frame = try ProtocolFrame(decoding: TensorStorage.copying(tensor.bytes))
    #expect(frame.metadata["id"] == "1" && frame.metadata["ok"] == "true")
    #expect(frame.metadata["name"] == "mine")
    let supports = try JSONValue(parsing: Array((frame.metadata["supports"] ?? "").utf8))
    var selections: [AxisSelection] = []
    let axes = try #require(supports.objectValue)
    for axis in axes.keys {
      selections.append(
        AxisSelection(axis, (axes[axis]?.arrayValue ?? []).compactMap(\.stringValue)))
    }
    var space = CheckpointSpace()
    try space.restrict(to: selections)
    #expect(space.conflict == nil)
  }
}
