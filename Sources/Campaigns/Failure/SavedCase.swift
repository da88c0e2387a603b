// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import AdapterLaws
internal import CheckpointGenerators
internal import Safetensors
internal import StrictJSON
internal import Tensors

extension Failure {
  /// The name of the file that says how to replay a saved case.
  public static let readmeName = "README.md"

  /// Writes the checkpoint as a folder that must not exist: `model.safetensors`, `config.json`,
  /// `expected.tensors` and `found.tensors` where there is a comparison, and how to replay it.
  ///
  /// The `__metadata__` of each file has the order of the keys as a JSON list, which safetensors
  /// does not keep. Nothing is written of a failure that was read from a file.
  ///
  /// - Throws: `SafetensorsError`, or `TensorError.outOfMemory`.
  public func save(to path: String) throws {
    guard let spec else { return }
    let checkpoint = try Checkpoint(spec).stateDict()
    let writer = try CheckpointFolderWriter(
      path: path,
      plan: ShardPlan([
        .init(
          CheckpointFolder.singleFileName, checkpoint.infos, metadata: Self.metadata(checkpoint))
      ]))
    for (name, tensor) in checkpoint { try writer.write(tensor.bytes, of: name) }
    try writer.add(config.bytes(.python), named: CheckpointFolder.configFileName)
    if let evidence {
      for (name, side) in [("expected", evidence.expected), ("found", evidence.found)] {
        let bytes = try SafetensorsFile.serialize(side, metadata: Self.metadata(side))
        try writer.add(bytes, named: "\(name).tensors")
      }
    }
    try writer.add(Array(readme.utf8), named: Self.readmeName)
    try writer.finish()
  }

  private static func metadata(_ stateDict: StateDict) -> SafetensorsMetadata {
    let keys = JSONValue.array(stateDict.names.map { .string($0.text) })
    return ["format": "pt", "keys": keys.text(.compact)]
  }

  private var readme: String {
    let comparison =
      evidence == nil
      ? ""
      : """
      - `expected.tensors`, `found.tensors`: both sides of the comparison that failed, as safetensors

      """
    return """
      # A checkpoint that breaks the law `\(law.name)`

      \(law.statement)

      \(sentences.joined(separator: "\n"))

      To check it again:

          \(replayCommand)

      - `model.safetensors`, `config.json`: the checkpoint; the metadata member `keys` has the
        order of the keys
      \(comparison)
      """
  }
}
