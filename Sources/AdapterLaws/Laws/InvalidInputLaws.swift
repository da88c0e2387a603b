// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import CheckpointGenerators
import Layouts
import Tensors

extension Laws {
  package static let invalidInput = AdapterLaw(
    "invalid-input",
    statement: "an invalid state dict is refused, every offending key is named, and nothing is "
      + "returned or changed; an adapter from outside may convert it if nothing is lost",
    reason: "weights that are dropped, merged or reread in silence train and serve a broken model",
    brokenBy: "an expert beyond the config's number that is left out without a word"
  ) { (trial) throws(Violation) in
    guard trial.adapter.invalidInputContract != .accepts else { return false }
    let inputs = trial.invalidInputs.filter { !$0.faults.isEmpty }
    for faulty in inputs { try InvalidInput(faulty, trial).check() }
    return !inputs.isEmpty
  }
}

/// Gives an adapter one invalid state dict and checks what it says.
private struct InvalidInput {
  private let faulty: FaultyCheckpoint
  private let trial: CheckpointUnderTest

  init(_ faulty: FaultyCheckpoint, _ trial: CheckpointUnderTest) {
    self.faulty = faulty
    self.trial = trial
  }

  private var step: ConversionStep {
    faulty.side == .onDisk ? .fromHF(trial.spec.parallelism) : .toHF(trial.spec.parallelism)
  }

  private var kind: String { faulty.kind }

  /// The invalid input in words, such as `a checkpoint whose layer 1 has an expert 4 of 4`.
  private var subject: String {
    let noun = faulty.side == .onDisk ? "a checkpoint" : "a native state dict"
    return "\(noun) whose \(faulty.descriptions.joined(separator: ", and whose "))"
  }

  func check() throws(Violation) {
    let onDisk = try trial.onDisk()
    let input = try trial.attempt(step) { try faulty.stateDict(of: onDisk) }
    // A fault of the config may be noticed before any tensor is seen.
    let session = Result { try trial.adapter.session(for: faulty.setup) }
    try check(outcome(of: input) { try session.get() }, input)
    if case .success(let session) = session { try requireUnchanged(session) }
  }

  /// What an adapter makes of a state dict, or its refusal.
  ///
  /// - Throws: A violation if the adapter gave no answer at all, which is no refusal.
  private func outcome(
    of input: StateDict, _ session: () throws -> any AdapterSession
  ) throws(Violation) -> Result<StateDict, any Error> {
    do {
      return .success(try session().convert(input, faulty.side, trial.spec.parallelism))
    } catch let misbehaviour as Misbehaviour {
      throw Violation(misbehaviour, step: step)
    } catch {
      return .failure(error)
    }
  }

  private func check(
    _ outcome: Result<StateDict, any Error>, _ input: StateDict
  ) throws(Violation) {
    switch (outcome, trial.adapter.invalidInputContract) {
    case (.success(let result), .refuses):
      throw Violation(
        code: kind, place: "accepted", step: step,
        "accepted \(subject): \(result.count) tensors came out and no error"
          + (Self.words(faulty.offences).map { " that names \($0)" } ?? ""))
    case (.success(let result), .losesNothing): try requireNoLoss(input, result)
    case (.success, .accepts): break
    case (.failure(let error as AdapterError), .refuses): try requireNames(error)
    // An adapter from elsewhere need not name keys.
    case (.failure, _): break
    }
  }

  private func requireNames(_ error: AdapterError) throws(Violation) {
    guard let words = Self.words(faulty.unnamed(in: error)) else { return }
    throw Violation(
      code: kind, place: "not named", step: step, "refused \(subject), but did not name \(words)")
  }

  /// Keys that a refusal must name, and as what; nil if there are none.
  private static func words(_ offences: [Offence]) -> String? {
    guard let first = offences.first else { return nil }
    let rest = offences.count > 1 ? " and \(offences.count - 1) more" : ""
    let codes = first.codes.map(\.rawValue).sorted().joined(separator: " or ")
    return "'\(first.name)'\(rest)" + (codes.isEmpty ? "" : " as \(codes)")
  }

