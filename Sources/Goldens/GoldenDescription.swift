// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
public import Adapters
public import CheckpointGenerators
import Layouts
public import Tensors

/// The facts about a golden case, as its file states them.
public struct GoldenDescription: Sendable {
  /// Whether upstream's result is right or the case shows something wrong.
  public enum Verdict: String, Sendable, Hashable, CaseIterable {
    /// The adapter must give the results in the file.
    case valid
    /// The adapter must refuse, or a law must notice the wrong result.
    case invalid
  }

  /// A conversion that a case speaks about.
  public enum Direction: String, Sendable, Hashable, CaseIterable {
    /// From disk to native form.
    case load
    /// From native form to disk.
    case save
  }

  /// The name of the case.
  public let id: String
  /// What the case is for.
  public let purpose: String
  /// Whether upstream's result is right or the case shows something wrong.
  public let verdict: Verdict
  /// What the case covers, by words of Golden/README.md.
  public let flags: [String]
  /// The adapter's config and options; the config's layout is the family.
  public let setup: AdapterSetup
  /// The conversions that upstream was asked for.
  public let directions: [Direction]
  /// What is left out when saving, as Python's `re.match` reads it; empty for nothing.
  public let exclusion: String
  /// The rank that loads the checkpoint, or nil for all experts.
  public let parallelism: ExpertParallelism?
  /// Low-rank factors of the experts, or nil for none.
  public let lora: LoRASpec?
  /// What an invalid case must lead to.
  public let expectation: GoldenExpectation?
  /// The JSON document, in its one spelling.
  public let text: String

  /// What a case asks of an adapter.
  public enum Kind: String, Sendable, Hashable, CaseIterable {
    /// To give what upstream gives.
    case valid
    /// To give what upstream gives, and of the laws to notice a wrong result beside it.
    case wrong
    /// To refuse a state dict.
    case refused
  }

  /// What the case asks of an adapter.
  public var kind: Kind {
    switch expectation {
    case nil: .valid
    case .wrongResult: .wrong
    case .refusal: .refused
    }
  }

  /// Whether the state dict of a role is in native form.
  func isNative(_ role: GoldenRole) -> Bool {
    guard role == .wrong, case .wrongResult(let wrong)? = expectation else {
      return role == .native
    }
    return wrong.side == .native
  }

  /// What happened to a state dict of the case.
  func causes(
    _ mismatch: Mismatch, expected: StateDict, found: StateDict, isNative: Bool
  ) -> DiffCauses {
    DiffCauses(mismatch, expected: expected, found: found, setup, isNative: isNative, parallelism)
  }

  /// Causes in the words of the diagnosis.
  func findings(_ causes: DiffCauses) -> DiffCauses.Findings {
    causes.findings(setup.config, of: AdapterPlanner(setup.config, setup.options).schema)
  }

  /// The groups that a case of this description must have.
  var requiredRoles: [GoldenRole] {
    switch expectation {
    case nil: [.hf, .native]
    case .wrongResult: [.hf, .native, .wrong]
    case .refusal(let side, _): [side]
    }
  }
}

/// What an invalid case must lead to.
public enum GoldenExpectation: Sendable, Hashable {
  /// A result that breaks a law.
  case wrongResult(WrongResult)
  /// A state dict that every adapter must refuse, with what this package's adapter says of it.
  case refusal(of: GoldenRole, findings: [KeyFault])

  /// A wrong result in the place of the native or the saved state dict.
  public struct WrongResult: Sendable, Hashable {
    /// The state dict that the result stands for.
    public let side: GoldenRole
    /// The law that it breaks.
    public let law: String
    /// The kind of the violation.
    public let kind: String
    /// The class of tensors where it shows.
    public let place: String
    /// Words of the diagnosis.
    public let diagnosis: [String]
  }

  /// What is wrong with one key.
  public struct KeyFault: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The kind.
    public let code: String
    /// The key.
    public let subject: TensorName

    /// Creates an offence.
    public init(code: String, subject: TensorName) {
      self.code = code
      self.subject = subject
    }

    /// Whether an offence is listed before another.
    public static func < (lhs: KeyFault, rhs: KeyFault) -> Bool {
      (lhs.subject, lhs.code) < (rhs.subject, rhs.code)
    }

    /// The text shown to people.
    public var description: String { "\(code): '\(subject)'" }
  }
}
