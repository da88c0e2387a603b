// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import CheckpointGenerators
import Layouts
import PlantedFaults
import Tensors
import Testing

@Suite("Diagnosis of experts and layers in the places of others")
struct DiagnosisExpertsTests {
  @Test("Each planted fault is named", arguments: try planted())
  func named(fault: PlantedDiagnosis) {
    let found = Diagnosis.of(fault.violation, fault.spec, fault.adapter).sentences
    #expect(found == fault.sentences)
  }

  static func planted() throws -> [PlantedDiagnosis] {
    try orders() + ranks() + layers()
  }

  /// Slots of grouped tensors that hold what other slots should; nil for zeros.
  static func slots(_ text: String = "_projs", _ source: @escaping @Sendable (Int) -> Int?)
    -> FaultyAdapter.Edit
  {
    { dict, _ in try dict.editing(text) { try $0.permuting(axis: 0, source) } }
  }

  static func orders() throws -> [PlantedDiagnosis] {
    let asText = (0..<12).sorted { "\($0)" < "\($1)" }
    let back = (0..<12).map { number in asText.firstIndex(of: number) ?? 0 }
    return [
      PlantedDiagnosis(
        "experts sorted as strings", try SmallSpec.make(hidden: 2, inner: 1, experts: 12),
        FaultyAdapter(nativeOut: slots { asText[$0] }),
        "experts are in lexicographic order (10 before 2) when loading in layer 1; look "
          + "for numbers sorted as strings"),
      PlantedDiagnosis(
        "experts sorted as strings both ways",
        try SmallSpec.make(hidden: 2, inner: 1, experts: 12),
        FaultyAdapter(nativeOut: slots { asText[$0] }, nativeIn: slots { back[$0] }),
        step: .fromHF(nil),
        "experts are in lexicographic order (10 before 2) when loading and saving in layer 1; "
          + "look for numbers sorted as strings"),
      PlantedDiagnosis(
        "reversed experts", try SmallSpec.make(), FaultyAdapter(nativeOut: slots { 2 - $0 }),
        "experts are in reverse order when loading in layer 1"),
      PlantedDiagnosis(
        "rotated experts both ways", try SmallSpec.make(experts: 4),
        FaultyAdapter(nativeOut: slots { ($0 + 1) % 4 }, nativeIn: slots { ($0 + 3) % 4 }),
        "experts are rotated by 1 when loading and saving in layer 1: place 0 holds expert 1"),
      PlantedDiagnosis(
        "exchanged experts of down_proj", try SmallSpec.make(experts: 4),
        FaultyAdapter(nativeOut: slots("down_projs") { [0, 2, 1, 3][$0] }),
        "for down_proj, experts are exchanged when loading in layer 1: 1 and 2"),
      PlantedDiagnosis(
        "permuted experts", try SmallSpec.make(experts: 4),
        FaultyAdapter(nativeIn: slots { [1, 3, 0, 2][$0] }),
        "experts are permuted when saving in layer 1: places are taken for 2, 0, 3, 1"),
      PlantedDiagnosis(
        "last expert wins", try SmallSpec.make(), FaultyAdapter(nativeOut: slots { _ in 2 }),
        "every expert is a copy of expert 2 when loading in layer 1; look for a key or a "
          + "buffer without the expert's number"),
      PlantedDiagnosis(
        "one expert overwritten", try SmallSpec.make(),
        FaultyAdapter(nativeOut: slots { $0 == 1 ? 2 : $0 }),
        "expert 1 is overwritten by expert 2 when loading in layer 1"),
      PlantedDiagnosis(
        "arrival order", try SmallSpec.make(keyOrder: .reversed),
        FaultyAdapter(fromHF: { session, dict, call in
          let first = dict.names.first { $0.text.contains("experts") }?.text ?? ""
          let native = try session.fromHF(dict, call.rank)
          guard !first.contains("experts.0.") else { return native }
          return try native.editing("_projs") { try $0.permuting(axis: 0) { 2 - $0 } }
        }),
        "experts are in the order in which their keys arrive when loading in layer 1; "
          + "look for experts appended as keys arrive"),
      PlantedDiagnosis(
        "missing expert on disk", try SmallSpec.make(),
        FaultyAdapter(onDiskOut: { dict, _ in
          try dict.renaming { $0.contains("experts.0.") ? nil : $0 }
        }), "expert 0, the first one, is missing when saving in layer 1"),
      PlantedDiagnosis(
        "halves and order at once", try SmallSpec.make(),
        FaultyAdapter(nativeOut: { dict, call in
          let swapped = try DiagnosisElementsTests.swapsHalves(dict, call)
          return try slots { 2 - $0 }(swapped, call)
        }),
        "gate and up halves are swapped when loading in layer 1; look at the order of "
          + "the two in cat and in chunk",
        "experts are in reverse order when loading in layer 1"),
    ]
  }

