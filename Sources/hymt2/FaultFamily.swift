// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import ArgumentParser
import Campaigns
import ExternalAdapters
import Layouts
import PlantedFaults
import Safetensors
import StrictJSON
import Synchronization

#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

/// Whose faults are measured.
enum FaultFamily: String, ExpressibleByArgument, CaseIterable {
  case reference, nemo

  /// The faults, those of NeMo from a list that its server printed.
  func faults(
    _ list: String?, _ oracle: String?, in layout: Layout
  ) throws -> any ServedFaults {
    switch self {
    case .reference: FaultsInProcess(FaultBank.Selection(FaultBank.all, in: layout))
    case .nemo:
      try FaultsOfNeMo(
        list: fileBytes(list ?? ""), path: list ?? "", oracle: oracle ?? "python3 -m hymt2_oracle")
    }
  }
}

/// Faults, and how adapters with them are checked.
protocol ServedFaults {
  var faults: [PlantedFault] { get }
  /// Those that have no place in the layout, and why.
  var absent: [(fault: PlantedFault, reason: String)] { get }

  func run(
    _ measurement: FaultMeasurement, checked: @escaping @Sendable () -> Void
  ) throws -> [FaultResult]
}

/// Faults of adapters in this process.
private struct FaultsInProcess: ServedFaults {
  let selection: FaultBank.Selection

  init(_ selection: FaultBank.Selection) { self.selection = selection }

  var faults: [PlantedFault] { selection.faults }
  var absent: [(fault: PlantedFault, reason: String)] { selection.absent }

  func run(
    _ measurement: FaultMeasurement, checked: @escaping @Sendable () -> Void
  ) -> [FaultResult] {
    measurement.run(checked: checked)
  }
}

/// Faults planted in NeMo's own adapters, each served by a process that is forked when its turn comes
/// from one in which torch is imported.
private struct FaultsOfNeMo: ServedFaults {
  let faults: [PlantedFault]
  let absent: [(fault: PlantedFault, reason: String)] = []
  private let oracle: String
  private let socket: String

  init(list: [UInt8], path: String, oracle: String) throws {
    self.oracle = oracle
    socket = ".hymt2/warm-\(getpid()).sock"
    guard let entries = try JSONValue(parsing: list)["mutants"]?.arrayValue, !entries.isEmpty else {
      throw CommandError(
        "\(path): expected what 'python3 -m hymt2_oracle mutants list --json' prints, found no list "
          + "of mutants")
    }
    faults = try entries.map { entry in
      guard let id = entry["id"]?.stringValue, let title = entry["title"]?.stringValue,
        let area = entry["class"]?.stringValue
      else { throw CommandError("\(path): a mutant without id, class or title") }
      let isSelfConsistent = entry["isSelfConsistent"]?.boolValue ?? false
      let visibility: PlantedFault.Visibility =
        entry["equivalent"]?.stringValue.map { .equivalent($0) }
        ?? (isSelfConsistent ? .selfConsistent : .plain)
      return PlantedFault(
        id, PlantedFault.Area(rawValue: area), title, visibility, ReferenceAdapter())
    }
  }

  private func command(_ fault: PlantedFault) -> String {
    "\(oracle) serve nemo --mutant \(fault.id) --warm-from \(socket)"
  }

  func run(
    _ measurement: FaultMeasurement, checked: @escaping @Sendable () -> Void
  ) throws -> [FaultResult] {
    let results = Mutex<[Int: Result<FaultResult, any Error>]>([:])
    let faults = measurement.faults
    ParallelWork.run(count: faults.count, threads: measurement.threads) { place, _ in
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
      command: command(fault), children: 1, isCancelled: { Interruption.isWished })
    defer { adapter.shutdown() }
    var measurement = FaultMeasurement([fault.served(by: adapter)])
    measurement.examples = whole.examples
    measurement.seeds = whole.seeds
    measurement.isCancelled = whole.isCancelled
    measurement.known = try KnownDivergences.builtIn().first {
      $0.adapter == adapter.name && $0.version == adapter.version
    }
    // A process in Python would take minutes for it.
    measurement.makesSmall = false
    guard let result = measurement.run(checked: checked).first else {
      throw CommandError("\(fault.id): no result")
    }
    return result
  }
}
