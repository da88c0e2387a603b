// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import CheckpointGenerators
import Layouts
import Tensors

/// What a report must name for a reader to find the line, by codes and their parts.
///
/// Names of tensors in it are left open, as `FaultWords` says.
enum FaultCause: Sendable {
  /// A cause that the diagnosis finds.
  case diagnosed(Diagnosed)
  /// How a law fails that has no diagnosis: the way, and the class of tensors.
  case violation(kind: String, place: String)
  /// A refusal of invalid input that should have given this reason.
  case unnamed(Problem.Code)
  /// A refusal of a valid checkpoint on load, for this reason.
  case refused(Problem.Code)
  /// Any of these, of which layouts have one or another.
  case either([FaultCause])

  struct Diagnosed: Sendable {
    /// What is wrong; texts that are empty stand for any.
    let fault: Diagnosis.Fault
    let direction: Diagnosis.Direction
    /// The tensors, all of them and no others; empty where any will do.
    let sites: [FaultSite]
    /// The layers; empty where any will do.
    let layers: [Int]
    /// The keys that come first among those concerned.
    let keys: [String]
  }

  static func fromHF(
    _ fault: Diagnosis.Fault, _ sites: FaultSite..., layers: [Int] = [], keys: [String] = []
  ) -> FaultCause {
    .diagnosed(
      Diagnosed(fault: fault, direction: .fromHF, sites: sites, layers: layers, keys: keys))
  }

  static func toHF(
    _ fault: Diagnosis.Fault, _ sites: FaultSite..., layers: [Int] = [], keys: [String] = []
  ) -> FaultCause {
    .diagnosed(Diagnosed(fault: fault, direction: .toHF, sites: sites, layers: layers, keys: keys))
  }

  static func both(_ fault: Diagnosis.Fault, _ sites: FaultSite...) -> FaultCause {
    .diagnosed(Diagnosed(fault: fault, direction: .both, sites: sites, layers: [], keys: []))
  }

  static func streaming(_ fault: Diagnosis.Fault, _ sites: FaultSite...) -> FaultCause {
    .diagnosed(Diagnosed(fault: fault, direction: .streaming, sites: sites, layers: [], keys: []))
  }

  /// A fault of no conversion, or of any.
  static func anywhere(
    _ fault: Diagnosis.Fault, _ sites: FaultSite..., layers: [Int] = []
  ) -> FaultCause {
    .diagnosed(
      Diagnosed(fault: fault, direction: .none, sites: sites, layers: layers, keys: []))
  }

  /// Whether what is said of the smallest checkpoint has it.
  func isNamed(by smallest: FaultResult.Smallest) -> Bool {
    let layout = smallest.spec.config.layout
    switch self {
    case .diagnosed(let cause):
      return smallest.causes.contains { cause.matches($0, FaultWords(layout: layout)) }
    case .violation(let kind, let place):
      return smallest.kind == kind && smallest.place == place
    case .unnamed(let code):
      return smallest.law == "invalid-input" && smallest.place != "state"
        && FaultyCheckpoint(smallest.spec).offences.contains { $0.codes.contains(code) }
    case .refused(let code): return smallest.refusal.contains(code)
    case .either(let causes): return causes.contains { $0.isNamed(by: smallest) }
    }
  }
}

extension FaultCause.Diagnosed {
  func matches(_ finding: Diagnosis.Finding, _ words: FaultWords) -> Bool {
    let classes = Set(sites.flatMap { $0.classes(in: words.layout) })
    return words.filled(fault).matches(finding.code.fault)
      && finding.code.direction == direction
      && (sites.isEmpty || classes == Set(finding.classes))
      && (layers.isEmpty || layers == finding.layers)
      && finding.tensors.starts(with: keys.map { TensorName(words.filled($0)) })
  }
}

extension Diagnosis.Fault {
  /// Whether another fault is this one, whose empty texts stand for any.
  fileprivate func matches(_ found: Diagnosis.Fault) -> Bool {
    switch self {
    case .rearranged, .refused, .value(.changed), .unexplained, .wrongShape(expected: "", _),
      .classesExchanged("", _), .value(.scaled(by: 0)), .expertOrder(.permutation([])):
      identifier == found.identifier
    default: self == found
    }
  }
}

extension FaultWords {
  /// A fault with its names filled in.
  fileprivate func filled(_ fault: Diagnosis.Fault) -> Diagnosis.Fault {
    switch fault {
    case .renamedWrongly(let name): .renamedWrongly(to: filled(name))
    case .wrongPrefix(let prefix, let other):
      .wrongPrefix(filled(prefix), insteadOf: filled(other))
    case .classReplaced(let name): .classReplaced(by: filled(name))
    case .classesExchanged(let one, let other): .classesExchanged(filled(one), filled(other))
    case .keyOrder(.other(let first)): .keyOrder(.other(first: TensorName(filled(first.text))))
    default: fault
    }
  }
}
