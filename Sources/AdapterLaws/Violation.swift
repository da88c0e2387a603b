// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Adapters
import Layouts
public import Tensors

/// What an adapter was asked to do when a law was broken.
public enum ConversionStep: Sendable, Hashable {
  /// The whole checkpoint to native form, for all experts or one rank.
  case fromHF(ExpertParallelism?)
  /// Native form to disk, for all experts or one rank.
  case toHF(ExpertParallelism?)
  /// To native form and back.
  case roundTrip
  /// Native form to disk without excluded keys.
  case excluding
  /// Native form to disk, one tensor at a time.
  case streaming
  /// The question whether a key belongs to a multi-token prediction layer.
  case isMTPKey

  /// The rank whose experts are converted, or nil for all.
  var parallelism: ExpertParallelism? {
    switch self {
    case .fromHF(let parallelism), .toHF(let parallelism): parallelism
    default: nil
    }
  }

  /// Whether the step leads from disk to native form alone.
  var isFromHF: Bool {
    if case .fromHF = self { true } else { false }
  }

  /// The conversion that alone can have done what is wrong.
  var direction: Diagnosis.Direction {
    switch self {
    case .fromHF: .fromHF
    case .toHF, .excluding: .toHF
    case .streaming: .streaming
    case .roundTrip, .isMTPKey: .none
    }
  }
}

/// How a law was broken.
public struct Violation: Error, Sendable {
  /// What should have come out and what did.
  public struct Evidence: Sendable {
    /// What should have come out.
    public var expected: StateDict
    /// What did.
    public var found: StateDict
    /// Tensors in which any NaN will do where one is expected, since a cast made them.
    public var castTensors: Set<TensorName>

    /// The checkpoint on disk that the conversion started from, where it did and that is known.
    var sources: StateDict?

    /// Creates evidence.
    public init(expected: StateDict, found: StateDict, castTensors: Set<TensorName> = []) {
      self.expected = expected
      self.found = found
      self.castTensors = castTensors
    }
  }

  /// The way it failed, which stays the same while a failure is made smaller.
  public var kind: String
  /// The class of tensors where it failed.
  public var place: String
  /// What happened, in one line.
  public var summary: String
  /// What the adapter had been asked to do.
  public var step: ConversionStep
  /// Both sides of a comparison, if there was one.
  public var evidence: Evidence?
  /// What the adapter did instead of answering, if that is what broke the law.
  public var misbehaviour: Misbehaviour?

  /// Creates a violation.
  public init(
    _ kind: String, place: String = "", step: ConversionStep, evidence: Evidence? = nil,
    _ summary: String
  ) {
    self.kind = kind
    self.place = place
    self.summary = summary
    self.step = step
    self.evidence = evidence
  }

  /// Creates the violation of any law by an adapter that gave no answer.
  public init(_ misbehaviour: Misbehaviour, step: ConversionStep) {
    self.init(misbehaviour.kind.rawValue, step: step, misbehaviour.account)
    self.misbehaviour = misbehaviour
  }
}

/// What an adapter did instead of giving a result or refusing; it breaks whatever law asked.
public struct Misbehaviour: Error, Sendable, Equatable, CustomStringConvertible {
  /// The kinds, by the names in reports.
  public enum Kind: String, Sendable, Hashable, CaseIterable {
    /// The process ended while a request was open.
    case crashed
    /// No answer came within the time limit.
    case hung
    /// The process used more memory than its limit.
    case outOfMemory = "ate memory"
    /// What came is no frame of the protocol, or breaks off within one.
    case garbage
    /// The answer is to another request.
    case wrongID = "wrong id"
    /// An answer came that nothing had asked for.
    case unaskedAnswer = "unasked answer"
    /// The answer is longer than a frame may be.
    case oversized
    /// The frame is whole, but is no answer to what was asked.
    case malformedAnswer = "malformed answer"
  }

  /// The kind.
  public var kind: Kind
  /// What happened, in one line without the kind: what was expected and found, and where the request
  /// is kept.
  public var account: String

  /// Creates a misbehaviour.
  public init(_ kind: Kind, _ account: String) {
    self.kind = kind
    self.account = account
  }

  /// The text shown to people.
  public var description: String { "\(kind.rawValue): \(account)" }
}
