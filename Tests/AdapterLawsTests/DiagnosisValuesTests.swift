// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import CheckpointGenerators
import Layouts
import PlantedFaults
import Tensors
import Testing

@Suite("Diagnosis of faults that depend on values")
struct DiagnosisValuesTests {
  @Test("Each planted fault is named", arguments: try planted())
  func named(fault: PlantedDiagnosis) {
    let found = Diagnosis.of(fault.violation, fault.spec, fault.adapter).sentences
    #expect(found == fault.sentences)
  }

  static func planted() throws -> [PlantedDiagnosis] {
    try patterns() + arithmetics() + roundings()
  }

  /// A fault that maps the bits of some tensors, shown on elements of given bits.
  static func mapping(
    _ name: String, _ text: String, of bits: [UInt64], _ sentences: String...,
    map: @escaping @Sendable (UInt64) -> UInt64
  ) throws -> PlantedDiagnosis {
    let spec = try SmallSpec.make()
    let adapter = FaultyAdapter(nativeOut: { dict, _ in
      // What adapters do to values does not touch tracers, whose values are plain.
      try dict.editing(text) { try $0.mappingBits { bits.contains($0) ? map($0) : $0 } }
    })
    let onDisk = try Checkpoint(spec).stateDict().editing(text) { tensor in
      try tensor.reindexed { $0 }.filled(bits)
    }
    let expected = try ReferenceAdapter().session(for: spec.setup).fromHF(onDisk, nil)
    let found = try adapter.session(for: spec.setup).fromHF(onDisk, nil)
    return PlantedDiagnosis(
      name, spec, adapter, step: .fromHF(nil),
      evidence: .init(expected: expected, found: found), sentences)
  }

  static func patterns() throws -> [PlantedDiagnosis] {
    [
      try mapping(
        "-0.0 lost", "o_proj", of: [0x8000, 0x3f80],
        "-0.0 became +0.0 in o_proj when loading in every layer; look for arithmetic such as "
          + "adding zero"
      ) { $0 == 0x8000 ? 0 : $0 },
      try mapping(
        "payloads lost", "o_proj", of: [0x7fc1, 0x7fd2],
        "NaNs lost their payload in o_proj when loading in every layer"
      ) { _ in 0x7fc0 },
      try mapping(
        "signs of NaNs lost", "o_proj", of: [0xffc0],
        "NaNs lost their sign in o_proj when loading in every layer"
      ) { _ in 0x7fc0 },
      try mapping(
        "NaNs canonicalised", "o_proj", of: [0xffc1, 0xffd2],
        "NaNs lost payload and sign in o_proj when loading in every layer"
      ) { _ in 0x7fc0 },
      try mapping(
        "NaNs quieted", "o_proj", of: [0x7f81, 0xff82],
        "signalling NaNs were quieted in o_proj when loading in every layer"
      ) { $0 | 0x40 },
      try mapping(
        "NaNs replaced", "o_proj", of: [0x7fc0],
        "NaNs became numbers in o_proj when loading in every layer"
      ) { _ in 0 },
      try mapping(
        "subnormals flushed", "o_proj", of: [0x0001, 0x807f],
        "subnormal numbers were flushed to zero in o_proj when loading in every layer"
      ) { $0 & 0x8000 },
      try mapping(
        "infinities", "o_proj", of: [0x7f80, 0xff80],
        "infinities became finite in o_proj when loading in every layer"
      ) { $0 - 1 },
      try mapping(
        "bytes swapped", "o_proj", of: [0x1234, 0x4567],
        "the bytes of each element of o_proj are swapped when loading in every layer"
      ) {
        $0 >> 8 | $0 << 8 & 0xff00
      },
      try mapping(
        "bit flipped", "o_proj", of: [0x1234, 0x4567],
        "bit 4 of o_proj is flipped when loading in every layer"
      ) { $0 ^ 0x10 },
      try mapping(
        "clipped", "o_proj", of: [0x4341, 0xc351, 0x4361],
        "o_proj is clipped at 0x4300 when loading in every layer"
      ) {
        $0 & 0x8000 | 0x4300
      },
      try mapping(
        "through float8", "o_proj", of: [0x3f81, 0x3fc3, 0x4015],
        "o_proj went through float8_e4m3fn when loading in every layer; look for an "
          + "intermediate type"
      ) { bits in
        let there = try? Cast(from: .bf16, to: .f8E4M3)
        let back = try? Cast(from: .f8E4M3, to: .bf16)
        return there.flatMap { there in back.map { $0(bits: there(bits: bits)) } } ?? bits
      },
      try mapping(
        "something else", "o_proj", of: [0x3f81, 0x3f82],
        "values of o_proj changed when loading in every layer: "
          + "model.layers.0.self_attn.o_proj.weight[0, 0] is 0x4fff instead of 0x3f81"
      ) {
        $0 == 0x3f81 ? 0x4fff : 1
      },
      try mapping(
        "two faults", "o_proj", of: [0x8000, 0x7f81],
        "-0.0 became +0.0 in o_proj when loading in every layer; look for arithmetic such as "
          + "adding zero",
        "signalling NaNs were quieted in o_proj when loading in every layer"
      ) {
        $0 == 0x8000 ? 0 : $0 | 0x40
      },
    ]
  }

