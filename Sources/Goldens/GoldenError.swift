// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import AdapterLaws
public import Files
internal import Layouts
internal import StrictJSON

/// What is wrong with a set of golden files, where, and what helps.
public typealias GoldenError = PlacedError<GoldenSetFault>

/// What can be wrong with a set of golden files.
public enum GoldenSetFault: String, FileFaultKind, CaseIterable {
  /// A system call failed.
  case file
  /// The manifest is not what a manifest is.
  case malformedManifest
  /// The manifest or a file has a format version that this program does not know.
  case unknownFormatVersion
  /// Two cases have one name, or one file.
  case duplicateCase
  /// A name of a case or a file could lead out of the folder.
  case invalidName
  /// The manifest names a file that is not there.
  case missingFile
  /// The folder holds something that the manifest does not name.
  case orphan
  /// A file has another size or SHA-256 than the manifest says.
  case wrongFile
  /// A file is no golden file.
  case malformedFile
  /// The content has not the SHA-256 that is stated.
  case wrongContent
  /// The description of a case is not what a description is.
  case malformedDescription
  /// No case has the name asked for.
  case unknownCase
  /// The new set is where the old one is, or inside it.
  case invalidPlace
  /// Another process is changing the set.
  case busy
}

extension GoldenError {
  init(_ code: GoldenSetFault, _ place: String, expected: String, found: String) {
    self.init(
      code, place, expected: expected, found: found,
      remedy: "take the set from where it was committed, or propose it anew")
  }

  init(_ error: JSONFieldError, _ code: GoldenSetFault, _ place: String) {
    self.init(
      code, error.place.isEmpty ? place : "\(place): \(error.place)", expected: error.expected,
      found: error.found)
  }
}

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
  /// What happened in the words of the diagnosis, if results were compared.
  public let findings: [Diagnosis.Finding]
  /// The same text for faults of other cases that come of the same mistake, as far as can be told.
  public let cause: String

  init(_ id: String, _ question: Question, _ summary: String) {
    self.id = id
    self.question = question
    self.summary = summary
    (mismatch, findings) = (nil, [])
    cause = summary.replacing(/'[^']*'|[0-9]+/, with: "*")
  }

  init(
    _ id: String, _ question: Question, _ mismatch: Mismatch, _ findings: DiffCauses.Findings,
    _ layout: Layout
  ) {
    self.id = id
    self.question = question
    self.mismatch = mismatch
    self.findings = findings.first
    summary =
      findings.sentences.isEmpty ? mismatch.summary : findings.sentences.joined(separator: "; ")
    let direction = question == .stream ? Question.save : question
    let what = findings.first.first?.code.fault.identifier ?? mismatch.kind.rawValue
    cause = "\(direction.rawValue): \(what) of \(mismatch.place(in: layout))"
  }

  /// The text shown to people.
  public var description: String { "\(id): \(question.rawValue): \(summary)" }
}
