// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import AdapterLaws
import Adapters
import CheckpointGenerators
import Layouts
import Tensors

extension GoldenCase {
  /// Runs an adapter on the case and compares its results with upstream's, bit for bit and key for
  /// key in order; of an invalid case, checks that what is wrong is noticed.
  ///
  /// - Returns: What does not agree; nothing if all is as it should be.
  public func faults(of adapter: any AdapterUnderTest) -> [GoldenFault] {
    let check = GoldenCheck(self, adapter)
    switch description.expectation {
    case nil: return check.conversionFaults()
    case .wrongResult(let wrong): return check.conversionFaults() + check.lawFaults(wrong)
    case .refusal(let side, let findings): return check.refusalFaults(of: side, findings)
    }
  }
}

/// One adapter on one case.
private struct GoldenCheck {
  let golden: GoldenCase
  let adapter: any AdapterUnderTest

  init(_ golden: GoldenCase, _ adapter: any AdapterUnderTest) {
    self.golden = golden
    self.adapter = adapter
  }

  private var description: GoldenDescription { golden.description }

  private func fault(_ question: GoldenFault.Question, _ summary: String) -> GoldenFault {
    GoldenFault(description.id, question, summary)
  }

  func conversionFaults() -> [GoldenFault] {
    var faults: [GoldenFault?] = []
    if description.directions.contains(.load) {
      faults.append(
        compare(.load, golden[.native]) { session in
          try session.fromHF(golden[.hf], description.parallelism)
        })
    }
    if description.directions.contains(.save) {
      faults.append(
        compare(.save, golden.saved) { session in
          try session.toHF(
            golden[.native], excluding: description.exclusion, description.parallelism)
        })
      // Pieces are joined where all are at hand.
      let layout = description.setup.config.layout
      func isWhole(_ name: TensorName) -> Bool { !LenientKey(name, layout).isCut(layout) }
      faults.append(
        compare(.stream, golden.saved.filter(isWhole)) { session in
          try StateDict(
            golden[.native].filter(isWhole).flatMap { name, tensor in
              try session.convertSingleTensorToHF(
                name, tensor, excluding: description.exclusion, description.parallelism
              ).map { ($0.name, $0.tensor) }
            })
        })
    }
    return faults.compactMap { $0 }
  }

  private func compare(
    _ question: GoldenFault.Question, _ expected: StateDict,
    _ convert: (any AdapterSession) throws -> StateDict
  ) -> GoldenFault? {
    do {
      let found = try convert(adapter.session(for: description.setup))
      return Mismatch(expected: expected, found: found).map { mismatch in
        GoldenFault(
          description.id, question, mismatch,
          description.findings(
            description.causes(
              mismatch, expected: expected, found: found, isNative: question == .load)),
          description.setup.config.layout)
      }
    } catch let misbehaviour as Misbehaviour {
      return fault(question, misbehaviour.description)
    } catch {
      return fault(question, "refused: \(error)")
    }
  }

  func lawFaults(_ wrong: GoldenExpectation.WrongResult) -> [GoldenFault] {
    guard let law = Laws.named(wrong.law) else {
      return [fault(.law, "there is no law '\(wrong.law)'")]
    }
    guard let spec = CheckpointSpec(golden) else {
      return [fault(.law, "there is no spec for the exclusion '\(description.exclusion)'")]
    }
    let trial = CheckpointUnderTest(
      spec, ReplayingAdapter(golden, wrong.side, adapter), onDisk: golden[.hf])
    switch law.verdict(on: trial) {
    case .holds, .doesNotApply:
      return [fault(.law, "the wrong result does not break the law '\(wrong.law)'")]
    case .broken(let violation):
      guard violation.kind != wrong.kind || violation.place != wrong.place else { return [] }
      return [
        fault(
          .law,
          "expected \(wrong.kind) of '\(wrong.place)', found \(violation.kind) of "
            + "'\(violation.place)': \(violation.summary)")
      ]
    }
  }

  func refusalFaults(
    of side: GoldenRole, _ expected: [GoldenExpectation.KeyFault]
  ) -> [GoldenFault] {
    if adapter.invalidInputContract == .accepts { return [] }
    do {
      let session = try adapter.session(for: description.setup)
      let result =
        side == .native
        ? try session.toHF(golden[side], excluding: "", description.parallelism)
        : try session.fromHF(golden[side], description.parallelism)
      return faults(ofAccepting: golden[side], side, result)
    } catch let misbehaviour as Misbehaviour {
      return [fault(.refuse, misbehaviour.description)]
    } catch let error as AdapterError {
      let found = error.problems.map {
        GoldenExpectation.KeyFault(code: $0.code.rawValue, subject: $0.subject)
      }
      guard found.sorted() != expected.sorted() else { return [] }
      return [
        fault(
          .refuse,
          "expected \(expected.sorted().map(\.description).joined(separator: ", ")), found "
            + found.sorted().map(\.description).joined(separator: ", "))
      ]
    } catch {
      // An adapter from elsewhere need not name keys as this package's does.
      return []
    }
  }

  private func faults(
    ofAccepting input: StateDict, _ side: GoldenRole, _ result: StateDict
  ) -> [GoldenFault] {
    guard adapter.invalidInputContract == .losesNothing, let spec = CheckpointSpec(golden) else {
      return [fault(.refuse, "accepted: \(result.count) tensors came out and no error")]
    }
    let losses = LossAudit(
      of: input, in: result, side == .native ? .native : .onDisk, spec
    ).losses
    guard let worst = losses.first else { return [] }
    let others = losses.count > 1 ? " and \(losses.count - 1) more" : ""
    return [fault(.refuse, "accepted, and '\(worst.name)' is \(worst.fate)\(others)")]
  }
}