  /// A fault that edits tensors of plain random numbers.
  static func arithmetic(
    _ name: String, _ text: String, _ sentence: String, _ map: @escaping @Sendable (Float) -> Float
  ) throws -> PlantedDiagnosis {
    let spec = try SmallSpec.make(contents: TensorContents(.tracer(digit: 0)))
    let adapter = FaultyAdapter(nativeOut: { dict, _ in
      try dict.editing(text) {
        try $0.mappingBits { bits in
          UInt64(map(Float(bitPattern: UInt32(bits) << 16)).bitPattern >> 16)
        }
      }
    })
    let onDisk = try Checkpoint(spec).stateDict()
    let expected = try ReferenceAdapter().session(for: spec.setup).fromHF(onDisk, nil)
    let found = try adapter.session(for: spec.setup).fromHF(onDisk, nil)
    return PlantedDiagnosis(
      name, spec, adapter, step: .fromHF(nil),
      evidence: .init(expected: expected, found: found), [sentence])
  }

  static func arithmetics() throws -> [PlantedDiagnosis] {
    [
      try arithmetic(
        "one added to norms", "layernorm",
        "1 was added to input_layernorm and post_attention_layernorm when loading in every layer"
      ) { $0 + 1 },
      try arithmetic(
        "output projection doubled", "o_proj",
        "o_proj is multiplied by 2.0 when loading in every layer"
      ) { $0 * 2 },
    ]
  }

  /// A wrong rounding of experts from float32 to bfloat16.
  static func rounding(
    _ name: String, _ sentence: String, _ round: @escaping @Sendable (UInt64) -> UInt64
  ) throws -> PlantedDiagnosis {
    let spec = try SmallSpec.make(
      types: SourceTypes(experts: .f32), contents: TensorContents(.random, seed: 5))
    let adapter = FaultyAdapter(fromHF: { session, dict, call in
      var setup = call.setup
      setup.options.targetDType = .f32
      let wide = try ReferenceAdapter().session(for: setup).fromHF(dict, call.rank)
      let right = try session.fromHF(dict, call.rank)
      return try StateDict(
        right.map { name, tensor in
          guard name.text.contains("_projs"), let source = wide[name] else { return (name, tensor) }
          return try (
            name,
            Tensor(.bf16, tensor.shape) { index in
              let bits = source.bits(at: index)
              return bits & 0x7f80_0000 == 0x7f80_0000 ? tensor.bits(at: index) : round(bits)
            }
          )
        })
    })
    let onDisk = try Checkpoint(spec).stateDict()
    let expected = try ReferenceAdapter().session(for: spec.setup).fromHF(onDisk, nil)
    let found = try adapter.session(for: spec.setup).fromHF(onDisk, nil)
    return PlantedDiagnosis(
      name, spec, adapter, step: .fromHF(nil),
      evidence: .init(expected: expected, found: found), [sentence])
  }

  static func roundings() throws -> [PlantedDiagnosis] {
    [
      try rounding(
        "truncated",
        "gate_proj, up_proj and down_proj are rounded toward zero instead of to nearest "
          + "even when loading in layer 1"
      ) { $0 >> 16 },
      try rounding(
        "through float16",
        "gate_proj, up_proj and down_proj went through float16 when loading in layer 1; look "
          + "for an intermediate type"
      ) { bits in
        let cast = { (from: DType, to: DType, bits: UInt64) in
          (try? Cast(from: from, to: to))?(bits: bits) ?? bits
        }
        return cast(.f16, .bf16, cast(.f32, .f16, bits))
      },
    ]
  }
}

extension Tensor {
  /// The same tensor with elements of given bits, again and again.
  fileprivate func filled(_ bits: [UInt64]) throws -> Tensor {
    try Tensor(dtype, shape) { bits[$0 % bits.count] }
  }
}
