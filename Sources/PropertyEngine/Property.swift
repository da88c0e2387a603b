// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// One execution of a case.
struct CaseResult: Sendable {
  var sequence: ChoiceSequence
  var trail: ContiguousArray<Int32>
  var status: CaseStatus
  /// What the body said, if it ran.
  var outcome: Outcome?
  var context: CaseContext
  var isMisaligned: Bool
  /// How long drawing took, if measured.
  var drawing = Duration.zero
  /// Whether the body was left out because its verdict is of no use.
  var isSkipped = false

  var failure: (key: FailureKey, message: String)? {
    if case .fail(let key, let message) = outcome { return (key, message) }
    return nil
  }
}

/// A statement about generated values.
public struct Property<Value>: Sendable {
  /// Makes the values.
  public let generator: Generator<Value>
  /// Says whether the statement holds for one; must be a function of the value.
  let body: @Sendable (Value, inout CaseContext) -> Outcome
  /// Run the explicit examples.
  private let examples: [@Sendable (inout CaseContext) -> Outcome]

  /// A property of the values of `generator` with explicit examples, which run first.
  public init(
    _ generator: Generator<Value>, examples: [Value] = [],
    body: @escaping @Sendable (Value, inout CaseContext) -> Outcome
  ) where Value: Sendable {
    self.generator = generator
    self.body = body
    self.examples = examples.map { value in { body(value, &$0) } }
  }

  /// A property of the values of `generator`, which need not be sendable.
  @_disfavoredOverload
  public init(
    _ generator: Generator<Value>,
    body: @escaping @Sendable (Value, inout CaseContext) -> Outcome
  ) {
    self.generator = generator
    self.body = body
    examples = []
  }

  /// Runs the property. `observing` is told what happens, on the calling thread and in the order of
  /// the cases, which is the same for any number of threads.
  public func run(
    _ settings: Settings = Settings(), observing: ((RunEvent) -> Void)? = nil
  ) -> Report {
    var runner = Runner(
      settings, explicit: examples, observer: observing, execute: { execute($0) })
    return runner.run()
  }

  /// What a replay gives.
  public struct Replay {
    /// The value that the choices make.
    public var value: Value
    /// What the property says about it; `nil` if the choices do not make a complete value.
    public var outcome: Outcome?
    /// The choices as they were drawn now.
    public var choices: ChoiceSequence
    /// Whether the choices did not fit the generator and were put right by simpler ones.
    public var isStale: Bool
  }

  /// Makes the value of stored choices and runs the body on it once.
  public func replay(_ choices: ChoiceSequence) -> Replay {
    let source = Source()
    source.begin(
      prefix: choices, tail: .simplest, limit: .max, random: RandomStream(seed: 0))
    let value = generator.draw(source)
    var context = CaseContext()
    let outcome = source.isStopped ? nil : body(value, &context)
    return Replay(
      value: value, outcome: outcome, choices: source.sequence,
      isStale: source.isMisaligned || source.choices.count != choices.count)
  }

  /// Draws a value from a source that has begun a case, and runs the body unless it is stopped.
  private func execute(_ source: Source) -> CaseResult {
    let start = source.isTimed ? ContinuousClock.now : nil
    let value = generator.draw(source)
    let drawing = start.map { ContinuousClock.now - $0 } ?? .zero
    var context = CaseContext()
    let isSkipped = !source.isStopped && source.gate.map { !$0(source.sequence) } ?? false
    let outcome = source.isStopped || isSkipped ? nil : body(value, &context)
    return CaseResult(
      sequence: source.sequence, trail: source.trail,
      status: outcome?.status ?? source.stop ?? .discarded, outcome: outcome, context: context,
      isMisaligned: source.isMisaligned, drawing: drawing, isSkipped: isSkipped)
  }
}
