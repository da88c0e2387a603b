// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import CheckpointGenerators
import ExternalAdapters
import PropertyEngine
import Safetensors
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
  private let cases: [Case]
  private static let count = 300

  /// Makes the checkpoints.
  init(_ adapter: ExternalAdapter) throws {
    self.adapter = adapter
    let specs = Mutex<[CheckpointSpec]>([])
    let property = Property(.checkpoints()) { (spec: CheckpointSpec, _) in
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
    try WholeFile.write(bytes, to: path)
  }

  /// Sends the requests one by one and waits for each answer.
  func run() throws -> Result {
    var refused = 0
    let start = ContinuousClock.now
    for item in cases {
      try Interruption.check()
      let session = adapter.session(for: item.setup)
      do {
        _ = try session.fromHF(item.onDisk, nil)
        _ = try session.toHF(item.native, excluding: "", nil)
      } catch is ExternalRefusal {
        refused += 1
      }
    }
    return Result(
      name: adapter.name, cases: cases.count, refused: refused,
      seconds: (.now - start) / .seconds(1))
  }

  struct Result {
    let name: String
    let cases: Int
    let refused: Int
    let seconds: Double

    func report(to console: Console) {
      let rate = Int((Double(cases) / seconds).rounded())
      console.print(
        "\(countText(rate)) random checkpoints a second are converted in both directions by one "
          + "process of \(name), \(countText(cases)) in all, of which it refused "
          + "\(countText(refused))")
      console.printDocument(
        "bench", holds: true,
        [
          ("adapter", .string(name)), ("cases", JSONValue(cases)), ("refused", JSONValue(refused)),
          ("casesPerSecond", JSONValue(Double(cases) / seconds)),
        ])
    }
  }
}
