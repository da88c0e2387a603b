// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Adapters
public import CheckpointGenerators
import Layouts
public import Safetensors
internal import StrictJSON
public import Tensors

/// The requests to one adapter object.
public struct SessionRequests: Sendable {
  private let name: String
  private let members: JSONObject

  /// Creates the requests of a session, which makes the adapter for a setup.
  public init(_ setup: AdapterSetup, session name: String) {
    self.name = name
    members = setup.requestMembers
  }

  /// A request to convert a checkpoint to native form, as it is written to a child.
  ///
  /// - Throws: `SafetensorsError` if the tensors cannot be laid out.
  public func fromHF(
    _ onDisk: StateDict, _ parallelism: ExpertParallelism? = nil, id: String
  ) throws(SafetensorsError) -> [UInt8] {
    try request(.fromHF, onDisk, parallelism).encoded(id: id).bytes
  }

  /// A request to convert native form to a checkpoint, as it is written to a child.
  ///
  /// - Throws: `SafetensorsError` if the tensors cannot be laid out.
  public func toHF(
    _ native: StateDict, excluding: String = "", _ parallelism: ExpertParallelism? = nil,
    id: String
  ) throws(SafetensorsError) -> [UInt8] {
    try request(.toHF, native, parallelism, excluding: excluding).encoded(id: id).bytes
  }

  func request(
    _ operation: ProtocolOperation, _ tensors: StateDict = StateDict(),
    _ parallelism: ExpertParallelism? = nil, excluding: String = "", fqn: TensorName? = nil
  ) -> ProtocolRequest {
    var members = members
    members["ep"] =
      parallelism.map { ["rank": JSONValue($0.rank), "size": JSONValue($0.size)] } ?? .null
    members["exclude_key_regex"] = excluding.isEmpty ? .null : .string(excluding)
    members["fqn"] = fqn.map { .string($0.text) }
    return ProtocolRequest(
      operation: operation, session: name, members: members, tensors: tensors)
  }
}
