// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import Adapters
internal import CheckpointGenerators
public import Campaigns
import Synchronization

/// Checks of planted faults: after how many examples each is noticed, by which laws, and what is
/// said of it.
public struct FaultMeasurement: Sendable {
  /// The faults.
  public let faults: [PlantedFault]
  /// How many checkpoints to judge at most for a fault and a seed.
  public var examples = 1000
  /// How many seeds to try, from 0 on.
  public var seeds = 20
  /// How many checks to run at a time; the results do not depend on it.
  public var threads = 1
  /// What is known of the adapter without its fault, if anything is.
  public var known: KnownDivergences?
  /// How long making one failure small may take; without it results do not depend on the clock.
  public var shrinkTimeBudget: Duration?
  /// Asked between checkpoints, on any thread, whether to end now.
  public var isCancelled: (@Sendable () -> Bool)?

  /// Creates a measurement of some faults.
  public init(_ faults: [PlantedFault]) {
    self.faults = faults
  }

  /// The number of checks that `run` makes.
  public var checks: Int { faults.count * (seeds + 1) }

  /// Checks every fault with every seed, and makes a failure of the first seed small.
  ///
  /// - Parameter checked: Told of each check that has ended, on any thread.
  public func run(checked: @escaping @Sendable () -> Void = {}) -> [FaultResult] {
    let results = Mutex(
      faults.map { fault in
        FaultResult(
          fault: fault, detections: Array(repeating: nil, count: seeds),
          seconds: Array(repeating: 0, count: seeds))
      })
    // Making failures small takes longest, and goes first.
    ParallelWork.run(count: checks, threads: threads) { index, _ in
      guard isCancelled?() != true else { return }
      let (round, place) = index.quotientAndRemainder(dividingBy: faults.count)
      if round == 0 {
        shrink(place, results)
      } else {
        detect(place, seed: round - 1, results)
      }
      checked()
    }
    return results.withLock { $0 }
  }

  private func settings(seed: Int) -> CheckSettings {
    var settings = CheckSettings(examples: examples, seed: UInt64(seed))
    settings.isCancelled = isCancelled
    settings.shrinkTimeBudget = shrinkTimeBudget
    return settings
  }

  private func detect(_ place: Int, seed: Int, _ results: borrowing Mutex<[FaultResult]>) {
    let start = ContinuousClock.now
    do {
      let detection = try CheckRun(faults[place].adapter, known: known)
        .detect(settings(seed: seed))
      let seconds = (ContinuousClock.now - start) / .seconds(1)
      results.withLock { results in
        results[place].detections[seed] = detection
        results[place].seconds[seed] = seconds
      }
    } catch {
      results.withLock { $0[place].problem = "\(error)" }
    }
  }

  private func shrink(_ place: Int, _ results: borrowing Mutex<[FaultResult]>) {
    guard faults[place].equivalence == nil else { return }
    var settings = settings(seed: 0)
    settings.findsSeveral = false
    do {
      let report = try CheckRun(faults[place].adapter, known: known).run(settings)
      guard let failure = report.failures.first else { return }
      results.withLock { $0[place].smallest = FaultResult.Smallest(failure) }
    } catch {
      results.withLock { $0[place].problem = "\(error)" }
    }
  }
}