  /// Slots of a rank chosen anew from those of all experts.
  static func ranged(
    _ range: @escaping @Sendable (Range<Int>, Int) -> [Int]
  ) -> FaultyAdapter.Convert {
    { session, dict, call in
      guard let rank = call.rank else { return try session.fromHF(dict, nil) }
      let count = call.setup.config.expertCount
      let wanted = range(rank.experts(of: count), count)
      return try session.fromHF(dict, nil).editing("_projs") {
        try $0.selecting(axis: 0, wanted)
      }
    }
  }

  static func ranks() throws -> [PlantedDiagnosis] {
    let uneven = try ExpertParallelism(rank: 0, size: 2)
    let second = try ExpertParallelism(rank: 1, size: 2)
    return [
      PlantedDiagnosis(
        "last expert of an uneven rank lost", try SmallSpec.make(),
        FaultyAdapter(
          fromHF: ranged { range, _ in Array(range.dropLast(range.count > 1 ? 1 : 0)) }),
        step: .fromHF(uneven),
        "expert 1, the last one, is missing when loading in layer 1 on rank 0 of 2; look at which "
          + "ranks get the remainder of 3 experts over 2 ranks"),
      PlantedDiagnosis(
        "only expert of a rank lost", try SmallSpec.make(),
        FaultyAdapter(nativeOut: { dict, call in
          call.rank?.rank == 1 ? dict.filter { !$0.text.contains(".mlp.experts.") } : dict
        }), step: .fromHF(second),
        "expert 2, the only one, is missing when loading in layer 1 on rank 1 of 2; look at which "
          + "ranks get the remainder of 3 experts over 2 ranks"),
      PlantedDiagnosis(
        "range shifted", try SmallSpec.make(experts: 5),
        FaultyAdapter(
          fromHF: ranged { range, _ in range.lowerBound > 0 ? range.map { $0 - 1 } : Array(range) }),
        step: .fromHF(second),
        "the range of experts is shifted by -1 in layer 1 on rank 1 of 2: experts 2...3 "
          + "instead of 3...4; look at how a rank's range is computed"),
      PlantedDiagnosis(
        "rank ignored", try SmallSpec.make(),
        FaultyAdapter(fromHF: ranged { _, count in Array(0..<count) }), step: .fromHF(second),
        "all 3 experts are kept instead of expert 2 in layer 1 on rank 1 of 2; look for "
          + "a rank that is not handed on"),
      PlantedDiagnosis(
        "last expert twice", try SmallSpec.make(experts: 4),
        FaultyAdapter(fromHF: ranged { range, _ in range + [range.upperBound - 1] }),
        step: .fromHF(second),
        "expert 3 is there twice when loading in layer 1 on rank 1 of 2; look at how a rank's range "
          + "is computed"),
      PlantedDiagnosis(
        "range of the other rank", try SmallSpec.make(experts: 4),
        FaultyAdapter(fromHF: ranged { range, _ in range.lowerBound == 0 ? [2, 3] : [0, 1] }),
        step: .fromHF(second),
        "the range of experts is shifted by -2 in layer 1 on rank 1 of 2: experts 0...1 "
          + "instead of 2...3; look at how a rank's range is computed"),
      PlantedDiagnosis(
        "one expert more", try SmallSpec.make(experts: 5),
        FaultyAdapter(fromHF: ranged { range, _ in [range.lowerBound - 1] + range }),
        step: .fromHF(second),
        "expert 2 is there beyond the rank's experts 3...4 when loading in layer 1 on "
          + "rank 1 of 2; look at which ranks get the remainder of 5 experts over 2 ranks"),
      PlantedDiagnosis(
        "shares rounded up", try SmallSpec.make(experts: 5),
        FaultyAdapter(fromHF: { session, dict, call in
          guard let rank = call.rank else { return try session.fromHF(dict, nil) }
          let (share, count) = ((5 + rank.size - 1) / rank.size, 5)
          let wanted = min(count, rank.rank * share)..<min(count, (rank.rank + 1) * share)
          return try session.fromHF(dict, nil).editing("_projs") {
            try $0.selecting(axis: 0, Array(wanted))
          }
        }), step: .fromHF(try ExpertParallelism(rank: 2, size: 4)),
        "expert 4 is there beyond the rank's expert 3 when loading in layer 1 on rank 2 of 4; look "
          + "at which ranks get the remainder of 5 experts over 4 ranks"),
      PlantedDiagnosis(
        "the next rank's first expert", try SmallSpec.make(experts: 2),
        FaultyAdapter(
          fromHF: ranged { range, count in
            Array(range.lowerBound..<min(count, range.upperBound + 1))
          }), step: .fromHF(uneven),
        "expert 1 is there beyond the rank's expert 0 when loading in layer 1 on rank 0 of 2; look "
          + "at how a rank's range is computed"),
      PlantedDiagnosis(
        "local numbers", try SmallSpec.make(experts: 4),
        FaultyAdapter(onDiskOut: { dict, call in
          guard let rank = call.rank else { return dict }
          return try dict.renaming { name in
            rank.experts(of: 4).reduce(name) {
              $0.replacing(
                "experts.\($1).", with: "experts.\($1 - rank.experts(of: 4).lowerBound).")
            }
          }
        }), step: .toHF(second),
        "experts are numbered from 0 on disk instead of from 2 in layer 1 on rank 1 of "
          + "2; look for the rank's offset when keys are written"),
    ]
  }

