// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import CheckpointGenerators
import Layouts
import Tensors

extension AdapterLaws {
  static let invalidInput = AdapterLaw(
    "invalid-input",
    statement: "an invalid state dict is refused, every offending key is named, and nothing is "
      + "returned or changed; an adapter from outside may convert it if nothing is lost",
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

  private var subject: String { faulty.subject(faulty.descriptions) }

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
      return try judge(answer(to: error), input)
    }
    try judge(answer(of: session, to: input), input)
    try requireUnchanged(session)
  }

  private func convert(_ input: StateDict, _ session: any AdapterSession) throws -> StateDict {
    switch faulty.side {
    case .onDisk: try session.fromHF(input, trial.spec.parallelism)
    case .native: try session.toHF(input, excluding: "", trial.spec.parallelism)
    }
  }

  private func answer(
    of session: any AdapterSession, to input: StateDict
  ) throws(Violation) -> Answer {
    do {
      return .result(try convert(input, session))
    } catch {
      return try answer(to: error)
    }
  }

  /// - Throws: A violation if the adapter gave no answer at all, which is no refusal.
  private func answer(to error: any Error) throws(Violation) -> Answer {
    if let misbehaviour = error as? Misbehaviour { throw Violation(misbehaviour, step: step) }
    return (error as? AdapterError).map(Answer.findings) ?? .otherError
  }

  private func judge(_ answer: Answer, _ input: StateDict) throws(Violation) {
    switch (answer, trial.adapter.invalidInputContract) {
    case (.result(let result), .refuses):
      throw Violation(
        kind, place: "accepted", step: step,
        "accepted \(subject): \(result.count) tensors came out and no error"
          + (Self.words(faulty.offences).map { " that names \($0)" } ?? ""))
    case (.result(let result), .losesNothing): try requireNoLoss(input, result)
    case (.findings(let error), .refuses): try requireNames(error)
    case (.findings, .losesNothing), (.otherError, _): break
    }
  }

  private func requireNames(_ error: AdapterError) throws(Violation) {
    guard let words = Self.words(faulty.unnamed(in: error)) else { return }
    throw Violation(
      kind, place: "not named", step: step, "refused \(subject), but did not name \(words)")
  }

  /// Keys that a refusal must name, and as what; nil if there are none.
  private static func words(_ offences: [Offence]) -> String? {
    guard let first = offences.first else { return nil }
    let rest = offences.count > 1 ? " and \(offences.count - 1) more" : ""
    let codes = first.codes.map(\.rawValue).sorted().joined(separator: " or ")
    return "'\(first.name)'\(rest)" + (codes.isEmpty ? "" : " as \(codes)")
  }

  private func requireNoLoss(_ input: StateDict, _ result: StateDict) throws(Violation) {
    var spec = trial.spec
    spec.setup = faulty.setup
    let losses = TensorAccount(of: input, in: result, faulty.side, spec).losses
    guard !losses.isEmpty else { return }
    let always = try lossesOfValid()
    let own = losses.filter { loss in !always.contains { $0.isSame(as: loss) } }
    let found =
      own.isEmpty
      ? InvalidInputLosses(ofAny: losses, faulty) : InvalidInputLosses(own, faulty)
    throw found.violation(step, input, result)
  }

  /// What the adapter loses of the valid state dict, too, for which no fault is to blame.
  private func lossesOfValid() throws(Violation) -> [TensorLoss] {
    let valid = FaultyCheckpoint(valid: trial.spec, side: faulty.side)
    let input = try trial.attempt(step) { try valid.stateDict() }
    let answer: Answer
    do {
      answer = .result(try convert(input, trial.adapter.session(for: trial.spec.setup)))
    } catch {
      answer = try self.answer(to: error)
    }
    guard case .result(let result) = answer else { return [] }
    return TensorAccount(of: input, in: result, faulty.side, trial.spec).losses
  }

  /// After an invalid state dict the adapter converts a valid one as an adapter does that never saw
  /// an invalid one.
  private func requireUnchanged(_ session: any AdapterSession) throws(Violation) {
    guard faulty.setup == trial.spec.setup else { return }
    let valid = FaultyCheckpoint(valid: trial.spec, side: faulty.side)
    let input = try trial.attempt(step) { try valid.stateDict() }
    // What is refused or answered anew each time is for other laws to say.
    guard let expected = try freshly(input) else { return }
    let found = try trial.attempt(step) { try convert(input, session) }
    guard found != expected, try freshly(input) == expected else { return }
    throw Violation(
      kind, place: "state", step: step, evidence: .init(expected: expected, found: found),
      "converts a valid state dict differently after it was given \(subject)")
  }

  /// What an adapter made anew gives, or nil if it refuses.
  private func freshly(_ input: StateDict) throws(Violation) -> StateDict? {
    do {
      return try convert(input, trial.adapter.session(for: trial.spec.setup))
    } catch {
      _ = try answer(to: error)
      return nil
    }
  }
}

extension FaultyCheckpoint {
  /// The invalid input in words.
  func subject(_ descriptions: [String]) -> String {
    let noun = side == .onDisk ? "a checkpoint" : "a native state dict"
    return "\(noun) whose \(descriptions.joined(separator: ", and whose "))"
  }
}
