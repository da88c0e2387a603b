// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import CheckpointGenerators
public import Tensors

/// What an adapter does wrong, in the field's words.
public struct Diagnosis: Sendable {
  /// The causes, the most telling first, at most five.
  public let findings: [Finding]

  /// One sentence for each cause.
  public var sentences: [String] { findings.map(\.sentence) }

  /// Each cause for machines.
  public var codes: [Code] { findings.map(\.code) }

  /// A fault and the conversions that have it.
  public struct Code: Sendable, Hashable {
    /// What is wrong.
    public let fault: Fault
    /// The conversions that do it.
    public let direction: Direction

    /// Creates a code.
    public init(_ fault: Fault, _ direction: Direction) {
      self.fault = fault
      self.direction = direction
    }
  }

  /// The conversions that have a fault.
  public enum Direction: String, Sendable, Hashable {
    /// From disk to native form.
    case fromHF
    /// From native form to disk.
    case toHF
    /// The same fault there and back, so that a round trip can hide it.
    case both
    /// To disk one tensor at a time, but not as a whole.
    case streaming
    /// No conversion, or no telling which.
    case none
  }

  /// A cause with the places that it concerns.
  public struct Finding: Sendable {
    /// What is wrong, and which conversions do it.
    public let code: Code
    /// The words for the classes of tensors, such as `down_proj`; empty where all are concerned.
    public var classes: [String] = []
    /// The layers.
    public var layers: [Int] = []
    /// The experts; empty where all are concerned.
    public var experts: [Int] = []
    /// The keys of the outputs.
    public var tensors: [TensorName] = []
    /// The fault and its places in words, with a hint where adapters usually have it.
    public let sentence: String
  }

  private static let mostFindings = 5

  /// Says what an adapter does wrong on a checkpoint where it breaks a law.
  ///
  /// The adapter is run again on tracer checkpoints, in both directions whatever the violation.
  ///
  /// - Parameter isKnown: Whether a cause is one that the checkpoint shows beside this violation; such causes are
  ///   left out, unless there are no others.
  /// - Complexity: O(digits of the largest address × elements).
  public static func of(
    _ violation: Violation, _ spec: CheckpointSpec, _ adapter: any AdapterUnderTest,
    leavingOut isKnown: (Finding) -> Bool = { _ in false }
  ) -> Diagnosis {
    if let misbehaviour = violation.misbehaviour {
      return Diagnosis(findings: [
        Finding(
          code: .init(.misbehaved(misbehaviour.kind), violation.step.direction),
          sentence: misbehaviour.description)
      ])
    }
    var examination = TracerRuns(violation, spec, adapter)
    var drafts = examination.drafts()
    if drafts.allSatisfy({ $0.fault.saysNothing }), spec.keyOrder == .schema {
      // What depends on the order of arrival does not show in schema order.
      var reversed = spec
      reversed.keyOrder = .reversed
      var arrival = violation
      arrival.evidence = nil
      let other = TracerRuns(arrival, reversed, adapter)
      let found = other.drafts().filter { !$0.fault.saysNothing }
      if !found.isEmpty { (examination, drafts) = (other, found) }
    }
    drafts = examination.seenOblong(drafts, adapter)
    if drafts.isEmpty { drafts = [CauseCandidate(.unexplained(violation.summary))] }
    let sorted = drafts.enumerated().sorted {
      ($0.element.fault.traits.rank, $0.offset) < ($1.element.fault.traits.rank, $1.offset)
    }
    let findings = sorted.map {
      Wording($0.element, examination.spec, examination.context?.places).finding
    }
    let own = findings.filter { !isKnown($0) }
    return Diagnosis(findings: Array((own.isEmpty ? findings : own).prefix(mostFindings)))
  }
}
