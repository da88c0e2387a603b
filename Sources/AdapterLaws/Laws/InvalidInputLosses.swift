// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import CheckpointGenerators
import Tensors

/// What an adapter lost of an invalid input that it accepted.
struct InvalidInputLosses: Sendable {
  /// The name of the fault to blame, or of all where that cannot be told.
  let fault: String
  /// The invalid input in words, such as `a checkpoint whose layer 1 has an expert 4 of 4`.
  let subject: String
  /// The losses that the fault brought about, the worst first.
  let losses: [TensorLoss]
  /// The adapter that the input was given to.
  let setup: AdapterSetup

  /// The fault of losses of which the valid input suffers, too.
  static let anyFault = "any fault"

  /// Finds the fault to blame: the one that touched the worst loss's layer or key.
  ///
  /// - Parameter losses: What was lost, which is not nothing.
  init(_ losses: [TensorLoss], _ faulty: FaultyCheckpoint) {
    setup = faulty.setup
    let touching = losses.map { faulty.fault(touching: $0.name) }
    guard faulty.faults.count > 1, let fault = touching.lazy.compactMap(\.self).first else {
      fault = faulty.faults.joined(separator: " and ")
      subject = faulty.subject(faulty.descriptions)
      self.losses = losses
      return
    }
    self.fault = faulty.faults[fault]
    subject = faulty.subject([faulty.descriptions[fault]])
    self.losses = zip(losses, touching).filter { $0.1 == fault }.map(\.0)
  }

  /// Blames no fault.
  init(ofAny losses: [TensorLoss], _ faulty: FaultyCheckpoint) {
    setup = faulty.setup
    fault = Self.anyFault
    subject = faulty.subject(faulty.descriptions)
    self.losses = losses
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
      guard evidence.expected[home] == nil,
        (try? evidence.expected.insert(tensor, named: home)) != nil
      else { continue }
      if let there { try? evidence.found.insert(there, named: home) }
    }
    return evidence.expected.isEmpty ? nil : evidence
  }
}
