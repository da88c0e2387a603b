// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import ArgumentParser
import Campaigns
import ExternalAdapters
import PlantedFaults
import StrictJSON
import Synchronization

#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

/// The options that go with faults of NeMo Automodel's adapters.
struct NeMoArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The faults of family nemo: what 'python3 -m hymt2 mutants list --json' printed.",
      valueName: "file"))
  var faultList: String?

  @Option(
    help: ArgumentHelp(
      "The command that serves adapters of family nemo. Default: python3 -m hymt2.",
      valueName: "command"))
  var oracle: String?

  @Option(
    help: ArgumentHelp(
      "What 'python3 -m hymt2 mutants compare --json' printed, for a table beside it.",
      valueName: "file"))
  var comparison: String?

  /// Checks that they are given where they are meant, and only there.
  func check(isMeant: Bool) throws {
    if isMeant, faultList == nil {
      throw ValidationError("--adapter-family nemo asks for --fault-list")
    }
    if !isMeant, faultList != nil || oracle != nil || comparison != nil {
      throw ValidationError(
        "--fault-list, --oracle and --comparison go with --adapter-family nemo")
    }
  }

  func faults() throws -> NeMoFaults {
    let path = faultList ?? ""
    return try NeMoFaults(
      list: fileBytes(path), path: path, oracle: oracle ?? "python3 -m hymt2")
  }
}

/// Faults planted in NeMo's own adapters, each served by a process that is forked when its turn comes
/// from one in which torch is imported.
struct NeMoFaults {
  let faults: [PlantedFault]
  private let oracle: String
  private let socket = ".hymt2/warm-\(getpid()).sock"

  /// Why a file is no list of faults.
  private struct Malformed: Error, CustomStringConvertible {
    let description: String
  }

  init(list: [UInt8], path: String, oracle: String) throws {
    self.oracle = oracle
    guard let entries = try JSONValue(parsing: list)["mutants"]?.arrayValue, !entries.isEmpty else {
      throw Malformed(
        description:
          "\(path): expected what 'python3 -m hymt2 mutants list --json' prints, found no "
          + "list of mutants")
    }
    faults = try entries.map { entry in
      guard let id = entry["id"]?.stringValue, let title = entry["title"]?.stringValue,
        let area = entry["class"]?.stringValue
      else { throw Malformed(description: "\(path): a mutant without id, class or title") }
      let isSelfConsistent = entry["isSelfConsistent"]?.boolValue ?? false
      let visibility: PlantedFault.Visibility =
        entry["equivalent"]?.stringValue.map { .equivalent($0) }
        ?? (isSelfConsistent ? .selfConsistent : .plain)
      return PlantedFault(
        id, PlantedFault.Area(rawValue: area), title, visibility, ReferenceAdapter())
    }
  }

  /// Checks adapters with the faults of a measurement.
  func run(
    _ measurement: FaultMeasurement, _ checked: @escaping @Sendable () -> Void
  ) throws -> [FaultResult] {
    let results = Mutex<[Int: Result<FaultResult, any Error>]>([:])
    let faults = measurement.faults
    ParallelWork.run(count: faults.count, threads: measurement.threads) { place in
      let result = Result { try run(measurement, faults[place], checked) }
      results.withLock { $0[place] = result }
    }
    return try results.withLock { results in
      try faults.indices.compactMap { try results[$0]?.get() }
    }
  }

  private func run(
    _ whole: FaultMeasurement, _ fault: PlantedFault, _ checked: @escaping @Sendable () -> Void
  ) throws -> FaultResult {
    let adapter = try ExternalAdapter(
      command: "\(oracle) serve nemo --mutant \(fault.id) --warm-from \(socket)", children: 1)
    defer { adapter.shutdown() }
    var measurement = FaultMeasurement([fault.served(by: adapter)])
    measurement.examples = whole.examples
    measurement.seeds = whole.seeds
    measurement.known = try KnownDivergences.builtIn().first {
      $0.adapter == adapter.name && $0.version == adapter.version
    }
    // A process in Python would take minutes for it.
    measurement.shrinks = false
    guard let result = measurement.run(checked).first else {
      throw Malformed(description: "\(fault.id): no result")
    }
    return result
  }
}
