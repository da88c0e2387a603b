// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import StrictJSON

/// Where a layout and transformers' own mapping differ for a model that both have, and what is wrong with the
/// mapping itself; found on numbered elements, without Python.
///
/// The tensors that the layout lists for a small config are loaded by the mapping's rules. They must become the
/// tensors that transformers' model has, each group of ours with the elements of one of theirs, and be saved
/// again under the same names.
public struct MappingAudit: Sendable {
  /// The version of transformers.
  public let version: String
  /// The classes of transformers' models; empty if transformers has none that the layout reads.
  public let classes: [String]
  /// How many rules were interpreted.
  public private(set) var ruleCount = 0
  /// How many names on disk were loaded and saved.
  public private(set) var nameCount = 0
  /// How many native groups have the elements of one of transformers' tensors.
  public private(set) var groupCount = 0
  /// What is not explained.
  public private(set) var findings: [MappingFinding] = []
  /// What is explained, and how many names or rules each explanation concerns.
  public private(set) var explained: [(review: MappingReview, count: Int)] = []

  /// Compares a layout with the mapping.
  ///
  /// - Throws: `JSONFieldError` if the mapping cannot be read.
  public init(of layout: Layout, _ mapping: TransformersMapping) throws(JSONFieldError) {
    version = mapping.version
    let models = mapping.models(of: layout)
    classes = models.map(\.className)
    var all: [MappingFinding] = []
    for model in models {
      var run = MappingRun(layout, model, try mapping.rules(of: model))
      run.all()
      all += run.findings
      ruleCount += run.rules.count
      nameCount += run.nameCount
      groupCount += run.groupCount
    }
    let reviews = models.isEmpty ? [] : mapping.reviews.filter { $0.layouts.contains(layout.name) }
    var counts = reviews.map { _ in 0 }
    for finding in all {
      let position = reviews.firstIndex {
        $0.demand == finding.demand && finding.about.hasPrefix($0.start)
      }
      if let position { counts[position] += 1 } else { findings.append(finding) }
    }
    for (review, count) in zip(reviews, counts) {
      explained.append((review, count))
      guard count == 0 else { continue }
      findings.append(
        MappingFinding(
          .explanation, review.start, expected: "something that '\(review.why)' explains",
          found: "nothing"))
    }
  }
}

/// A difference between a layout and transformers' mapping, or a fault of the mapping.
public struct MappingFinding: Sendable, Hashable, CustomStringConvertible {
  /// What is demanded.
  public enum Demand: String, Sendable, Hashable, CaseIterable {
    /// transformers' model is read from the same config, and has what the layout lists.
    case loaded
    /// Every tensor of transformers' model comes from one that the layout lists.
    case filled
    /// Shapes are those of transformers' model.
    case shape
    /// A native group has the elements of one of transformers' tensors.
    case elements
    /// Tensors are saved under the names that they were loaded from, with the same elements.
    case reversible
    /// No two names become one.
    case injective
    /// Names that are converted already stay as they are.
    case idempotent
    /// Every rule fits a name.
    case noDeadRule = "no dead rule"
    /// No rule only fits names that another has changed before.
    case noShadowedRule = "no shadowed rule"
    /// Whether a tensor is transposed does not depend on its shape.
    case noChoiceByShape = "no choice by shape"
    /// Every operation is interpreted.
    case interpreted
    /// Every explanation explains something.
    case explanation
  }

  /// What is not met.
  public let demand: Demand
  /// The name or the rule concerned.
  public let about: String
  /// What would have been right.
  public let expected: String
  /// What is there.
  public let found: String

  init(_ demand: Demand, _ about: String, expected: String, found: String) {
    self.demand = demand
    self.about = about
    self.expected = expected
    self.found = found
  }

  /// The text shown to people.
  public var description: String { "'\(about)': expected \(expected), found \(found)" }
}
