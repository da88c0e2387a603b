// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import CheckpointGenerators
import Layouts
import PlantedFaults
import Synchronization
import Tensors
import Testing

@Suite("Each law is broken by a fault that it is there for")
struct LawsBreakTests {
  /// An adapter that breaks a law.
  private struct Breach: Sendable, CustomTestStringConvertible {
    let law: String
    let adapter: any AdapterUnderTest

    var testDescription: String { law }
  }

  private static let breaches: [Breach] = [
    // The first MTP layer is kept.
    Breach(
      law: "mtp-policy",
      adapter: FaultyAdapter(fromHF: { reference, input, call in
        var native = try reference.fromHF(input, call.rank)
        for (name, tensor) in input where name.text.hasSuffix("layers.3.enorm.weight") {
          if native[name] == nil { try native.insert(tensor, named: name) }
        }
        return native
      })),
    Breach(
      law: "mtp-keys",
      adapter: FaultyAdapter(isMTPKey: { name, _ in name.text.contains("layers.80.") })),
    // With MTP layers, norms are shifted once more.
    Breach(
      law: "mtp-addition",
      adapter: FaultyAdapter(nativeOut: { native, call in
        guard call.setup.config.mtpLayerCount > 0 else { return native }
        return try native.editing("input_layernorm") { tensor in
          try tensor.reindexed { ($0 + 1) % tensor.shape.elementCount }
        }
      })),
    Breach(
      law: "keys",
      adapter: FaultyAdapter(nativeOut: { native, _ in
        try native.renaming { $0.replacing("mlp.gate.e_score_correction_bias", with: "mlp.bias") }
      })),
    Breach(
      law: "types",
      adapter: FaultyAdapter(nativeOut: { native, _ in
        try native.editing("e_score_correction_bias") { try $0.cast(to: .bf16) }
      })),
    Breach(
      law: "shapes",
      adapter: FaultyAdapter(nativeOut: { native, _ in
        try native.editing(".down_projs") { try $0.reindexed([$0.shape.elementCount]) { $0 } }
      })),
    Breach(law: "elements", adapter: swapping),
    Breach(
      law: "rounding",
      adapter: FaultyAdapter(onDiskIn: { onDisk, call in
        guard call.setup.options.targetDType == .f16 else { return onDisk }
        return try onDisk.editing(".mlp.experts.") { try $0.cast(to: .bf16) }
      })),
    Breach(
      law: "order",
      adapter: FaultyAdapter(nativeOut: { native, _ in try native.arranged { $0.reversed() } })),
    Breach(law: "round-trip", adapter: losing("up_proj")),
    Breach(law: "round-trip-without-mtp", adapter: losing("up_proj")),
    Breach(law: "native-round-trip", adapter: losing("down_proj")),
    Breach(law: "files", adapter: losing("gate_proj")),
    // Single tensors keep their native names.
    Breach(
      law: "streaming",
      adapter: FaultyAdapter(streamed: { onDisk, _ in
        try onDisk.renaming { $0.replacing("mlp.shared_mlp.", with: "mlp.shared_experts.") }
      })),
    Breach(
      law: "exclusion",
      adapter: FaultyAdapter(toHF: { reference, native, call in
        try reference.toHF(native, excluding: call.excluding.replacing("experts", with: "x"), nil)
      })),
    Breach(law: "ep-rank", adapter: losingLastExpert),
    Breach(law: "ep-partition", adapter: losingLastExpert),
    // Experts are numbered from zero on every rank.
    Breach(
      law: "ep-save",
      adapter: FaultyAdapter(onDiskOut: { onDisk, call in
        guard let rank = call.rank else { return onDisk }
        let first = rank.experts(of: call.setup.config.expertCount).lowerBound
        return try onDisk.renaming { $0.replacing("experts.\(first).", with: "experts.0.") }
      })),
    // Experts are stacked as they arrive.
    Breach(
      law: "key-order",
      adapter: FaultyAdapter(onDiskIn: { onDisk, _ in
        let gates = onDisk.names.filter { $0.text.hasSuffix("gate_proj.weight") }
        return try onDisk.taking { name in
          guard let place = gates.firstIndex(of: TensorName(name)) else { return name }
          return gates.sorted()[place].text
        }
      })),
    // A layer's shared experts are looked for in the same call.
    Breach(law: "sharding", adapter: forgettingOtherLayers),
    Breach(
      law: "expert-permutation",
      adapter: FaultyAdapter(onDiskIn: { onDisk, _ in
        try onDisk.taking { $0.replacing("experts.2.", with: "experts.0.") }
      })),
    Breach(
      law: "layer-exchange",
      adapter: FaultyAdapter(onDiskIn: { onDisk, _ in
        try onDisk.editing("layers.1.mlp.router") { tensor in
          try tensor.reindexed { tensor.shape.elementCount - 1 - $0 }
        }
      })),
    Breach(law: "joining", adapter: forgettingOtherLayers),
    Breach(
      law: "parameters",
      adapter: FaultyAdapter(nativeOut: { native, _ in
        try native.editing(".down_projs") { try $0.selecting(axis: 0, [0]) }
      })),
    Breach(
      law: "bytes",
      adapter: FaultyAdapter(nativeOut: { native, _ in
        try native.editing("e_score_correction_bias") { try $0.cast(to: .bf16) }
      })),
    // Every second call gives the halves exchanged.
    Breach(law: "repeatable", adapter: alternating()),
    Breach(law: "concurrent", adapter: alternating()),
  ]

