// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import ArgumentParser
import Campaigns
import CheckpointGenerators
import Layouts
import PropertyEngine
import StrictJSON
import Tensors

/// `hymt2 bench`.
struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measure how fast this machine converts a full-size layer and checks checkpoints.",
    usage: "hymt2 bench [<options>]",
    discussion: """
      The layer has the size of one of Hy-MT2-30B-A3B: 128 experts of 2048 x 768 in bfloat16, \
      1.2 GB. Results allocate their own memory, as they do in use; memcpy copies into warm \
      memory on one thread. `ci/bench` also runs NeMo Automodel's adapter on this layer.

      A case is a random whole checkpoint (experts 1-16, hidden 1-32, intermediate 1-16, layers \
      1-4, dense 0-2, MTP 0-2) that is generated, round-tripped and compared.

      Examples:
        hymt2 bench
        hymt2 bench --runs 3 --cases 50000 --json
      """)

  @OptionGroup var layout: LayoutArguments

  @Option(help: "Timed runs, after one warm-up.")
  var runs = 5

  @Option(help: "Experts of the layer.")
  var experts = 128

  @Option(help: "Random checkpoints checked.")
  var cases = 20_000

  @Option(help: "Checkpoints checked at the same time. Default: one per core.")
  var threads: Int?

  @OptionGroup var output: OutputOptions

  func validate() throws {
    try require("--cases", cases, in: 1...10_000_000)
    try require("--threads", threads, in: 1...1024)
    try require("--runs", runs, in: 1...1000)
    try require("--experts", experts, in: 1...1024)
  }

  func run() throws {
    try runOrExit {
      let layout = try layout.chosenOrUsual()
      let layer = try LayerBench(layout, experts: experts, runs: runs)
      let roundTrips = try RoundTripBench(
        layout, cases: cases, threads: ParallelWork.workerCount(threads))
      layer.report(to: output.console)
      roundTrips.report(to: output.console)
      output.console.printDocument(
        "bench", holds: true, layout.members + layer.json + roundTrips.json)
      return true
    }
  }
}

/// The times of one layer's conversions.
private struct LayerBench {
  private let byteCount: Int
  private var rows: [(name: String, seconds: Double)] = []

  init(_ layout: Layout, experts: Int, runs: Int) throws {
    var sizes = Dictionary(uniqueKeysWithValues: layout.sizes.map { ($0.symbol, max(1, $0.least)) })
    sizes[SizeSymbol.hidden.rawValue] = 2048
    sizes[SizeSymbol.intermediate.rawValue] = 768
    sizes[SizeSymbol.experts.rawValue] = experts
    let config = try ModelConfig(layout, sizes: sizes, layerKinds: [.sparse])
    let adapter = StateDictAdapter(
      config: config, options: AdapterOptions(completeness: .presentGroups))
    let infos = try config.listing().filter { layout.tensors[$0.rule].isOfExperts }.map(\.info)
    byteCount = try TensorTotals(infos).byteCount
    let layer = try StateDict(infos.map { ($0.name, try SyntheticTensor.make($0)) })
    let native = try adapter.fromHF(layer)
    try time("fromHF", runs) { try adapter.fromHF(layer) }
    try time("toHF", runs) { try adapter.toHF(native) }
    // Memory never written to is one zero page, which no copy has to fetch.
    let source = try SyntheticTensor.make(TensorInfo("source", .u8, Shape([byteCount])))
    var target = try ByteBuffer(count: byteCount)
    try time("memcpy", runs) {
      // Both buffers have this size, and nothing else holds the target.
      unsafe source.withUnsafeBytes { (from: UnsafeRawBufferPointer) in
        unsafe target.withUnsafeMutableBytes { (to: UnsafeMutableRawBufferPointer) in
          unsafe to.copyMemory(from: from)
        }
      }
    }
  }

  /// Adds the median of some runs; the result of each is released before the next.
  private mutating func time<R>(_ name: String, _ runs: Int, _ work: () throws -> R) throws {
    var times: [Double] = []
    for _ in 0...runs {
      let start = ContinuousClock.now
      let result = try work()
      times.append((.now - start) / .seconds(1))
      withExtendedLifetime(result) {}
    }
    rows.append((name, times.dropFirst().sorted()[runs / 2]))
  }

  func report(to console: Console) {
    let memcpy = rows[rows.count - 1].seconds
    console.print("one MoE layer, \(byteText(byteCount)), median of the runs")
    for (name, seconds) in rows {
      console.print(
        "  \(name.padded(to: 8)) \(Self.text(seconds)) s  "
          + "\(Self.text(Double(byteCount) / seconds / 1e9)) GB/s  "
          + "\(Self.text(memcpy / seconds)) of memcpy")
    }
  }

  var json: JSONObject {
    [
      "bytes": JSONValue(byteCount),
      "seconds": .object(JSONObject(rows.map { ($0.name, JSONValue($0.seconds)) })),
    ]
  }

  private static func text(_ value: Double) -> String {
    let thousandths = Int((value * 1000).rounded())
    let fraction = String(thousandths % 1000)
    return "\(thousandths / 1000)." + String(repeating: "0", count: 3 - fraction.count) + fraction
  }
}

extension String {
  /// The text with spaces after it up to a width.
  func padded(to width: Int) -> String {
    self + String(repeating: " ", count: max(0, width - count))
  }
}

/// How many random checkpoints are made, converted there and back and compared in a second.
struct RoundTripBench {
  private let cases: Int
  private let threads: Int
  private let seconds: Double

  /// - Parameter layout: The layout of the checkpoints; of the usual one they are evenly distributed.
  init(_ layout: Layout, cases: Int, threads: Int) throws {
    guard let law = Laws.named("round-trip") else {
      throw CommandError("there is no law 'round-trip'")
    }
    let adapter = ReferenceAdapter()
    let checkpoints: Generator<CheckpointSpec> =
      layout == .usual ? .published : .checkpoints(CheckpointSpace(layout: layout))
    let property = Property(checkpoints) { (spec: CheckpointSpec, _) in
      switch law.verdict(on: CheckpointUnderTest(spec, adapter)) {
      case .holds: .pass
      case .doesNotApply: .discard
      case .broken(let violation): .fail(FailureKey(law: law.name), violation.summary)
      }
    }
    var settings = Settings(examples: cases)
    settings.threads = threads
    let start = ContinuousClock.now
    let report = property.run(settings)
    seconds = (.now - start) / .seconds(1)
    guard report.isSuccess else {
      throw CommandError(
        report.counterexamples.first?.message ?? "the run ended early: \(report.end)")
    }
    self.cases = report.passed
    self.threads = threads
  }

  func report(to console: Console) {
    console.print(
      "\(grouped(Int(Double(cases) / seconds))) random checkpoints a second round-trip, "
        + "\(grouped(cases)) in all on \(threads) threads")
  }

  var json: JSONObject {
    [
      "cases": JSONValue(cases), "threads": JSONValue(threads),
      "casesPerSecond": JSONValue(Double(cases) / seconds),
    ]
  }
}
