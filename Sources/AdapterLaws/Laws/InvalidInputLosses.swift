// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import CheckpointGenerators
import Tensors

/// What an adapter lost of an invalid input that it accepted, because of one fault if that can be
/// told.
struct InvalidInputLosses: Sendable {
  /// The name of the fault.
  let fault: String
  /// The invalid input in words, such as `a checkpoint whose layer 1 has an expert 4 of 4`.
  let subject: String
  /// The losses, the worst first.
  let losses: [TensorLoss]
  /// The result's rank, in which other ranks' experts have no place.
  let side: CheckpointFaultKind.Side
  let setup: AdapterSetup

  /// - Parameter losses: What was lost; nil is made of none.
  init?(_ losses: [TensorLoss], _ faulty: FaultyCheckpoint) {
    guard !losses.isEmpty else { return nil }
    side = faulty.side
    setup = faulty.setup
    let faults = losses.map { faulty.fault(touching: $0.name) }
    guard faulty.faults.count > 1, let fault = faults.compactMap(\.self).first else {
      fault = faulty.faults.joined(separator: " and ")
      subject = faulty.subject(faulty.descriptions)
      self.losses = losses
      return
    }
    self.fault = faulty.faults[fault]
    subject = faulty.subject([faulty.descriptions[fault]])
    self.losses = zip(losses, faults).filter { $0.1 == fault }.map(\.0)
  }

  /// The worst that happened.
  var fate: TensorFate { losses.first?.fate ?? .lost }

  func violation(_ step: ConversionStep, _ input: StateDict, _ result: StateDict) -> Violation {
    var violation = Violation(
      fault, place: fate.rawValue, step: step, evidence: evidence(input, result), summary)
    violation.losses = self
    return violation
  }

  private var summary: String {
    let worst = losses.filter { $0.fate == fate }
    let rest = worst.count > 1 ? " and \(worst.count - 1) more" : ""
    let verb =
      switch fate {
      case .lost: "lost"
      case .overwritten: "overwrote"
      case .changed: "changed"
      case .invented: "invented"
      }
    return "accepted \(subject), and \(verb) '\(worst.first?.name ?? "")'\(rest) without a word"
  }

  /// The tensors that went in beside what stands under their keys, where whole tensors are concerned.
  private func evidence(_ input: StateDict, _ result: StateDict) -> Violation.Evidence? {
    var evidence = Violation.Evidence(expected: StateDict(), found: StateDict())
    for loss in losses where loss.fate != .invented {
      guard let tensor = input[loss.name], loss.experts.isEmpty else { continue }
      let home = loss.home ?? loss.name
      let there = result[home]
      if let there, there.shape.rank != tensor.shape.rank { continue }
      guard evidence.expected[home] == nil, (try? evidence.expected.insert(tensor, named: home)) != nil
      else { continue }
      if let there { try? evidence.found.insert(there, named: home) }
    }
    return evidence.expected.isEmpty ? nil : evidence
  }
}
