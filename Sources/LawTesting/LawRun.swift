// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import AdapterLaws
public import Campaigns
public import CheckpointGenerators
import Dispatch
public import Layouts
import StrictJSON
import Synchronization
public import Testing

/// The laws of an adapter as tests, one for each.
///
/// The laws are checked together on generated checkpoints when the first test asks, and what breaks
/// one is shrunk; each test then says what became of its law.
///
/// ```swift
/// @Suite struct MyAdapterTests {
///   static let laws = LawRun(of: MyAdapter())
///
///   @Test(arguments: Laws.all)
///   func law(_ law: AdapterLaw) async throws { try await Self.laws.check(law) }
/// }
/// ```
public final class LawRun: Sendable {
  private let run: CheckRun
  private let settings: RunSettings
  private let task = Mutex<Task<RunReport, any Error>?>(nil)

  /// How many checkpoints there are unless another number is asked for: 100 in debug builds, which are
  /// some ten times slower, 1,000 in others.
  public static var usualExamples: Int {
    #if DEBUG
    100
    #else
    1000
    #endif
  }

  /// Creates a run, which begins when the first law is asked for.
  ///
  /// - Parameters:
  ///   - examples: The number of checkpoints.
  ///   - seed: What all chance derives from; the same seed finds the same failures on every machine.
  ///   - layout: The layout of the checkpoints.
  ///   - known: What the adapter is known to do otherwise, which fails no test.
  ///   - threads: How many checkpoints are checked at the same time.
  public init(
    of adapter: any AdapterUnderTest, laws: [AdapterLaw] = Laws.all,
    examples: Int = LawRun.usualExamples, seed: UInt64 = 0, layout: Layout = .usual,
    known: KnownDivergences? = nil, threads: Int = 2
  ) {
    run = CheckRun(adapter, laws: laws, space: CheckpointSpace(layout: layout), known: known)
    settings = {
      var settings = RunSettings(examples: examples, seed: seed, threads: threads)
      settings.keepsGoing = true
      settings.shrinkTimeBudget = .seconds(20)
      return settings
    }()
  }

  /// Records an issue if the law is broken on one of the checkpoints: the smallest one that shows it,
  /// what the adapter does wrong, and the token that replays it. A cause that breaks several laws is
  /// shown once; tests of the other laws name the law that shows it.
  ///
  /// - Throws: `CheckError` if nothing could be checked.
  public func check(
    _ law: AdapterLaw, sourceLocation: SourceLocation = #_sourceLocation
  ) async throws {
    let report = try await report()
    guard let tally = report.laws.first(where: { $0.law.name == law.name }) else {
      Issue.record(
        "the law '\(law.name)' is none of this run's; create it with that law",
        sourceLocation: sourceLocation)
      return
    }
    let failures = report.failures.filter { $0.law.name == law.name }
    for failure in failures {
      Issue.record(Comment(rawValue: failure.screen), sourceLocation: sourceLocation)
      Attachment.record(
        failure.document.text(.python), named: "\(law.name).json", sourceLocation: sourceLocation)
    }
    if failures.isEmpty && tally.broken > 0 {
      let shown = report.failures.map(\.law.name)
      Issue.record(
        """
        \(law.name) is broken on \(tally.broken) of \(tally.judged) checkpoints, on each of which \
        another law is, too: see \(shown.joined(separator: ", "))
        """, sourceLocation: sourceLocation)
    }
  }

  /// What came of all laws; the run is made when this is asked for first.
  ///
  /// - Throws: `CheckError` if nothing could be checked.
  public func report() async throws -> RunReport {
    let task = task.withLock { task in
      if let task { return task }
      let made = Task.detached { [run, settings] in
        try await withCheckedThrowingContinuation { continuation in
          // Not on a thread of tasks, for it takes long.
          DispatchQueue.global().async {
            continuation.resume(with: Result { try run.run(settings) })
          }
        }
      }
      task = made
      return made
    }
    return try await task.value
  }
}

/// Checks one law of an adapter by itself; for several, a ``LawRun`` converts each checkpoint once for
/// all of them.
///
/// - Throws: `CheckError` if nothing could be checked.
public func check(
  _ law: AdapterLaw, of adapter: any AdapterUnderTest, examples: Int = LawRun.usualExamples,
  seed: UInt64 = 0, layout: Layout = .usual, known: KnownDivergences? = nil,
  sourceLocation: SourceLocation = #_sourceLocation
) async throws {
  let run = LawRun(
    of: adapter, laws: [law], examples: examples, seed: seed, layout: layout, known: known)
  try await run.check(law, sourceLocation: sourceLocation)
}

extension AdapterLaw: CustomTestStringConvertible {
  /// The name of the law.
  public var testDescription: String { name }
}
