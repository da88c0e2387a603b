// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Tensors

/// A regular expression that removes keys on disk which it matches from their start on, as Python's
/// `re.match` does.
///
/// The syntax is Python's where Swift's and Python's mean the same; `\Z`, `(?P=name)` and the
/// anchor `$` are translated. Case folding and classes are Unicode's in both.
public struct ExclusionPattern: Sendable, Hashable {
  /// The pattern as given.
  public let source: String
  private let translated: String

  /// Creates a pattern; an empty one excludes nothing and gives nil.
  ///
  /// - Throws: `AdapterError` with the place of the fault if the pattern is malformed.
  public init?(_ source: String) throws(AdapterError) {
    guard !source.isEmpty else { return nil }
    self.source = source
    translated = Self.translate(source)
    do {
      _ = try Regex(translated)
    } catch {
      throw AdapterError([
        Finding(
          .invalidPattern, TensorName(source), expected: "a regular expression",
          found: "\(error)")
      ])
    }
  }

  /// The compiled pattern, for one thread.
  func compiled() -> CompiledExclusion? {
    // Init has compiled the same text without an error.
    guard let regex = try? Regex(translated).matchingSemantics(.unicodeScalar) else { return nil }
    return CompiledExclusion(regex: regex)
  }

  /// Whether the pattern matches a key from its start on.
  public func matches(_ name: TensorName) -> Bool {
    compiled()?.matches(name) ?? false
  }

  /// Rewrites the few constructs that Python spells or means differently.
  private static func translate(_ pattern: String) -> String {
    var result = ""
    var rest = Substring(pattern)
    var isInClass = false
    while let character = rest.first {
      if character == "\\" {
        let pair = rest.prefix(2)
        // Python's \Z is the very end; Swift's also stands before a last newline.
        result += pair == "\\Z" && !isInClass ? "\\z" : pair
        rest = rest.dropFirst(2)
      } else if !isInClass, rest.hasPrefix("(?P="), let end = rest.firstIndex(of: ")") {
        result += "\\k<\(rest[..<end].dropFirst(4))>"
        rest = rest[end...].dropFirst()
      } else {
        if character == "[" { isInClass = true }
        if character == "]" { isInClass = false }
        result.append(character)
        rest = rest.dropFirst()
      }
    }
    return result
  }
}

/// An exclusion pattern ready to match many keys; `Regex` is not Sendable, so neither is this.
struct CompiledExclusion {
  fileprivate let regex: Regex<AnyRegexOutput>

  func matches(_ name: TensorName) -> Bool {
    (try? regex.prefixMatch(in: name.text)) != nil
  }
}
