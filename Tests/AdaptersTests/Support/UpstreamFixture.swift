// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Foundation
import Layouts
import Tensors

/// What nemo-automodel's adapter made of small state dicts, as `make_order_fixture.py` recorded it.
struct UpstreamFixture: Decodable {
  let cases: [Case]

  struct Sizes: Decodable {
    let E: Int
    let H: Int
    let I: Int
    let layers: String
    let mtp: Int
    let activation: String
    let prefix: String
  }

  struct Case: Decodable {
    let name: String
    let sizes: Sizes
    let preserve: Bool?
    let dtype: String?
    let hint: String?
    let exclude: String?
    let input: [String]
    let native: [String]
    let back: [String]
  }

  struct Malformed: Error { let text: String }

  static func load() throws -> UpstreamFixture {
    guard
      let url = Bundle.module.url(
        forResource: "upstream-order", withExtension: "json", subdirectory: "Fixtures")
    else { throw Malformed(text: "no fixture") }
    return try JSONDecoder().decode(Self.self, from: Data(contentsOf: url))
  }
}

extension UpstreamFixture.Case {
  func config() throws -> ModelConfig {
    try ModelConfig(
      vocabularySize: 2, hiddenSize: sizes.H, denseIntermediateSize: 6,
      moeIntermediateSize: sizes.I, expertCount: sizes.E,
      layerKinds: sizes.layers.map { $0 == "d" ? .dense : .sparse }, mtpLayerCount: sizes.mtp,
      attentionHeadCount: 2, keyValueHeadCount: 1, headSize: 3)
  }

  func options() throws -> AdapterOptions {
    guard let activation = ExpertActivation(rawValue: sizes.activation),
      let prefix = ModelPrefix(rawValue: sizes.prefix),
      let target = DType(rawValue: dtype ?? "BF16")
    else { throw UpstreamFixture.Malformed(text: name) }
    return AdapterOptions(
      targetDType: target, activation: activation, prefix: prefix,
      mtpPolicy: preserve == true ? .preserve : .drop, completeness: .presentGroups,
      paramWrapperLayout: hint.flatMap(ParamWrapperLayout.init(rawValue:)))
  }

  /// The input, each element with its own address as its bits, except that a LoRA factor A of an
  /// up projection repeats that of the gate projection.
  func inputStateDict() throws -> StateDict {
    let infos = try inputInfos()
    var starts: [TensorName: UInt64] = [:]
    var address: UInt64 = 0
    for info in infos {
      starts[info.name] = address
      address += UInt64(info.shape.elementCount)
    }
    return try StateDict(
      infos.map { info in
        let gate = info.name.text.replacing(".up_proj.lora_A.", with: ".gate_proj.lora_A.")
        let start = try (starts[TensorName(gate)] ?? starts[info.name]).orMalformed(name)
        return (info.name, try Tensor(info.dtype, info.shape) { start + UInt64($0) })
      })
  }

  func nativeStateDict() throws -> StateDict { try outputs(native) }

  func backStateDict() throws -> StateDict { try outputs(back) }

  private func inputInfos() throws -> [TensorInfo] {
    try input.map { try Self.info($0.split(separator: " ")) }
  }

  private func outputs(_ lines: [String]) throws -> StateDict {
    let inputs = try inputInfos()
    return try StateDict(
      lines.map { line in
        let words = line.split(separator: " ")
        let info =
          try words.count == 2
          ? inputs[Int(words[0]).orMalformed(line)] : Self.info(words.dropLast())
        let bytes = try words.last.flatMap(Self.bytes).orMalformed(line)
        return (info.name, try Tensor(info.dtype, info.shape, bytes: bytes))
      })
  }

  private static func info(_ words: [Substring]) throws -> TensorInfo {
    guard words.count == 3, let dtype = DType(rawValue: String(words[1])) else {
      throw UpstreamFixture.Malformed(text: words.joined(separator: " "))
    }
    let extents =
      try words[2] == "scalar"
      ? [] : words[2].split(separator: "x").map { try Int($0).orMalformed(String($0)) }
    return TensorInfo(TensorName(String(words[0])), dtype, try Shape(extents))
  }

  private static func bytes(_ hexadecimal: Substring) -> [UInt8]? {
    let digits = hexadecimal.utf8.compactMap { Character(UnicodeScalar($0)).hexDigitValue }
    guard digits.count.isMultiple(of: 2) else { return nil }
    return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] * 16 + digits[$0 + 1]) }
  }
}

extension Optional {
  fileprivate func orMalformed(_ text: String) throws -> Wrapped {
    guard let value = self else { throw UpstreamFixture.Malformed(text: text) }
    return value
  }
}