  /// Checked elsewhere: `invalid-input` in its own tests; tensors are immutable, so no adapter in
  /// this process can break `input-unchanged`.
  private static let checkedElsewhere: Set<String> = ["input-unchanged", "invalid-input"]

  private static let swapping = FaultyAdapter(
    onDiskIn: { onDisk, _ in try onDisk.taking(swapped) },
    onDiskOut: { onDisk, _ in try onDisk.taking(swapped) })

  @Sendable private static func swapped(_ name: String) -> String {
    guard name.contains(".experts.") else { return name }
    return name.contains("gate_proj")
      ? name.replacing("gate_proj", with: "up_proj")
      : name.replacing("up_proj", with: "gate_proj")
  }

  /// Every expert is saved as the first.
  private static func losing(_ projection: String) -> FaultyAdapter {
    FaultyAdapter(onDiskOut: { onDisk, _ in
      try onDisk.taking { name in
        name.contains(projection) ? name.replacing(/experts\.\d+/, with: "experts.0") : name
      }
    })
  }

  private static let losingLastExpert = FaultyAdapter(nativeOut: { native, call in
    guard call.rank != nil else { return native }
    return try native.editing(".mlp.experts.") { tensor in
      tensor.shape[0] == 0
        ? tensor : try tensor.selecting(axis: 0, Array(0..<tensor.shape[0] - 1))
    }
  })

  private static let forgettingOtherLayers = FaultyAdapter(
    nativeOut: { native, call in
      call.setup.options.completeness == .presentGroups
        ? native.filter { !$0.text.hasSuffix("lm_head.weight") } : native
    },
    onDiskOut: { onDisk, call in
      call.setup.options.completeness == .presentGroups
        ? onDisk.filter { !$0.text.hasSuffix("lm_head.weight") } : onDisk
    })

  private static func alternating() -> FaultyAdapter {
    let calls = Mutex(0)
    return FaultyAdapter(onDiskIn: { onDisk, _ in
      let isOdd = calls.withLock { calls in
        calls += 1
        return calls % 2 == 0
      }
      return isOdd ? try onDisk.taking(swapped) : onDisk
    })
  }

  private static let planted = FaultBank.Selection(FaultBank.all, in: .usual).faults
    .compactMap { fault in fault.breaks.map { Breach(law: $0, adapter: fault.adapter) } }

  @Test("on a small checkpoint", arguments: breaches + planted)
  private func breaks(_ breach: Breach) throws {
    let law = try #require(Laws.named(breach.law))
    var verdicts: [String] = []
    for policy in MTPPolicy.allCases {
      for target in [DType.bf16, .f16] {
        var spec = try SmallSpec.make(
          sparseLayers: 2, mtp: 1, policy: policy,
          types: SourceTypes(experts: target == .bf16 ? .bf16 : .f32), target: target,
          exclusion: .experts, contents: TensorContents(.random, seed: 3))
        spec.parallelism = try ExpertParallelism(rank: 0, size: 2)
        if case .broken(let violation) = law.verdict(on: CheckpointUnderTest(spec, breach.adapter))
        {
          verdicts.append(violation.summary)
        }
      }
    }
    #expect(!verdicts.isEmpty, "\(breach.law) holds for an adapter that breaks it")
  }

  @Test("and no law goes without")
  func complete() {
    let broken = Set((Self.breaches + Self.planted).map(\.law)).union(Self.checkedElsewhere)
    #expect(Laws.all.map(\.name).filter { !broken.contains($0) } == [])
  }
}
