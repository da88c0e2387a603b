// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import CheckpointGenerators

/// Why laws could not be checked at all.
public enum CheckError: Error, Sendable, Equatable, CustomStringConvertible {
  /// No example was asked for.
  case noExamples(requested: Int)
  /// No law was chosen.
  case noLaws
  /// No checkpoint has the pinned values.
  case emptySpace(reason: String)
  /// The search could not make checkpoints.
  case unhealthy(advice: [String])
  /// The time was used up before a checkpoint was checked.
  case noTime
  /// None of the laws says anything about any of the checkpoints.
  case nothingJudged(executed: Int)
  /// The adapter says that it supports values of axes that there are not.
  case wrongSelection(adapter: String, AxisSelectionError)
  /// The checkpoint has a value that the adapter says it does not support.
  case unsupported(adapter: String, axis: ConfigAxis, label: String)
  /// The checkpoint is of another config or layout.
  case otherSpace(hasConfig: Bool)

  /// What is wrong and what helps.
  public var description: String {
    switch self {
    case .noExamples(let requested):
      "expected 1 example or more, found \(requested): a check without examples shows nothing"
    case .noLaws:
      "expected one law or more, found none: a check without laws shows nothing"
    case .emptySpace(let reason):
      "no checkpoint can be generated: \(reason); choose another config"
    case .unhealthy(let advice):
      "too few checkpoints could be generated: \(advice.joined(separator: "; "))"
    case .noTime:
      "no checkpoint was judged before the time was used up; give more time"
    case .nothingJudged(let executed):
      "none of the chosen laws applies to any of \(grouped(executed)) generated checkpoints; "
        + "choose other laws or another config"
    case .wrongSelection(let adapter, let error):
      "what the adapter '\(adapter)' says it supports cannot be understood: \(error)"
    case .unsupported(let adapter, let axis, let label):
      "the adapter '\(adapter)' says that it does not support checkpoints with \(axis.name) "
        + "\(label), which the token's is"
    case .otherSpace(let hasConfig):
      hasConfig
        ? "the token's checkpoint has another config; leave --config out, or give the one it was found with"
        : "the token's checkpoint is of another layout; give the --layout that it was found with"
    }
  }
}
