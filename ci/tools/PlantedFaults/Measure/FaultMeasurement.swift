// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import AdapterLaws
internal import Adapters
public import Campaigns
internal import CheckpointGenerators
public import Layouts
import Synchronization

/// Checks of planted faults: after how many examples each is noticed, by which laws, and what is
/// said of it.
public struct FaultMeasurement: Sendable {
  /// The faults.
  public let faults: [PlantedFault]
  /// The layout of the checkpoints.
  public let layout: Layout
  /// How many checkpoints to check at most for a fault and a seed.
  public var examples = 1000
  /// How many seeds to try, from 0 on.
  public var seeds = 20
  /// How many checks to run at a time; the results do not depend on it.
  public var threads = 1
  /// What is known of the adapter without its fault, if anything is.
  public var known: KnownDivergences?
  /// Whether one failure of each fault is shrunk.
  public var shrinks = true
  /// Whether the smallest checkpoint of each fault is looked for without the shrinker as well, which
  /// takes long.
  public var exhausts = false

  /// Creates a measurement of some faults of the usual layout, or of adapters served elsewhere.
  public init(_ faults: [PlantedFault]) {
    self.init(FaultBank.Selection(faults, in: .usual))
  }

  /// Creates a measurement of the faults that have a place in a layout.
  public init(_ selection: FaultBank.Selection) {
    faults = selection.faults
    layout = selection.layout
  }

  /// The number of checks that `run` makes.
  public var checks: Int {
    faults.count * (seeds + (shrinks ? 1 : 0) + (exhausts ? 1 : 0))
  }

  /// Checks every fault with every seed, and shrinks one failure of each.
  ///
  /// - Parameter checked: Told of each check that has ended, on any thread.
  public func run(_ checked: @escaping @Sendable () -> Void = {}) -> [FaultResult] {
    let results = Mutex(
      faults.map { fault in
        FaultResult(
          fault: fault, detections: Array(repeating: nil, count: seeds))
      })
    ParallelWork.run(count: faults.count * seeds, threads: threads) { index in
      let (place, seed) = index.quotientAndRemainder(dividingBy: seeds)
      detect(place, seed: seed, results)
      checked()
    }
    ParallelWork.run(count: shrinks ? faults.count : 0, threads: threads) { place in
      shrink(place, results)
      checked()
    }
    if exhausts { exhaust(results, checked) }
    return results.withLock { $0 }
  }

  private func exhaust(
    _ results: borrowing Mutex<[FaultResult]>, _ checked: @escaping @Sendable () -> Void
  ) {
    let searches = [false, true].map { SmallestSearch(hasFaults: $0, in: layout) }
    ParallelWork.run(count: faults.count, threads: threads) { place in
      defer { checked() }
      let result = results.withLock { $0[place] }
      guard let found = result.smallest else { return }
      // Laws that do not notice the fault would only take time.
      let laws = Laws.all.filter { result.laws.contains($0.name) }
      let run = run(faults[place], laws)
      let search = searches[result.laws.contains("invalid-input") ? 1 : 0]
      if let spec = search.smallest(run, found: found.spec) {
        let law = laws.first {
          self.run(faults[place], [$0]).fails(spec)
        }
        let shape = FaultResult.Smallest.shape(of: spec, law: law?.name ?? "")
        results.withLock { $0[place].exhaustive = shape }
      }
    }
  }

  private func settings(seed: Int) -> RunSettings {
    RunSettings(examples: examples, seed: UInt64(seed))
  }

  /// A check of a fault by the laws that it can break: a missing check shows on invalid input only.
  private func check(_ fault: PlantedFault) -> CheckRun {
    let laws = Laws.all.filter { fault.area != .validation || $0.name == "invalid-input" }
    return run(fault, laws)
  }

  private func run(_ fault: PlantedFault, _ laws: [AdapterLaw]) -> CheckRun {
    CheckRun(fault.adapter, laws: laws, space: CheckpointSpace(layout: layout), known: known)
  }

  private func detect(_ place: Int, seed: Int, _ results: borrowing Mutex<[FaultResult]>) {
    do {
      var settings = settings(seed: seed)
      // That nothing shows is seen on as many checkpoints of all seeds together.
      if faults[place].equivalence != nil { settings.examples = max(1, examples / seeds) }
      let detection = try check(faults[place]).detect(settings)
      results.withLock { results in
        results[place].detections[seed] = detection
      }
    } catch {
      results.withLock { $0[place].problem = "\(error)" }
    }
  }

  /// Makes one detection of a fault small: the earliest of those that broke the most laws.
  private func shrink(_ place: Int, _ results: borrowing Mutex<[FaultResult]>) {
    guard faults[place].equivalence == nil else { return }
    let detections = results.withLock { $0[place].detections }.compactMap(\.self)
    let start = detections.min { ($1.laws.count, $0.example) < ($0.laws.count, $1.example) }
    guard let start else { return }
    do {
      let smallest = try check(faults[place]).smallest(start, settings(seed: 0))
      results.withLock {
        $0[place].smallest = smallest.flatMap {
          FaultResult.Smallest($0, of: faults[place].adapter)
        }
      }
    } catch {
      results.withLock { $0[place].problem = "\(error)" }
    }
  }
}
