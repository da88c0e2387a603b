// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import CheckpointGenerators
import ExternalAdapters
import Foundation
import PropertyEngine
import Synchronization
import Tensors

/// The scripted server, which is built beside the tests.
enum Scripted {
  static let program = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
    .deletingLastPathComponent().appending(path: "scripted-server").path(percentEncoded: false)

  static func command(_ rules: String...) -> String {
    "exec '\(program)' " + rules.map { "'\($0)'" }.joined(separator: " ")
  }

  /// Limits under which no child that answers comes to grief on a busy machine.
  static let patient = ExternalLimits(requestTime: .seconds(30), startTime: .seconds(30))

  static func adapter(
    _ rules: String..., limits: ExternalLimits = patient, children: Int = 1,
    incidents: String = Folder.shared
  ) throws -> ExternalAdapter {
    let arguments = rules.map { "'\($0)'" }.joined(separator: " ")
    return try ExternalAdapter(
      command: "exec '\(program)' \(arguments)", limits: limits, children: children,
      incidents: incidents)
  }
}

/// Folders for what tests leave.
enum Folder {
  static let shared = make()

  static func make() -> String {
    let url = FileManager.default.temporaryDirectory
      .appending(path: "hymt2-external-\(UUID().uuidString)")
    return url.path(percentEncoded: false)
  }

  static func files(in path: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
  }

  static func size(_ path: String) -> Int {
    (try? Data(contentsOf: URL(filePath: path)).count) ?? -1
  }
}

/// Checkpoints as runs generate them.
enum Sample {
  static func specs(_ count: Int, seed: UInt64 = 1) -> [CheckpointSpec] {
    let specs = Mutex<[CheckpointSpec]>([])
    let property = Property(.checkpoints()) { (spec: CheckpointSpec, _) in
      specs.withLock { $0.append(spec) }
      return .pass
    }
    var settings = Settings(examples: count)
    settings.seed = seed
    settings.threads = 1
    _ = property.run(settings)
    return Array(specs.withLock { $0 }.prefix(count))
  }

  /// Checkpoints of at most three experts and one layer, quick without optimization.
  static var small: Generator<CheckpointSpec> {
    .oneOf(
      ["1", "2", "3"].compactMap(ConfigAxis.experts.value).map { experts in
        .checkpoints(
          CheckpointSpace(
            pinned: [.experts: experts, .decoderLayers: 0],
            faultKinds: CheckpointFaultCatalogue.all.count))
      })
  }

  /// The checkpoint of one expert in which every size is one.
  static let plainest = CheckpointSpec.plainest
}

/// What an adapter did when it was asked.
func misbehaviour(_ work: () throws -> Void) -> Misbehaviour? {
  do {
    try work()
    return nil
  } catch {
    return error as? Misbehaviour
  }
}

extension ExternalAdapter {
  /// Asks for the native form of a checkpoint.
  @discardableResult
  func load(_ spec: CheckpointSpec = Sample.plainest) throws -> StateDict {
    try session(for: spec.setup).fromHF(Checkpoint(spec).stateDict(), nil)
  }
}