  /// The result of a conversion, or nil if the adapter refuses.
  private func unlessRefused(
    _ work: () throws(Violation) -> StateDict
  ) throws(Violation) -> StateDict? {
    do throws(Violation) {
      return try work()
    } catch {
      if error.kind == Violation.Kind.refused.rawValue { return nil }
      throw error
    }
  }

  /// After an invalid state dict the adapter converts a valid one as an adapter does that never saw
  /// an invalid one.
  private func requireUnchanged(_ session: any AdapterSession) throws(Violation) {
    guard faulty.setup == trial.spec.setup else { return }
    let side = faulty.side
    // What is refused or answered anew each time is for other laws to say.
    guard let expected = try unlessRefused({ () throws(Violation) in try trial.converted(side) })
    else { return }
    let found = try trial.convert(trial.valid(side), side, session)
    guard found != expected,
      try unlessRefused({ () throws(Violation) in
        try trial.convert(trial.valid(side), side, trial.session(for: trial.spec.setup))
      }) == expected
    else { return }
    throw Violation(
      code: kind, place: "state", step: step, evidence: .init(expected: expected, found: found),
      "converts a valid state dict differently after it was given \(subject)")
  }
}

/// What an adapter lost of an invalid input that it accepted.
extension InvalidInput {
  private func requireNoLoss(_ input: StateDict, _ result: StateDict) throws(Violation) {
    var spec = trial.spec
    spec.setup = faulty.setup
    let losses = LossAudit(of: input, in: result, faulty.side, spec).losses
    guard !losses.isEmpty else { return }
    let valid = try trial.valid(faulty.side)
    // For what the adapter loses of the valid state dict, too, no fault is to blame.
    let always = try unlessRefused { () throws(Violation) in try trial.converted(faulty.side) }
      .map { LossAudit(of: valid, in: $0, faulty.side, trial.spec).losses }
    let own = losses.filter { loss in !(always ?? []).contains { $0.isSame(as: loss) } }
    guard !own.isEmpty else {
      throw violation(Violation.Kind.anyFault.rawValue, losses, input, result)
    }
    throw violation(kind, own, input, result)
  }

  /// - Parameter losses: What was lost, the worst first.
  private func violation(
    _ fault: String, _ losses: [TensorLoss], _ input: StateDict, _ result: StateDict
  ) -> Violation {
    let fate = losses.first?.fate ?? .lost
    let worst = losses.filter { $0.fate == fate }
    let rest = worst.count > 1 ? " and \(worst.count - 1) more" : ""
    let verb =
      switch fate {
      case .lost: "lost"
      case .overwritten: "overwrote"
      case .changed: "changed"
      case .invented: "invented"
      }
    return Violation(
      code: fault, place: fate.rawValue, step: step, evidence: evidence(losses, input, result),
      "accepted \(subject), and \(verb) '\(worst.first?.name ?? "")'\(rest) "
        + "without a word")
  }

  /// The tensors that went in beside what is under their keys, where whole tensors are concerned.
  private func evidence(
    _ losses: [TensorLoss], _ input: StateDict, _ result: StateDict
  ) -> Violation.Evidence? {
    var evidence = Violation.Evidence(expected: StateDict(), found: StateDict())
    for loss in losses where loss.fate != .invented {
      guard let tensor = input[loss.name], !loss.isOfSomeExperts else { continue }
      let home = loss.home ?? loss.name
      let there = result[home]
      if let there, there.shape.rank != tensor.shape.rank { continue }
      guard evidence.expected[home] == nil,
        (try? evidence.expected.insert(tensor, named: home)) != nil
      else { continue }
      if let there { try? evidence.found.insert(there, named: home) }
    }
    return evidence.expected.isEmpty ? nil : evidence
  }
}
