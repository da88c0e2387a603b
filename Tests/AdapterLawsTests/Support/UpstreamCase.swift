// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import CheckpointGenerators
import Foundation
import Layouts
import Tensors

/// What nemo-automodel's adapter made of small state dicts, as `make_order_fixture.py` recorded it for
/// the tests of `Adapters`.
struct UpstreamCase: Decodable {
  struct Sizes: Decodable {
    let E: Int
    let H: Int
    let I: Int
    let layers: String
    let mtp: Int
    let activation: String
    let prefix: String
  }

  let name: String
  let sizes: Sizes
  let preserve: Bool?
  let dtype: String?
  let exclude: String?
  let input: [String]
  let native: [String]
  let back: [String]

  private struct File: Decodable {
    let cases: [UpstreamCase]
  }

  struct Malformed: Error {
    let text: String
  }

  static func load() throws -> [UpstreamCase] {
    let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let file = tests.appending(path: "AdaptersTests/Fixtures/upstream-order.json")
    return try JSONDecoder().decode(File.self, from: Data(contentsOf: file)).cases
  }

  /// The spec, as far as oracles look at it.
  func spec() throws -> CheckpointSpec {
    guard let activation = ExpertActivation(rawValue: sizes.activation),
      let prefix = ModelPrefix(rawValue: sizes.prefix),
      let target = DType(rawValue: dtype ?? "BF16")
    else { throw Malformed(text: name) }
    let layout: LoRASpec.Layout = name.contains("peft-0.18") ? .legacyParamWrapper : .paramWrapper
    return try Sample.spec(
      try Sample.config(
        experts: sizes.E, hidden: sizes.H, inter: sizes.I, mtp: sizes.mtp,
        layers: sizes.layers.map { $0 == "d" ? .dense : .sparse }),
      AdapterOptions(
        targetDType: target, activation: activation, prefix: prefix,
        mtpPolicy: preserve == true ? .preserve : .drop),
      lora: LoRASpec(layout, rank: 2))
  }

  /// Each element of the input has its own address as its bits, but that a factor A of an up projection
  /// repeats that of the gate projection.
  func inputStateDict() throws -> StateDict {
    let infos = try input.map { try Self.info($0.split(separator: " ")) }
    var starts: [TensorName: UInt64] = [:]
    var address: UInt64 = 0
    for info in infos {
      starts[info.name] = address
      address += UInt64(info.shape.elementCount)
    }
    return try StateDict(
      infos.map { info in
        let gate = info.name.text.replacing(".up_proj.lora_A.", with: ".gate_proj.lora_A.")
        let start = starts[TensorName(gate)] ?? starts[info.name] ?? 0
        return (info.name, try Tensor(info.dtype, info.shape) { start + UInt64($0) })
      })
  }

  /// The tensors of `native` or `back`: a name, type and shape or a position in the input, then the
  /// bytes.
  func stateDict(_ lines: [String]) throws -> StateDict {
    try StateDict(
      lines.map { line in
        let words = line.split(separator: " ")
        let described = Int(words[0]).map { input[$0].split(separator: " ") } ?? words.dropLast()
        let info = try Self.info(described)
        let digits = words[words.count - 1].compactMap(\.hexDigitValue)
        let bytes = stride(from: 0, to: digits.count, by: 2).map {
          UInt8(digits[$0] * 16 + digits[$0 + 1])
        }
        return (info.name, try Tensor(info.dtype, info.shape, bytes: bytes))
      })
  }

  private static func info(_ words: [Substring]) throws -> TensorInfo {
    guard words.count == 3, let dtype = DType(rawValue: String(words[1])) else {
      throw Malformed(text: words.joined(separator: " "))
    }
    let extents = words[2] == "scalar" ? [] : words[2].split(separator: "x").compactMap { Int($0) }
    return TensorInfo(TensorName(String(words[0])), dtype, try Shape(extents))
  }
}
