// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import CheckpointGenerators
import ExternalAdapters
import Files
import Layouts
import PropertyEngine
import StrictJSON
import Synchronization
import Tensors

/// How many random checkpoints an adapter in another process converts in a second.
struct AdapterBench {
  private struct Case {
    let setup: AdapterSetup
    let onDisk: StateDict
    let native: StateDict
  }

  private let adapter: ExternalAdapter
  private let children: Int
  private let cases: [Case]
  private static let count = 300

  /// Makes the checkpoints.
  init(_ adapter: ExternalAdapter, children: Int, layout: Layout) throws {
    self.adapter = adapter
    self.children = children
    let specs = Mutex<[CheckpointSpec]>([])
    let property = Property(.checkpoints(CheckpointSpace(layout: layout))) {
      (spec: CheckpointSpec, _) in
      specs.withLock { $0.append(spec) }
      return .pass
    }
    var settings = Settings(examples: Self.count)
    settings.threads = 1
    _ = property.run(settings)
    cases = try specs.withLock { $0 }.prefix(Self.count).map { spec in
      let onDisk = try Checkpoint(spec).stateDict()
      let native = try ReferenceAdapter().session(for: spec.setup).fromHF(onDisk, nil)
      return Case(setup: spec.setup, onDisk: onDisk, native: native)
    }
  }

  /// Writes the requests of a run one behind the other.
  func writeRequests(to path: String) throws {
    var bytes: [UInt8] = []
    for (index, item) in cases.enumerated() {
      let requests = SessionRequests(item.setup, session: "s\(index + 1)")
      bytes += try requests.fromHF(item.onDisk, id: "\(2 * index + 1)")
      bytes += try requests.toHF(item.native, id: "\(2 * index + 2)")
    }
    try FileSystem.write(bytes, to: path)
  }

  /// Sends the requests to the processes, to each one by one, and waits for each answer.
  func run() throws -> Result {
    // No process is timed while it starts.
    ParallelWork.run(count: children, threads: children) { index, _ in
      _ = try? convert(cases[index % cases.count])
    }
    let outcomes = Mutex<(refused: Int, failure: (any Error)?)>((0, nil))
    let start = ContinuousClock.now
    ParallelWork.run(count: cases.count, threads: children) { index, _ in
      guard outcomes.withLock({ $0.failure == nil }) else { return }
      do {
        try Interruption.check()
        try convert(cases[index])
      } catch is ExternalRefusal {
        outcomes.withLock { $0.refused += 1 }
      } catch {
        outcomes.withLock { $0.failure = $0.failure ?? error }
      }
    }
    let seconds = (.now - start) / .seconds(1)
    let (refused, failure) = outcomes.withLock { ($0.refused, $0.failure) }
    if let failure { throw failure }
    return Result(
      name: adapter.name, children: children, cases: cases.count, refused: refused,
      seconds: seconds)
  }

  private func convert(_ item: Case) throws {
    let session = adapter.session(for: item.setup)
    _ = try session.fromHF(item.onDisk, nil)
    _ = try session.toHF(item.native, excluding: "", nil)
  }

  struct Result {
    let name: String
    let children: Int
    let cases: Int
    let refused: Int
    let seconds: Double

    func report(to console: Console) {
      let rate = Int((Double(cases) / seconds).rounded())
      console.print(
        "\(countText(rate)) random checkpoints a second are converted in both directions by "
          + "\(children == 1 ? "one process" : "\(countText(children)) processes") of \(name), \(countText(cases)) in all, of which it refused "
          + "\(countText(refused))")
      console.printDocument(
        "bench", holds: true,
        [
          ("adapter", .string(name)), ("processes", JSONValue(children)),
          ("cases", JSONValue(cases)), ("refused", JSONValue(refused)),
          ("casesPerSecond", JSONValue(Double(cases) / seconds)),
        ])
    }
  }
}