  static func layers() throws -> [PlantedDiagnosis] {
    [
      PlantedDiagnosis(
        "layers by first digit",
        try SmallSpec.make(hidden: 1, inner: 1, experts: 1, sparseLayers: 11),
        FaultyAdapter(nativeOut: { dict, _ in
          try dict.renaming {
            $0.replacing("layers.10.", with: "layers.1.").replacing("layers.11.", with: "layers.1.")
          }
        }),
        "layers 10 and 11 landed on layer 1 when loading; look for a pattern that reads "
          + "one digit"),
      PlantedDiagnosis(
        "layers sorted as strings",
        try SmallSpec.make(hidden: 1, inner: 1, experts: 1, sparseLayers: 10),
        FaultyAdapter(nativeOut: { dict, _ in
          let sorted = (1..<11).sorted { "\($0)" < "\($1)" }
          return try dict.taking { name in
            let parts = name.split(separator: ".")
            guard parts.count > 2, let layer = Int(parts[2]), layer > 0 else { return name }
            return name.replacing("layers.\(layer).", with: "layers.\(sorted[layer - 1]).")
          }
        }),
        "layers are in lexicographic order (10 before 2) when loading; look for numbers "
          + "sorted as strings"),
      PlantedDiagnosis(
        "layers exchanged", try SmallSpec.make(sparseLayers: 2),
        FaultyAdapter(onDiskOut: { dict, _ in
          try dict.taking { name in
            name.contains("layers.1.")
              ? name.replacing("layers.1.", with: "layers.2.")
              : name.replacing("layers.2.", with: "layers.1.")
          }
        }), "layers are exchanged when saving: 1 and 2"),
    ]
  }
}
