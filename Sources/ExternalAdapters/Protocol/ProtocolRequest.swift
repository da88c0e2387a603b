// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import Adapters
internal import CheckpointGenerators
import Layouts
internal import Safetensors
internal import StrictJSON
internal import Tensors

/// One request, which belongs to a session.
struct ProtocolRequest {
  var operation: ProtocolOperation
  var session = ""
  /// The members of the JSON object `request`.
  var members = JSONObject()
  var tensors = StateDict()

  /// The request that begins a conversation.
  static let hello = ProtocolRequest(operation: .hello)

  /// The request as a frame under an id.
  func encoded(id: String) throws(SafetensorsError) -> EncodedRequest {
    let frame = ProtocolFrame(
      [
        "protocol": ProtocolFrame.protocolName, "id": id, "op": operation.rawValue,
        "session": session, "request": JSONValue.object(members).text(.compact),
      ], tensors)
    return EncodedRequest(id: id, operation: operation, bytes: try frame.encoded())
  }
}

/// A request ready to be written.
struct EncodedRequest: Sendable {
  let id: String
  let operation: ProtocolOperation
  let bytes: [UInt8]
}

extension AdapterSetup {
  /// The members of requests for an adapter of this setup that are always the same.
  var requestMembers: JSONObject {
    [
      "model": .string(config.layout.name),
      "config": config.json,
      "moe": [
        "n_routed_experts": JSONValue(config.expertCount),
        "moe_inter_dim": JSONValue(config.moeIntermediateSize),
        "dim": JSONValue(config.hiddenSize),
        "expert_activation": .string(
          (config.layout.canHaveGates ? options.activation : .relu2).rawValue),
        "expert_bias": false,
      ],
      "dtype": .string(options.targetDType.rawValue),
      "options": [
        "mtp_policy": .string(options.mtpPolicy.rawValue),
        "prefix": .string(prefix),
        "completeness": .string(options.completeness.rawValue),
        "param_wrapper_layout": options.paramWrapperLayout.map { .string($0.rawValue) } ?? .null,
      ],
    ]
  }
}

/// What an adapter can be asked, by the names in frames.
enum ProtocolOperation: String, Sendable, CaseIterable {
  case hello
  case fromHF = "from_hf"
  case toHF = "to_hf"
  case convertSingleTensorToHF = "convert_single_tensor_to_hf"
  case isMTPKey = "is_mtp_key"
}

/// The requests to one adapter object.
struct SessionRequests: Sendable {
  private let name: String
  private let members: JSONObject

  /// Creates the requests of a session, which makes the adapter for a setup.
  init(_ setup: AdapterSetup, session name: String) {
    self.name = name
    members = setup.requestMembers
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
