// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import CheckpointGenerators
import Layouts
import PropertyEngine
import Synchronization
import Testing

@testable import Campaigns

@Suite("Adapters that do not support everything")
struct SupportedSpaceTests {
  private let adapter = VersionedAdapter(supports: [
    AxisSelection("LoRA", ["none"]), AxisSelection("experts", ["2", "3", "9"]),
  ])

  @Test("Only what is supported is asked for, and the report says what was left out")
  func leavesOut() throws {
    let report = try CheckRun(adapter, laws: [TestLaws.shallow]).run(RunSettings(examples: 50))
    #expect(report.holds)
    let experts = try #require(report.coverage.axes.first { $0.name == "experts" })
    #expect(experts.values.filter { $0.count > 0 }.map(\.label) == ["2", "3", "9"])
    #expect(experts.values.filter(\.isFeasible).map(\.label) == ["2", "3", "9"])
    #expect(report.leftOut.map(\.axis) == ["experts", "LoRA"])
    let all = ConfigAxis.allCases.reduce(0) { $0 + $1.values.count }
    #expect(report.coverage.values.feasible < all - 15)
  }

  @Test("A token found in a restricted space is that of the same checkpoint in the whole space")
  func tokens() throws {
    let report = try CheckRun(adapter, laws: [TestLaws.few]).run(RunSettings(examples: 50))
    let failure = try #require(report.failures.first)
    #expect(failure.spec?.config.expertCount == 3)
    let token = try CheckpointSpec(token: try #require(failure.token))
    for other in [adapter, VersionedAdapter()] {
      let replay = try CheckRun(other, laws: [TestLaws.few]).replay(token)
      #expect(replay.spec == failure.spec && !replay.holds)
    }
  }

  @Test("Only an adapter that must name what is wrong is given two faults at a time")
  func faults() throws {
    let law = AdapterLaw("two", statement: "", reason: "", brokenBy: "") {
      (trial) throws(Violation) in
      if trial.invalidInputs.allSatisfy({ $0.faults.count == 1 }) { return true }
      throw Violation(code: "two faults", step: .roundTrip, "")
    }
    let report = try CheckRun(VersionedAdapter(invalidInputContract: .losesNothing), laws: [law])
      .run(RunSettings(examples: 60))
    #expect(report.holds)
    let pairs = try CheckRun(VersionedAdapter(), laws: [law]).run(RunSettings(examples: 60))
    #expect(!pairs.holds)
  }

  @Test("A violation on an invalid checkpoint is not diagnosed on valid ones")
  func invalidInput() throws {
    let law = try #require(Laws.named("invalid-input"))
    let violation = Violation(
      code: "missing-head", place: "accepted", step: .fromHF(nil), "accepted it")
    let run = CheckRun(SwappingAdapter(), laws: [law])
    let (sentences, causes) = run.diagnosis(of: violation, law, .plainest)
    #expect(sentences == ["accepted it"] && causes == [])
    #expect(Failure.differences(violation, beside: sentences).lines == [])
  }

  @Test("A token of a checkpoint that is not supported is refused and says why")
  func unsupported() throws {
    let token = try CheckpointSpec(token: KnownLists.simplest())
    do throws(CheckError) {
      _ = try CheckRun(adapter, laws: [TestLaws.few]).replay(token)
      Issue.record("it was checked")
    } catch {
      #expect(error == .unsupported(adapter: "versioned", axis: .experts, label: "1"))
      #expect("\(error)".contains("does not support checkpoints with experts 1"))
    }
  }

  @Test("Unknown axes and configs that are not supported are errors before anything is checked")
  func errors() throws {
    func error(_ adapter: VersionedAdapter, _ space: CheckpointSpace) -> CheckError? {
      do throws(CheckError) {
        _ = try CheckRun(adapter, laws: [TestLaws.few], space: space)
          .run(RunSettings(examples: 5))
        return nil
      } catch {
        return error
      }
    }
    let unknown = VersionedAdapter(supports: [AxisSelection("lorry", ["none"])])
    #expect(
      error(unknown, CheckpointSpace())
        == .wrongSelection(adapter: "versioned", .unknownAxis("lorry")))
    let config = CheckpointSpace(config: CheckpointSpec.plainest.config)
    #expect(
      error(adapter, config)
        == .emptySpace(reason: "experts is none of those allowed: 2, 3, 9"))
  }

  @Test("Adapters that give no answer are not asked again for a diagnosis")
  func misbehaviour() throws {
    let calls = Atomic<Int>(0)
    let adapter = EditingAdapter { _, tensor in
      calls.add(1, ordering: .relaxed)
      return tensor
    }
    let violation = Violation(
      Misbehaviour(.crashed, "signal 11; the request is kept in x"), step: .fromHF(nil))
    let (sentences, causes) = CheckRun(adapter).diagnosis(of: violation, TestLaws.few, .plainest)
    #expect(sentences == ["crashed: signal 11; the request is kept in x"])
    #expect(causes.map(\.key) == ["misbehaved.crashed fromHF"])
    let differences = Failure.differences(violation, beside: sentences)
    #expect(differences.lines.isEmpty && differences.heatMap == nil)
    #expect(calls.load(ordering: .relaxed) == 0)
  }
}
