// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import CheckpointGenerators
import Layouts
import PropertyEngine
import Synchronization
import Tensors
import Testing

@testable import PlantedFaults

@Suite("The bank of planted faults")
struct FaultBankTests {
  @Test("It is as large as it is said to be, and every fault has a name of its own")
  func size() {
    let faults = FaultBank.all.filter { $0.equivalence == nil }
    #expect(faults.count >= 120)
    #expect(faults.count { $0.isSelfConsistent } >= 25)
    #expect(Set(FaultBank.all.map(\.id)).count == FaultBank.all.count)
  }

  @Test("Every fault says what its diagnosis must name and how small its checkpoint is")
  func expectations() {
    let faults = FaultBank.all.filter { $0.equivalence == nil }
    #expect(faults.filter { $0.cause == nil }.map(\.id) == [])
    #expect(faults.filter { $0.smallest == nil }.map(\.id) == [])
  }

  private static let layouts = Layout.knownNames.compactMap { Layout.known($0) }

  @Test("Every fault says where it applies, and where not, why")
  func places() {
    #expect(FaultBank.all.filter { $0.needs == nil }.map(\.id) == [])
    for layout in Self.layouts {
      let selection = FaultBank.Selection(FaultBank.all, in: layout)
      #expect(selection.absent.filter(\.reason.isEmpty).map(\.fault.id) == [])
      #expect(selection.faults.count + selection.absent.count == FaultBank.all.count)
      let isPerExpert =
        layout.canHaveGates && layout.tensors.contains { $0.part == .up && $0.name.hasExpert }
      let share = selection.faults.count * 100 / FaultBank.all.count
      #expect(share >= (isPerExpert ? 60 : 35), "\(layout.name)")
    }
    #expect(FaultBank.Selection(FaultBank.all, in: .usual).absent.map(\.fault.id) == [])
  }

  @Test("Statements have a layout's words in all places")
  func words() {
    for layout in Self.layouts {
      for fault in FaultBank.Selection(FaultBank.all, in: layout).faults {
        let text = fault.statement
        // A key without a prefix has an empty one.
        let isWhole =
          !text.contains { "{}|".contains($0) } && !text.contains("  ") && text.first != " "
          && !text.contains(" ,")
        #expect(isWhole, "\(layout.name): \(fault.id): \(text)")
      }
    }
  }

  @Test(
    "Expected tensors are those that reports of each layout name",
    arguments: [
      ("hy_v3", "rename-bias-load", ["expert_bias"]),
      ("minimax_m2", "halves-gate-twice-load", ["w3"]),
      ("step3p5", "order-gate-up-rotated-load", ["gate_proj", "up_proj"]),
      ("hy_v3", "grouping-model-prefix", ["down_projs"]),
      ("gpt_oss", "prefix-lost-both", ["embed_tokens"]),
      ("qwen3_vl_moe", "norms-exchanged-both", ["input_layernorm", "post_attention_layernorm"]),
      ("glm4_moe", "rename-bias-other-both", ["e_score_correction_bias"]),
    ])
  func named(layout: String, id: String, classes: [String]) throws {
    let layout = try #require(Layout.known(layout))
    let fault = try #require(
      FaultBank.Selection(FaultBank.named([id]), in: layout).faults.first)
    guard case .diagnosed(let cause) = fault.cause else { return #expect(Bool(false), "no cause") }
    #expect(cause.sites.flatMap { $0.classes(in: layout) } == classes)
  }

  @Test("Globs choose faults by their ids")
  func globs() {
    #expect(FaultBank.named(["halves-swapped-both"]).map(\.id) == ["halves-swapped-both"])
    let both = FaultBank.named(["*-both"])
    #expect(both.count > 25)
    #expect(both.allSatisfy { $0.id.hasSuffix("-both") })
    #expect(FaultBank.named(["mtp-key-*", "rank-zer?-always"]).count == 13)
    #expect(FaultBank.named(["no such fault"]).isEmpty)
    #expect(FaultBank.named([]).count == FaultBank.all.count)
  }

  @Test("Round trips of self-consistent faults are clean")
  func selfConsistent() {
    let wrong = Mutex<[String]>([])
    let faults = FaultBank.all.filter(\.isSelfConsistent)
    let property = Property(Generator<CheckpointSpec>.checkpoints()) { spec, _ in
      let isLossless =
        spec.types.experts == spec.options.targetDType
        && (spec.lora?.layout ?? .perExpert) == .perExpert
      guard isLossless, spec.config.expertCount <= 12 else { return .discard }
      do {
        let onDisk = try Checkpoint(spec).stateDict()
        let plain = ReferenceAdapter().session(for: spec.setup)
        let right = try plain.toHF(plain.fromHF(onDisk, nil), excluding: "", nil)
        for fault in faults {
          let session = try fault.adapter.session(for: spec.setup)
          let back = try session.toHF(session.fromHF(onDisk, nil), excluding: "", nil)
          let isClean = right.count == back.count && right.allSatisfy { back[$0.name] == $0.tensor }
          if !isClean { wrong.withLock { $0.append("\(fault.id) on \(spec)") } }
        }
      } catch {
        wrong.withLock { $0.append("\(error) on \(spec)") }
      }
      return .pass
    }
    _ = property.run(Settings(examples: 12))
    #expect(wrong.withLock { $0 } == [])
  }
}
