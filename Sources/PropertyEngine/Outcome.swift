// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// What a failure is, so that shrinking follows one failure and keeps others apart.
public struct FailureKey: Hashable, Sendable, CustomStringConvertible {
  /// The law or property that failed.
  public var law: String
  /// In what way it failed.
  public var kind: String
  /// Where: a source position, a tensor name.
  public var place: String

  /// The key of a failure of `law`.
  public init(law: String, kind: String = "", place: String = "") {
    self.law = law
    self.kind = kind
    self.place = place
  }

  /// Law, kind and place, those that are not empty.
  public var description: String {
    [law, kind, place].filter { !$0.isEmpty }.joined(separator: ", ")
  }
}

/// What a property says about one value.
public enum Outcome: Sendable, Equatable {
  /// It holds.
  case pass
  /// The value does not meet the preconditions.
  case discard
  /// It fails, with a message for the reader.
  case fail(FailureKey, String)

  /// A failure if `condition` is false.
  public static func holds(
    _ condition: Bool, _ law: String = "property", _ message: @autoclosure () -> String = ""
  ) -> Outcome {
    condition ? .pass : .fail(FailureKey(law: law), message())
  }

  /// The status of a case with this outcome.
  var status: CaseStatus {
    switch self {
    case .pass: return .passed
    case .discard: return .discarded
    case .fail: return .failed
    }
  }
}

/// What a property body tells the engine about a case besides its outcome.
public struct CaseContext: Sendable {
  /// Labels of this case.
  public private(set) var labels: [String] = []
  /// Bytes that the body attaches to a case for an observer.
  public var annotation: [UInt8] = []

  /// A context with nothing in it.
  public init() {}

  /// Counts this case under `label`, once.
  public mutating func label(_ label: String) {
    if !labels.contains(label) { labels.append(label) }
  }

  /// Counts this case under `label` if `condition` holds.
  public mutating func label(_ label: String, if condition: Bool) {
    if condition { self.label(label) }
  }
}
