// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import CheckpointGenerators
import Layouts
import Tensors

/// An adapter that gives a case's wrong result, and otherwise what another adapter gives.
struct ReplayingAdapter: AdapterUnderTest {
  private let golden: GoldenCase
  private let side: GoldenRole
  private let other: any AdapterUnderTest

  var name: String { "\(golden.description.id) instead of \(other.name)" }

  init(_ golden: GoldenCase, _ side: GoldenRole, _ other: any AdapterUnderTest) {
    self.golden = golden
    self.side = side
    self.other = other
  }

  func session(for setup: AdapterSetup) throws -> any AdapterSession {
    Session(golden: golden, side: side, other: try other.session(for: setup))
  }

  private struct Session: AdapterSession {
    let golden: GoldenCase
    let side: GoldenRole
    let other: any AdapterSession

    private var description: GoldenDescription { golden.description }

    func fromHF(_ onDisk: StateDict, _ parallelism: ExpertParallelism?) throws -> StateDict {
      side == .native && parallelism == description.parallelism && onDisk == golden[.hf]
        ? golden[.wrong] : try other.fromHF(onDisk, parallelism)
    }

    func toHF(
      _ native: StateDict, excluding: String, _ parallelism: ExpertParallelism?
    ) throws -> StateDict {
      side == .saved && parallelism == description.parallelism && native == golden[.native]
        && excluding == description.exclusion
        ? golden[.wrong] : try other.toHF(native, excluding: excluding, parallelism)
    }

    func convertSingleTensorToHF(
      _ name: TensorName, _ tensor: Tensor, excluding: String, _ parallelism: ExpertParallelism?
    ) throws -> [(name: TensorName, tensor: Tensor)] {
      try other.convertSingleTensorToHF(name, tensor, excluding: excluding, parallelism)
    }

    func isMTPKey(_ name: TensorName) throws -> Bool { try other.isMTPKey(name) }
  }
}

extension CheckpointSpec {
  /// The spec that a golden case's checkpoint could follow from; nil where its exclusion pattern is
  /// none that a spec can state.
  init?(_ golden: GoldenCase) {
    let exclusions: [Exclusion] = [
      .none, .head, .experts, .expertBias, .nativeExpertBias, .unanchored, .everything,
    ]
    let layout = golden.description.setup.config.layout
    let stated = exclusions.first { $0.pattern(in: layout) == golden.description.exclusion }
    guard let stated else { return nil }
    self.init(golden, excluding: stated)
  }

  /// The spec with an exclusion in the place of the case's pattern.
  init(_ golden: GoldenCase, excluding exclusion: Exclusion) {
    let description = golden.description
    let layout = description.setup.config.layout
    let tensors = golden[.hf].map { (key: LenientKey($0.name, layout), dtype: $0.tensor.dtype) }
    let hasFactorsOnly = tensors.allSatisfy { $0.key.isFactor }
    let isWhole = description.setup.options.completeness == .wholeModel
    func dtype(_ role: TensorRole) -> DType? {
      tensors.first { $0.key.rule(in: layout)?.role == role }?.dtype
    }
    self.init(
      description.setup,
      types: SourceTypes(
        experts: dtype(.expert) ?? .bf16, expertBias: dtype(.routerBias) ?? .f32,
        others: dtype(.norm) ?? .bf16, hasScales: tensors.contains { $0.key.isCompanion }),
      extent: hasFactorsOnly ? .loraOnly : isWhole ? .wholeModel : .expertsOnly,
      storesMTP: description.setup.config.mtpLayerCount > 0, lora: description.lora,
      parallelism: description.parallelism, exclusion: exclusion, contents: TensorContents(.iota))
  }
}

extension LenientKey {
  /// The rule of a tensor on disk.
  fileprivate func rule(in layout: Layout) -> TensorRule? {
    if case .tensor(let position) = subject { layout.tensors[position] } else { nil }
  }

  fileprivate var isFactor: Bool {
    switch subject {
    case .factor, .fusedFactor: true
    default: false
    }
  }

  fileprivate var isCompanion: Bool { if case .companion = subject { true } else { false } }
}
