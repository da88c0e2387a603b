// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import CheckpointGenerators
import Layouts
import PlantedFaults
import Tensors
import Testing

@Suite("Diagnosis of laws that are broken")
struct DiagnosisOfLawsTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let adapter: FaultyAdapter
    let code: Diagnosis.Code
  }

  static let cases = [
    Case(
      testDescription: "halves",
      adapter: FaultyAdapter(
        nativeOut: DiagnosisElementsTests.swapsHalves, nativeIn: DiagnosisElementsTests.swapsHalves),
      code: .init(.halvesExchanged, .both)),
    Case(
      testDescription: "reversed experts",
      adapter: FaultyAdapter(nativeOut: { dict, _ in
        try dict.editing("_projs") { tensor in
          try tensor.permuting(axis: 0) { tensor.shape[0] - 1 - $0 }
        }
      }),
      code: .init(.expertOrder(.reversed), .fromHF)),
    Case(
      testDescription: "bias cast",
      adapter: FaultyAdapter(nativeOut: { dict, _ in
        try dict.editing("correction_bias") { try $0.cast(to: .bf16) }
      }),
      code: .init(.cast(from: .f32, to: .bf16), .fromHF)),
    Case(
      testDescription: "router not renamed",
      adapter: FaultyAdapter(
        onDiskOut: DiagnosisKeysTests.rename("mlp.router.gate.weight", "mlp.gate.weight")),
      code: .init(.notRenamed, .toHF)),
    Case(
      testDescription: "-0.0 lost",
      adapter: FaultyAdapter(nativeOut: { dict, _ in
        try dict.editing("") { try $0.mappingBits { $0 == 0x8000 ? 0 : $0 } }
      }),
      code: .init(.value(.negativeZeroLost), .fromHF)),
    Case(
      testDescription: "streaming drops the bias",
      adapter: FaultyAdapter(streamed: DiagnosisKeysTests.drop("expert_bias")),
      code: .init(.keysDropped, .streaming)),
    Case(
      testDescription: "exclusion ignored",
      adapter: FaultyAdapter(toHF: { session, dict, call in
        try session.toHF(dict, excluding: "", call.rank)
      }),
      code: .init(.exclusionIgnored, .toHF)),
  ]

  @Test("Whichever law a fault breaks, the diagnosis names it first", arguments: cases)
  func named(example: Case) throws {
    var spec = try SmallSpec.make(
      hidden: 4, inner: 3, mtp: 1, exclusion: .experts, contents: TensorContents(.special, seed: 2))
    spec.parallelism = try ExpertParallelism(rank: 0, size: 2)
    var broken: [String] = []
    for law in Laws.all {
      guard
        case .broken(let violation) = law.verdict(on: CheckpointUnderTest(spec, example.adapter))
      else { continue }
      broken.append(law.name)
      let diagnosis = Diagnosis.of(violation, spec, example.adapter)
      // A comparison of the way there and back does not tell which of the two is to blame.
      let isTold =
        diagnosis.codes.first == example.code
        || violation.step == .roundTrip && diagnosis.codes.first?.fault == example.code.fault
      #expect(isTold, "\(law.name), \(violation.step): \(diagnosis.sentences)")
    }
    #expect(!broken.isEmpty)
  }

  @Test("A fault has one cause on all checkpoints, and another fault beside it makes it another")
  func causes() throws {
    func cause(_ adapter: FaultyAdapter, hidden: Int, experts: Int) throws -> [String] {
      Diagnosis.of(
        Violation(.elements, step: .roundTrip, "the summary"),
        try SmallSpec.make(hidden: hidden, experts: experts), adapter
      ).codes.filter(\.fault.isTelling)
        .map { "\($0.fault.identifier) \($0.direction.rawValue)" }.sorted()
    }
    let swaps = Self.cases[0].adapter
    #expect(try cause(swaps, hidden: 1, experts: 1) == ["halvesExchanged both"])
    #expect(try cause(swaps, hidden: 4, experts: 3) == ["halvesExchanged both"])
    let swapsAndCasts = FaultyAdapter(
      nativeOut: { dict, call in
        try DiagnosisElementsTests.swapsHalves(dict, call)
          .editing("correction_bias") { try $0.cast(to: .bf16) }
      }, nativeIn: DiagnosisElementsTests.swapsHalves)
    #expect(
      try cause(swapsAndCasts, hidden: 4, experts: 3) == ["cast fromHF", "halvesExchanged both"])
    #expect(try cause(FaultyAdapter(), hidden: 4, experts: 3) == [])
  }
}
