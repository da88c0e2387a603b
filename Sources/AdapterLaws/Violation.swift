// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Adapters
import CheckpointGenerators
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

  /// The code of the way it failed, which stays the same while a failure is shrunk: that of a ``Kind``
  /// or ``Misbehaviour/Kind``, the names of the faults of an invalid input, or that of a law from elsewhere.
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
    _ kind: Kind, place: String = "", step: ConversionStep, evidence: Evidence? = nil,
    _ summary: String
  ) {
    self.init(code: kind.rawValue, place: place, step: step, evidence: evidence, summary)
  }

  /// Creates a violation by an invalid input, or of a law that is none of ``AdapterLaws``.
  public init(
    code: String, place: String = "", step: ConversionStep, evidence: Evidence? = nil,
    _ summary: String
  ) {
    kind = code
    self.place = place
    self.summary = summary
    self.step = step
    self.evidence = evidence
  }

  /// Creates the violation of any law by an adapter that gave no answer.
  public init(_ misbehaviour: Misbehaviour, step: ConversionStep) {
    self.init(code: misbehaviour.kind.rawValue, step: step, misbehaviour.account)
    self.misbehaviour = misbehaviour
  }
}

extension Violation {
  /// The ways in which laws fail, by their codes.
  public enum Kind: String, Sendable, Hashable, CaseIterable {
    // Keys.
    /// A key has another name than it should.
    case wrongKey = "wrong key"
    /// A key is not there.
    case missingKey = "missing key"
    /// A key should not be there.
    case surplusKey = "surplus key"
    /// The keys are in another order.
    case keyOrder = "order of keys"
    /// A key is given twice.
    case keyTwice = "key twice"
    /// A prediction layer is there that should be dropped.
    case mtpLayerKept = "MTP layer kept"
    /// A layer is not there that should be kept.
    case layerDropped = "layer dropped"
    // Tensors.
    /// The element type is another.
    case dtype
    /// The shape is another.
    case shape
    /// Elements are zero that should not be.
    case zeroed
    /// Elements differ.
    case elements
    /// A tensor has more or fewer elements.
    case elementCount = "count of elements"
    /// A tensor has more or fewer bytes.
    case byteCount = "count of bytes"
    /// A file has other bytes.
    case fileBytes = "bytes of the file"
    // Behaviour.
    /// The adapter throws on valid input.
    case refused
    /// The adapter changes what it is given.
    case inputChanged = "input changed"
    /// The adapter gives fewer answers than it was asked for.
    case answersMissing = "answers missing"
    /// The adapter says of a key that it is a prediction layer's, and it is not.
    case isMTPKey = "isMTPKey is true"
    /// The adapter says of a prediction layer's key that it is none.
    case isNoMTPKey = "isMTPKey is false"
    /// Something is lost of any input, whatever is wrong with it.
    case anyFault = "any fault"
  }

  /// The codes of all ways in which the laws of ``AdapterLaws`` fail; where an input has two faults, both of
  /// their names stand with `and` between them.
  public static let kinds =
    Kind.allCases.map(\.rawValue) + Misbehaviour.Kind.allCases.map(\.rawValue)
    + CheckpointFaultCatalogue.all.map(\.name)
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
