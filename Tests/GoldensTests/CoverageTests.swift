// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import CheckpointGenerators
import Goldens
import Layouts
import Tensors
import Testing

@testable import Adapters

/// Whatever the adapter has a rule for, upstream's answer to it is in the set.
@Suite struct CoverageTests {
  private let cases: [GoldenCase]

  init() throws {
    cases = try CommittedSet.cases.get().filter { $0.description.verdict == .valid }
  }

  /// The layouts of the set, one of those that read one model type.
  static let layouts = ["hy_v3"] + Layout.knownNames.filter { !$0.hasPrefix("hy_") }

  /// The layouts of which the set, which may have 12 MB, has a few small cases.
  private static let small = [
    "ernie4_5_moe", "glm5_next", "hunyuan_image3", "kimi_linear", "mimo_v2_flash", "qwen3_5_moe",
    "qwen3_next", "nemotron_v3",
  ]

  /// The layouts of which it has one.
  private static let single = ["mimo_v25", "kimi_k25_vl", "ling_v2", "kimi_k3"]
  /// The layouts of which it has one, that of experts; a Python test compares upstream with their tables.
  private static let tiny = ["kimi_k3"]

  /// The cases of a layout, and of those that read the same model type.
  private func cases(of layout: Layout) -> [GoldenCase] {
    cases.filter { $0.description.setup.config.layout.modelTypes == layout.modelTypes }
  }

  private func names(_ role: GoldenRole, of layout: Layout) -> [String] {
    cases(of: layout).flatMap { $0[role].names.map(\.text) }
  }

  @Test(arguments: layouts) func everyLayoutHasItsCases(name: String) throws {
    let layout = try Layout.named(name)
    // What is another layout under other names has a few, too.
    let isFew = Self.small.contains(name) || !layout.starts.isEmpty
    #expect(cases(of: layout).count >= (Self.single.contains(name) ? 1 : isFew ? 3 : 12))
  }

  @Test(arguments: layouts.filter { !tiny.contains($0) })
  func everyRenameHasAGolden(name: String) throws {
    let layout = try Layout.named(name)
    let (hf, native) = (names(.hf, of: layout), names(.native, of: layout))
    let tensors = layout.tensors.compactMap { rule -> (String, String)? in
      guard case .renamed(let native) = rule.native else { return nil }
      return (rule.name.start, native.start)
    }
    #expect(tensors.isEmpty == !layout.operations.contains(.renamed))
    for (onDisk, renamed) in tensors {
      #expect(hf.contains { $0.hasSuffix(".\(onDisk)") }, "\(onDisk)")
      #expect(native.contains { $0.hasSuffix(".\(renamed)") }, "\(renamed)")
    }
  }

  @Test(arguments: layouts, [ExpertActivation.swiglu, .relu2])
  func everyGroupHasAGolden(name: String, activation: ExpertActivation) throws {
    let layout = try Layout.named(name)
    guard activation.isGated || layout.hasGateOption, !Self.single.contains(name) else { return }
    let suited = cases(of: layout).filter {
      $0.description.setup.options.activation.isGated == activation.isGated
    }
    let factors = layout.lora.flatMap { rule in
      ["A", "B"].map { "\(layout.groups[rule.group].module)\(rule.native)_\($0)" }
    }
    for group in layout.groups.map(\.name) + factors {
      let isThere = suited.contains { golden in
        golden[.native].names.contains { $0.text.hasSuffix(".\(group)") }
      }
      #expect(isThere, "\(group), gated: \(activation.isGated)")
    }
  }

  @Test func everyClassOfTensorsHasAGoldenOnBothSides() {
    func classes(_ side: (GoldenCase) -> StateDict) -> Set<TensorClass> {
      Set(
        cases.flatMap { golden in
          side(golden).names.map {
            TensorClass.of($0, golden.description.setup.config.layout)
          }
        })
    }
    let (hf, native) = (classes { $0[.hf] }, classes { $0[.native] })
    for tensorClass in TensorClass.allCases {
      #expect(hf.contains(tensorClass), "\(tensorClass)")
      #expect(native.contains(tensorClass), "\(tensorClass)")
    }
  }

  @Test func everyDTypeHasAGolden() {
    let found = Set(cases.flatMap { $0[.hf].tensors.map(\.dtype) })
    #expect(DType.allCases.filter { !found.contains($0) } == [])
  }

  @Test func everyCastHasAGoldenWithAllSpecialValuesAndWithTies() {
    let floats = DType.allCases.filter { $0.isFloatingPoint && $0 != .f8E8M0 }
    for source in floats {
      for target in floats {
        let suited = cases.filter { golden in
          golden.description.setup.options.targetDType == target
            && golden[.hf].contains {
              $0.tensor.dtype == source && $0.name.text.hasSuffix("up_proj.weight")
            }
        }
        let contents = Set(suited.flatMap(\.description.flags))
        #expect(contents.contains("special"), "\(source) to \(target)")
        #expect(source == target || contents.contains("rounding"), "\(source) to \(target)")
      }
    }
  }

  @Test func everySpecialPatternHasAGolden() {
    for dtype in DType.allCases {
      let patterns = Set(
        cases.flatMap { golden in
          golden[.hf].tensors.filter { $0.dtype == dtype }.flatMap { tensor in
            (0..<tensor.shape.elementCount).map { tensor.bits(at: $0) }
          }
        })
      let missing = SpecialPatterns.of(dtype).filter { !patterns.contains($0) }
      #expect(missing == [], "\(dtype)")
    }
  }

  @Test(arguments: [
    "experts-1", "experts-2", "experts-11", "experts-128", "square", "sizes", "two-digit-layers",
    "mtp-1", "mtp-2", "mtp-drop", "mtp-preserve", "hy-v3", "ep-even", "ep-uneven", "exclusion",
    "non-gated", "lora", "peft-0.18", "peft-0.19.1", "transformers", "order", "prefix", "scales",
  ])
  func everyAxisHasAGolden(flag: String) {
    #expect(cases.contains { $0.description.flags.contains(flag) })
  }

  @Test func everyOptionHasAGolden() {
    let options = cases.map(\.description.setup.options)
    for activation in ExpertActivation.allCases {
      #expect(options.contains { $0.activation == activation }, "\(activation)")
    }
    for prefix in ModelPrefix.allCases {
      #expect(options.contains { $0.prefix == prefix }, "\(prefix)")
    }
    for completeness in Completeness.allCases {
      #expect(options.contains { $0.completeness == completeness }, "\(completeness)")
    }
  }

  @Test func everyFindingOfAStateDictHasAGolden() throws {
    let found = Set(
      try CommittedSet.cases.get().flatMap { golden -> [String] in
        guard case .refusal(_, let findings)? = golden.description.expectation else { return [] }
        return findings.map(\.code)
      })
    // These are about options, patterns and memory, or cannot come of one state dict.
    let others: Set<Problem.Code> = [.invalidOption, .invalidPattern, .storage]
    let missing = Problem.Code.allCases.filter {
      !others.contains($0) && !found.contains($0.rawValue)
    }
    #expect(missing == [])
  }
}
