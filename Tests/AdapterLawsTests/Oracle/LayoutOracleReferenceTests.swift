// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import CheckpointGenerators
import Layouts
import Tensors
import Testing

@testable import AdapterLaws

/// A spec with a name to be found by.
struct NamedSpec: CustomTestStringConvertible, Sendable {
  let testDescription: String
  let spec: @Sendable () throws -> CheckpointSpec

  init(_ name: String, _ spec: @escaping @Sendable () throws -> CheckpointSpec) {
    testDescription = name
    self.spec = spec
  }
}

private let orders: [NamedSpec] =
  ([.schema, .sorted, .reversed, .sharded(2), .sharded(5)] + (0..<6).map(KeyOrder.shuffled))
  .map { order in NamedSpec("order \(order)") { try Sample.spec(order: order) } }

private let shapes: [NamedSpec] = [
  NamedSpec("one expert") { try Sample.spec(try Sample.config(experts: 1)) },
  NamedSpec("twelve experts, sorted") {
    try Sample.spec(try Sample.config(experts: 12, hidden: 1, inter: 2), order: .sorted)
  },
  NamedSpec("square") { try Sample.spec(try Sample.config(hidden: 3, inter: 3)) },
  NamedSpec("hidden is twice inter") { try Sample.spec(try Sample.config(hidden: 6, inter: 3)) },
  NamedSpec("sizes of one") { try Sample.spec(try Sample.config(experts: 2, hidden: 1, inter: 1)) },
  NamedSpec("no shared experts") { try Sample.spec(try Sample.config(shared: 0)) },
  NamedSpec("two shared experts") { try Sample.spec(try Sample.config(shared: 2)) },
  NamedSpec("no expert bias") { try Sample.spec(try Sample.config(expertBias: false)) },
  NamedSpec("biases") { try Sample.spec(try Sample.config(biases: true)) },
  NamedSpec("tied head") { try Sample.spec(try Sample.config(ties: true)) },
  NamedSpec("dense only") { try Sample.spec(try Sample.config(layers: [.dense, .dense])) },
  NamedSpec("twelve layers, sorted") {
    let layers = [LayerKind](repeating: .sparse, count: 12)
    return try Sample.spec(
      try Sample.config(experts: 2, hidden: 1, inter: 2, layers: layers), order: .sorted)
  },
  NamedSpec("experts only") { try Sample.spec(extent: .expertsOnly, order: .shuffled(9)) },
]

private let choices: [NamedSpec] =
  ModelPrefix.allCases.flatMap { prefix in
    MTPPolicy.allCases.map { policy in
      NamedSpec("prefix '\(prefix.rawValue)', MTP \(policy)") {
        try Sample.spec(
          try Sample.config(mtp: 2), AdapterOptions(prefix: prefix, mtpPolicy: policy),
          order: .shuffled(1))
      }
    }
  }
  + ExpertActivation.allCases.map { activation in
    NamedSpec("\(activation)") {
      try Sample.spec(nil, options(activation), order: .shuffled(2))
    }
  }
  + [DType.bf16, .f16, .f32, .f64, .f8E4M3].flatMap { source in
    [DType.bf16, .f16, .f32, .f8E4M3, .f8E5M2].map { target in
      NamedSpec("\(source) as \(target)") {
        try Sample.spec(
          nil, AdapterOptions(targetDType: target),
          types: SourceTypes(experts: source, hasScales: source == .f8E4M3))
      }
    }
  }

private let exclusions: [NamedSpec] =
  ([
    .head, .layer(1), .experts, .expert(1), .projection(.up), .expertBias,
    .nativeExpertBias, .unanchored, .everything,
  ] as [Exclusion])
  .map { exclusion in NamedSpec("excluding \(exclusion)") { try Sample.spec(excluding: exclusion) }
  }

private let factors: [NamedSpec] = LoRASpec.Layout.allCases.flatMap { layout in
  [CheckpointScope.wholeModel, .loraOnly].flatMap { extent in
    [ExpertActivation.swiglu, .relu2].flatMap { activation in
      ["base_model.model.model.", "model."].map { prefix in
        NamedSpec("LoRA \(layout), \(extent), \(activation), '\(prefix)'") {
          try Sample.spec(
            try Sample.config(mtp: 1), options(activation), extent: extent,
            lora: LoRASpec(layout, rank: 2, prefix: prefix), order: .shuffled(3))
        }
      }
    }
  }
}

private func options(_ activation: ExpertActivation) -> AdapterOptions {
  AdapterOptions(activation: activation)
}

@Suite("The oracle and the reference adapter say the same")
struct LayoutOracleReferenceTests {
  @Test(
    "For all experts and for ranks", arguments: orders + shapes + choices + exclusions + factors)
  func agreement(named: NamedSpec) throws {
    let spec = try named.spec()
    let session = ReferenceAdapter().session(for: spec.setup)
    let oracle = LayoutOracle(spec)
    let onDisk = try Checkpoint(spec).stateDict()
    let ranks =
      try [nil] + [(0, 2), (1, 2), (2, 7)].map { try ExpertParallelism(rank: $0, size: $1) }
    for rank in ranks {
      let native = try session.fromHF(onDisk, rank)
      let expected = oracle.native(of: onDisk, rank)
      let mismatch = Mismatch(
        expected: expected, found: native, castTensors: oracle.castTensors(of: expected))
      #expect(mismatch?.description == nil, "to native form, \(String(describing: rank))")
      let back = try session.toHF(
        native, excluding: spec.exclusion.pattern(in: spec.config.layout), rank)
      let isExcluded = spec.exclusion.excludes(in: spec.config.layout)
      let difference = Mismatch(
        expected: oracle.onDisk(of: native, rank).filter { !isExcluded($0) }, found: back)
      #expect(difference?.description == nil, "to disk, \(String(describing: rank))")
    }
  }

  @Test("For one tensor at a time", arguments: factors)
  func streaming(named: NamedSpec) throws {
    let spec = try named.spec()
    let session = ReferenceAdapter().session(for: spec.setup)
    for (name, tensor) in LayoutOracle(spec).native(of: try Checkpoint(spec).stateDict()) {
      let found = try session.convertSingleTensorToHF(name, tensor, excluding: "", nil)
      let expected = LayoutOracle(spec).onDisk(of: name, tensor)
      let isSame =
        found.map(\.name) == expected.map(\.0) && found.map(\.tensor) == expected.map(\.1)
      #expect(isSame, "\(name)")
    }
  }
}
