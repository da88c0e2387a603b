// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Tensors

/// One thing that is wrong with a state dict, and where.
public struct Problem: Sendable, Hashable, CustomStringConvertible {
  /// The kind of a finding.
  public enum Code: String, Sendable, Hashable, CaseIterable {
    /// A tensor of the layout is not there.
    case missingTensor = "missing tensor"
    /// An expert's number is not below the config's count.
    case surplusExpert = "surplus expert"
    /// A layer's number is not below the config's count.
    case surplusLayer = "surplus layer"
    /// A layer without experts has some.
    case expertsInDenseLayer = "experts in a dense layer"
    /// A decoder layer has what only prediction layers have.
    case predictionTensorInDecoderLayer = "prediction tensor in a decoder layer"
    /// Experts whose activation needs no gate have one.
    case gateOfNonGatedExpert = "gate projection of non-gated experts"
    /// A tensor has another shape than the config says.
    case wrongShape = "wrong shape"
    /// A tensor has a type that cannot be used.
    case wrongDType = "wrong element type"
    /// The number of a layer or an expert has leading zeros, or is too large.
    case nonCanonicalIndex = "index not written canonically"
    /// A name begins with no prefix of the layout.
    case unknownPrefix = "unknown prefix"
    /// A name below the experts is none of the layout's.
    case unknownExpertKey = "unknown expert key"
    /// A name is of the other side, or of another layout.
    case foreignLayout = "key of another layout"
    /// Two keys would get one name.
    case nameCollision = "two keys with one name"
    /// A scale stands alone.
    case scaleWithoutWeight = "scale without its weight"
    /// A factor has no partner, or experts have none.
    case incompleteLoRA = "incomplete LoRA group"
    /// Factors that must be equal differ.
    case differentLoRAFactors = "LoRA factors differ"
    /// Rows that native form has no place for are not zeros.
    case paddingNotZero = "padding that is not zero"
    /// Shapes do not say which of PEFT's layouts it is.
    case ambiguousLoRALayout = "ambiguous LoRA layout"
    /// An option does not fit the config.
    case invalidOption = "invalid option"
    /// The exclusion pattern is none of Python's `re`.
    case invalidPattern = "invalid exclusion pattern"
    /// A tensor's bytes could not be read.
    case storage = "storage"
  }

  /// What is wrong.
  public let code: Code
  /// The key, option or pattern concerned.
  public let subject: TensorName
  /// What should be there.
  public let expected: String
  /// What is there.
  public let found: String

  /// Creates a finding.
  public init(_ code: Code, _ subject: TensorName, expected: String, found: String) {
    self.code = code
    self.subject = subject
    self.expected = expected
    self.found = found
  }

  /// The text shown to people.
  public var description: String {
    "\(code.rawValue): '\(subject)': expected \(expected), found \(found)".onOneLine
  }
}

/// Why an adapter refuses a state dict: every offending key, and nothing converted.
public struct AdapterError: Error, Hashable, CustomStringConvertible {
  /// All that is wrong, in the order of the state dict, missing tensors last.
  public let problems: [Problem]
  /// What kind of state dict this is, where that is known; it has no part in equality.
  ///
  /// It is looked for when it is asked for: who tries many state dicts reads the problems alone.
  public var cause: String? { findCause() }
  private let findCause: @Sendable () -> String?

  /// Creates an error from its problems.
  public init(
    _ problems: [Problem], cause: @escaping @autoclosure @Sendable () -> String? = nil
  ) {
    self.problems = problems
    findCause = cause
  }

  /// Whether both have the same problems.
  public static func == (lhs: AdapterError, rhs: AdapterError) -> Bool {
    lhs.problems == rhs.problems
  }

  /// Feeds the problems to the hasher.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(problems)
  }

  init(_ error: TensorError) {
    self.init([
      Problem(.storage, "state dict", expected: "accessible tensors", found: error.description)
    ])
  }

  private static let shownOfKind = 3

  /// The text shown to people: the cause, the first problems of each kind, and where the others are.
  public var description: String {
    let title = problems.count == 1 ? "1 problem" : "\(problems.count) problems"
    var lines = (cause.map { [$0.onOneLine] } ?? []) + [title + " in the state dict:"]
    for code in Problem.Code.allCases {
      let alike = problems.filter { $0.code == code }
      lines += alike.prefix(Self.shownOfKind).map { "  \($0)" }
      guard alike.count > Self.shownOfKind else { continue }
      lines.append("  \(code.rawValue), in all \(alike.count):")
      lines += NameCensus(alike.map(\.subject)).lines(atMost: 3).map { "    \($0)".onOneLine }
    }
    return lines.joined(separator: "\n")
  }
}

extension String {
  /// The text with its line breaks escaped, so that a key of a file cannot pose as a message.
  var onOneLine: String {
    guard contains(where: \.isNewline) else { return self }
    return unicodeScalars.map {
      Character($0).isNewline ? $0.escaped(asASCII: true) : String($0)
    }.joined()
  }
}
