// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Tensors

/// One thing that is wrong with a state dict, and where.
public struct Problem: Sendable, Hashable, CustomStringConvertible {
  /// The kind of a finding.
  public enum Code: String, Sendable, Hashable, CaseIterable {
    case missingTensor = "missing tensor"
    case surplusExpert = "surplus expert"
    case surplusLayer = "surplus layer"
    case expertsInDenseLayer = "experts in a dense layer"
    case predictionTensorInDecoderLayer = "prediction tensor in a decoder layer"
    case gateOfNonGatedExpert = "gate projection of non-gated experts"
    case wrongShape = "wrong shape"
    case wrongDType = "wrong element type"
    case nonCanonicalIndex = "index not written canonically"
    case unknownPrefix = "unknown prefix"
    case unknownExpertKey = "unknown expert key"
    case foreignLayout = "key of another layout"
    case nameCollision = "two keys with one name"
    case scaleWithoutWeight = "scale without its weight"
    case incompleteLoRA = "incomplete LoRA group"
    case differentLoRAFactors = "LoRA factors differ"
    case ambiguousLoRALayout = "ambiguous LoRA layout"
    case invalidOption = "invalid option"
    case invalidPattern = "invalid exclusion pattern"
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
