// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Tensors

/// A regular expression that removes keys on disk which it matches from their start on, as Python's
/// `re.match` does.
///
/// The syntax is Python's where Swift's and Python's mean the same; `\Z`, the anchor `$`, brackets and
/// a first hyphen within classes are translated. Lookbehind, conditionals and the flag `a` are refused,
/// because Swift has none; on keys beyond ASCII the two engines' classes and case folding differ here
/// and there.
public struct ExclusionPattern: Sendable, Hashable {
  /// The pattern as given.
  public let source: String
  private let compiled: CompiledExclusion

  /// Creates a pattern; an empty one excludes nothing and gives nil.
  ///
  /// - Throws: `AdapterError` with the place of the fault if the pattern is malformed.
  public init?(_ source: String) throws(AdapterError) {
    guard !source.isEmpty else { return nil }
    self.source = source
    do {
      let regex = try Regex(Self.translate(source))
      // Unicode's own word boundaries do not stand at the dots of a key, Python's do.
      let simple = regex.wordBoundaryKind(.simple)
      compiled = CompiledExclusion(
        ascii: simple, other: simple.matchingSemantics(.unicodeScalar))
    } catch {
      throw AdapterError([
        Problem(
          .invalidPattern, TensorName(source), expected: "a regular expression",
          found: "\(error)")
      ])
    }
  }

  /// Whether two patterns have the same text.
  public static func == (lhs: ExclusionPattern, rhs: ExclusionPattern) -> Bool {
    lhs.source == rhs.source
  }

  /// Feeds the text to the hasher.
  public func hash(into hasher: inout Hasher) { hasher.combine(source) }

  /// Whether the pattern matches a key from its start on.
  public func matches(_ name: TensorName) -> Bool { compiled.matches(name) }

  /// Rewrites the few constructs that Python spells or means differently.
  private static func translate(_ pattern: String) -> String {
    var result = ""
    var rest = Substring(pattern)
    while let character = rest.first {
      if character == "\\" {
        let pair = rest.prefix(2)
        // Python's \Z is the very end; Swift's also stands before a last newline.
        result += pair == "\\Z" ? "\\z" : pair
        rest = rest.dropFirst(2)
      } else if character == "$" {
        // Python's $ also stands before a last newline.
        result += "(?:$|(?=\\n\\z))"
        rest = rest.dropFirst()
      } else if character == "[" {
        result += translateClass(&rest)
      } else {
        result.append(character)
        rest = rest.dropFirst()
      }
    }
    return result
  }

  /// Takes a class such as `[^]a-z]` from the start of a pattern, and gives it without Swift's
  /// nested classes and set operators, which to Python are characters.
  private static func translateClass(_ rest: inout Substring) -> String {
    var result = "["
    rest = rest.dropFirst()
    if rest.first == "^" {
      result += "^"
      rest = rest.dropFirst()
    }
    var isFirst = true
    while let character = rest.first, isFirst || character != "]" {
      defer { isFirst = false }
      if character == "\\" {
        result += rest.prefix(2)
        rest = rest.dropFirst(2)
      } else if rest.hasPrefix("--"), !isFirst {
        // A range that ends with a hyphen.
        result += "-\\-"
        rest = rest.dropFirst(2)
      } else {
        if "[]&~".contains(character) || isFirst && character == "-" { result += "\\" }
        result.append(character)
        rest = rest.dropFirst()
      }
    }
    return result
  }
}

/// An exclusion pattern ready to match many keys.
///
/// `Regex` is not Sendable because it may hold closures. One that is parsed from text holds none, and
/// the program that it is compiled to when it is first used is stored atomically.
private struct CompiledExclusion: @unchecked Sendable {
  /// Matches keys whose characters are scalars; only here does Swift see `\b` beside digits.
  fileprivate let ascii: Regex<AnyRegexOutput>
  /// Matches scalar by scalar, as Python does.
  fileprivate let other: Regex<AnyRegexOutput>

  func matches(_ name: TensorName) -> Bool {
    // A carriage return and a newline are one character in Swift.
    let isASCII = name.text.utf8.allSatisfy { $0 < 0x80 && $0 != 0x0d }
    return (try? (isASCII ? ascii : other).prefixMatch(in: name.text)) != nil
  }
}
