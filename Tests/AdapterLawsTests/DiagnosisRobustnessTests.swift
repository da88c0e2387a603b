// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import CheckpointGenerators
import Layouts
import PlantedFaults
import PropertyEngine
import Synchronization
import Tensors
import Testing

@Suite("Diagnosis of adapters that return anything")
struct DiagnosisRobustnessTests {
  /// Ways to spoil a state dict.
  static let spoilings: [@Sendable (StateDict) throws -> StateDict] = [
    { _ in StateDict() },
    { dict in try StateDict(dict.map { ($0.name, try Tensor(.bf16, []) { _ in 7 }) }) },
    { dict in try StateDict(dict.map { ($0.name, try Tensor(.u8, [0, 3]) { _ in 7 }) }) },
    { dict in try StateDict(dict.map { ($0.name, try Tensor(.f64, [2, 1, 3, 1]) { UInt64($0) }) })
    },
    { dict in
      try dict.editing("") { try $0.mappingBits { ($0 &* 0x9e37_79b9) ^ 0x55aa } }
    },
    { dict in try dict.renaming { "\($0).layers." } },
    { dict in try dict.renaming { $0.replacing("layers.1", with: "layers.-7") } },
    { dict in try dict.renaming { $0.replacing("layers.1", with: "layers.99999999999") } },
    { dict in try dict.renaming { $0.replacing("experts.", with: "experts.9223372036854775807.") }
    },
    { dict in try dict.editing("") { try $0.reindexed([5, 3, 4]) { _ in 0 } } },
    { dict in
      try dict.editing("_projs") { try $0.selecting(axis: 0, Array(repeating: 1, count: 9)) }
    },
    { dict in try dict.editing("_projs") { try $0.selecting(axis: 0, []) } },
    { dict in
      try dict.editing("") { tensor in
        try Tensor(.i64, tensor.shape) { UInt64($0) | 1 << 63 }
      }
    },
    { dict in
      let all = Array(dict.names)
      return try dict.taking { name in
        let place = all.firstIndex { $0.text == name } ?? 0
        return all[(place * 7 + 3) % all.count].text
      }
    },
  ]

  @Test("Nothing that an adapter returns stops the diagnosis", arguments: spoilings.indices)
  func garbage(number: Int) throws {
    let spoil = Self.spoilings[number]
    let adapter = FaultyAdapter(
      nativeOut: { dict, _ in try spoil(dict) }, onDiskOut: { dict, _ in try spoil(dict) })
    let rank = try ExpertParallelism(rank: 1, size: 2)
    let onDisk = try Checkpoint(try SmallSpec.make()).stateDict()
    let evidence = Violation.Evidence(expected: onDisk, found: try spoil(onDisk))
    let steps: [ConversionStep] = [
      .fromHF(rank), .toHF(rank), .roundTrip, .excluding, .streaming, .isMTPKey,
    ]
    for step in steps {
      let violation = Violation(.elements, step: step, evidence: evidence, "garbage")
      let spec = try SmallSpec.make(mtp: 1, keyOrder: .shuffled(3))
      let sentences = Diagnosis.of(violation, spec, adapter).sentences
      #expect(1...5 ~= sentences.count)
    }
  }

  @Test("An adapter that gives something else each time is said to")
  func unrepeatable() throws {
    let counter = Counter()
    let adapter = FaultyAdapter(nativeOut: { dict, _ in
      try dict.renaming { counter.next() % 5 == 0 ? nil : $0 }
    })
    let violation = Violation(.elements, step: .fromHF(nil), "other keys")
    let sentences = Diagnosis.of(violation, try SmallSpec.make(), adapter).sentences
    #expect(
      sentences == [
        "the same conversion gives other keys or shapes when it is run again when loading"
      ])
  }

  @Test("The LoRA factors of the reference adapter are no fault")
  func lora() throws {
    for layout in LoRASpec.Layout.allCases {
      var spec = try SmallSpec.make(lora: LoRASpec(layout, rank: 1))
      spec.setup.options.paramWrapperLayout =
        layout == .legacyParamWrapper ? .legacy : layout == .paramWrapper ? .modern : nil
      let violation = Violation(.elements, step: .roundTrip, "the summary")
      let codes = Diagnosis.of(violation, spec, ReferenceAdapter()).codes
      #expect(codes == [.init(.unexplained("the summary"), .none)])
    }
  }

  @Test("No generated checkpoint makes the reference adapter look at fault")
  func reference() {
    let wrong = Mutex<[String]>([])
    let property = Property(Generator<CheckpointSpec>.checkpoints()) { spec, _ in
      let violation = Violation(.elements, step: .excluding, "the summary")
      let diagnosis = Diagnosis.of(violation, spec, ReferenceAdapter())
      if diagnosis.codes != [.init(.unexplained("the summary"), .none)] {
        wrong.withLock { $0.append("\(spec): \(diagnosis.sentences)") }
      }
      return .pass
    }
    _ = property.run(Settings(examples: 30))
    #expect(wrong.withLock { $0 } == [])
  }
}

private final class Counter: Sendable {
  private let value = Mutex(0)

  func next() -> Int {
    value.withLock {
      $0 += 1
      return $0
    }
  }
}
