// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import PropertyEngine
public import Testing

/// What a pure property body returns.
public protocol PropertyVerdict: Sendable {
  /// The outcome that it stands for.
  var outcome: Outcome { get }
}

extension Bool: PropertyVerdict {
  /// The property holds if it is true.
  public var outcome: Outcome { .holds(self) }
}

extension Outcome: PropertyVerdict {
  /// Itself.
  public var outcome: Outcome { self }
}

/// Checks that `body` holds for the values of `generators`, and records the simplest failure as one
/// issue. The testing library has no part in it until then, so it is the quickest way.
///
/// - Parameter name: tells several properties of a test apart; without one, their order does.
public func property<each Value: Sendable, Verdict: PropertyVerdict>(
  _ generators: repeat Generator<each Value>, name: String = "",
  sourceLocation: SourceLocation = #_sourceLocation,
  body: @escaping @Sendable (repeat each Value) -> Verdict
) throws(PropertyError) {
  let generator = zip(repeat each generators)
  let statement = Property(generator) { (values: (repeat each Value), _) in
    body(repeat each values).outcome
  }
  let subject = Subject(generator: generator) { (values: (repeat each Value)) in
    trees(repeat each values)
  }
  try run(statement, Session(subject, name: name, sourceLocation, isShownByBody: false))
}

/// Checks a property of the engine, which may have explicit examples and labels.
public func property<Value: Sendable>(
  _ property: Property<Value>, name: String = "",
  sourceLocation: SourceLocation = #_sourceLocation
) throws(PropertyError) {
  let subject = Subject(generator: property.generator) { [ValueTree($0)] }
  try run(property, Session(subject, name: name, sourceLocation, isShownByBody: false))
}

private func run<Value: Sendable>(_ property: Property<Value>, _ session: Session<Value>) {
  if let token = session.token {
    guard session.fits(token),
      case .fail(let key, let message) = property.replay(token.choices).outcome
    else {
      session.recordDead(token)
      return
    }
    let report = session.report(on: token, key: key, message: message)
    for finding in report.counterexamples { record(session.text(of: finding, report), session) }
    return
  }
  let settings = session.settings { Task.isCancelled }
  for (_, text) in session.close(property.run(settings)) { record(text, session) }
}

private func record<Value: Sendable>(_ text: String, _ session: Session<Value>) {
  Issue.record(Comment(rawValue: text), sourceLocation: session.location)
}

func trees<each Value>(_ values: repeat each Value) -> [ValueTree] {
  var trees: [ValueTree] = []
  for value in repeat each values { trees.append(ValueTree(value)) }
  return trees
}
