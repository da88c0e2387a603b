// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import CheckpointGenerators
import Tensors

extension AdapterLaws {
  static let invalidInput = AdapterLaw(
    "invalid-input",
    statement: "an invalid state dict is refused, every offending key is named, and nothing is "
      + "returned or changed",
    reason: "weights that are dropped, merged or reread in silence train and serve a broken model",
    brokenBy: "an expert beyond the config's number that is left out without a word"
  ) { (trial) throws(Violation) in
    let faulty = FaultyCheckpoint(trial.spec)
    guard !faulty.faults.isEmpty else { return false }
    try InvalidInput(faulty, trial).check()
    return true
  }
}

/// Gives an adapter one invalid state dict and judges what it says.
private struct InvalidInput {
  private let faulty: FaultyCheckpoint
  private let trial: Trial

  init(_ faulty: FaultyCheckpoint, _ trial: Trial) {
    self.faulty = faulty
    self.trial = trial
  }

  private var step: ConversionStep {
    faulty.side == .onDisk ? .fromHF(trial.spec.parallelism) : .toHF(trial.spec.parallelism)
  }

  private var kind: String { faulty.faults.joined(separator: " and ") }

  private var subject: String {
    let noun = faulty.side == .onDisk ? "a checkpoint" : "a native state dict"
    return "\(noun) whose \(faulty.descriptions.joined(separator: ", and whose "))"
  }

  /// What an adapter made of the invalid state dict.
  private enum Answer {
    case result(StateDict)
    /// The error of this package, which names keys.
    case findings(AdapterError)
    /// An error of an adapter that need not name keys.
    case otherError
  }

  func check() throws(Violation) {
    let input = try trial.attempt(step) { try faulty.stateDict() }
    let session: any AdapterSession
    do {
      session = try trial.adapter.session(for: faulty.setup)
    } catch {
      // A fault of the config may be noticed before any tensor is seen.
      return try judge(answer(to: error))
    }
    try judge(answer(of: session, to: input))
    try requireUnchanged(session)
  }

  private func convert(_ input: StateDict, _ session: any AdapterSession) throws -> StateDict {
    switch faulty.side {
    case .onDisk: try session.fromHF(input, trial.spec.parallelism)
    case .native: try session.toHF(input, excluding: "", trial.spec.parallelism)
    }
  }

  private func answer(of session: any AdapterSession, to input: StateDict) -> Answer {
    do {
      return .result(try convert(input, session))
    } catch {
      return answer(to: error)
    }
  }

  private func answer(to error: any Error) -> Answer {
    (error as? AdapterError).map(Answer.findings) ?? .otherError
  }

  private func judge(_ answer: Answer) throws(Violation) {
    switch answer {
    case .result(let result):
      throw Violation(
        kind, place: "accepted", step: step,
        "accepted \(subject): \(result.count) tensors came out and no error")
    case .findings(let error):
      let unnamed = faulty.unnamed(in: error)
      guard let first = unnamed.first else { return }
      let rest = unnamed.count > 1 ? " and \(unnamed.count - 1) more" : ""
      let codes = first.codes.map(\.rawValue).sorted().joined(separator: " or ")
      throw Violation(
        kind, place: "not named", step: step,
        "refused \(subject), but did not name '\(first.name)'\(rest)"
          + (codes.isEmpty ? "" : " as \(codes)"))
    case .otherError:
      return
    }
  }

  /// After a refusal the adapter converts a valid state dict as an adapter does that never
  /// refused one.
  private func requireUnchanged(_ session: any AdapterSession) throws(Violation) {
    guard faulty.setup == trial.spec.setup else { return }
    let valid = FaultyCheckpoint(valid: trial.spec, side: faulty.side)
    guard let input = try? valid.stateDict(),
      let fresh = try? trial.adapter.session(for: trial.spec.setup),
      let expected = try? convert(input, fresh)
    else { return }
    let found = try trial.attempt(step) { try convert(input, session) }
    guard found != expected else { return }
    throw Violation(
      kind, place: "changed", step: step, evidence: .init(expected: expected, found: found),
      "converts a valid state dict differently after it refused \(subject)")
  }
}
