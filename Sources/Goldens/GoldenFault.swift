// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import AdapterLaws

/// One way in which an adapter, or what is said of it, does not agree with a golden case.
public struct GoldenFault: Sendable, CustomStringConvertible {
  /// What was asked.
  public enum Question: String, Sendable, Hashable, CaseIterable {
    /// Loading the checkpoint gives upstream's native form.
    case load
    /// Saving upstream's native form gives what upstream saves.
    case save
    /// Saving it tensor by tensor gives the same.
    case stream
    /// The wrong result breaks the law that the case names, in the way that it names.
    case law
    /// The invalid state dict is refused, and every finding is the one that the case names.
    case refuse
  }

  /// The name of the case.
  public let id: String
  /// What was asked.
  public let question: Question
  /// What happened, in one line.
  public let summary: String
  /// How the results differ, if they were compared.
  public let mismatch: Mismatch?

  init(_ id: String, _ question: Question, _ summary: String, _ mismatch: Mismatch? = nil) {
    self.id = id
    self.question = question
    self.summary = summary
    self.mismatch = mismatch
  }

  /// The text shown to people.
  public var description: String { "\(id): \(question.rawValue): \(summary)" }
}
