// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import CheckpointGenerators
import ExternalAdapters
import Layouts
import Safetensors
import StrictJSON
import Tensors

/// Answers requests as the protocol asks, with the reference adapter.
struct ReferenceServer {
  private var sessions: [String: any AdapterSession] = [:]

  /// A fault of a request.
  struct RequestError: Error, CustomStringConvertible {
    let description: String
  }

  mutating func answer(_ frame: ProtocolFrame) -> ProtocolFrame {
    var answer = ProtocolFrame(["protocol": ProtocolFrame.protocolName, "ok": "true"])
    answer.metadata["id"] = frame.metadata["id"]
    do {
      try convert(frame, &answer)
    } catch {
      answer.tensors = StateDict()
      answer.metadata["ok"] = "false"
      answer.metadata["error_type"] = "\(type(of: error))"
      answer.metadata["error_message"] = "\(error)"
    }
    return answer
  }

  /// The number of experts in a request's config.
  static func expertCount(_ frame: ProtocolFrame) -> Int? {
    (try? request(frame))?["config"]?["num_experts"]?.integerValue
  }

  private static func request(_ frame: ProtocolFrame) throws -> JSONValue {
    try JSONValue(parsing: Array((frame.metadata["request"] ?? "").utf8))
  }

  private mutating func convert(_ frame: ProtocolFrame, _ answer: inout ProtocolFrame) throws {
    guard frame.metadata["protocol"] == ProtocolFrame.protocolName else {
      throw RequestError(description: "another protocol")
    }
    if frame.metadata["op"] == "hello" {
      answer.metadata["name"] = "scripted"
      answer.metadata["version"] = "1.2"
      return
    }
    let request = try Self.request(frame)
    let session = try session(frame.metadata["session"] ?? "", request)
    let parallelism = try request["ep"]?.objectValue.map { ep in
      try ExpertParallelism(
        rank: ep["rank"]?.integerValue ?? -1, size: ep["size"]?.integerValue ?? -1)
    }
    let excluding = request["exclude_key_regex"]?.stringValue ?? ""
    let name = TensorName(request["fqn"]?.stringValue ?? "")
    switch frame.metadata["op"] {
    case "from_hf": answer.tensors = try session.fromHF(frame.tensors, parallelism)
    case "to_hf":
      answer.tensors = try session.toHF(frame.tensors, excluding: excluding, parallelism)
    case "convert_single_tensor_to_hf":
      guard let tensor = frame.tensors[name], frame.tensors.count == 1 else {
        throw RequestError(description: "expected one tensor '\(name)'")
      }
      let pairs = try session.convertSingleTensorToHF(
        name, tensor, excluding: excluding, parallelism)
      answer.tensors = try StateDict(pairs.map { ($0.name, $0.tensor) })
    case "is_mtp_key":
      answer.metadata["is_mtp"] = try session.isMTPKey(name) ? "true" : "false"
    default: throw RequestError(description: "no such op")
    }
  }

  /// The adapter of a session, made at its first request; 64 are remembered.
  private mutating func session(
    _ name: String, _ request: JSONValue
  ) throws -> any AdapterSession {
    if let known = sessions[name] { return known }
    if sessions.count >= 64 { sessions.removeAll() }
    let session = ReferenceAdapter().session(for: try AdapterSetup(request: request))
    sessions[name] = session
    return session
  }
}

extension AdapterSetup {
  /// Reads the members of a request that say what the adapter is made for.
  fileprivate init(request: JSONValue) throws {
    func value<Value>(_ value: Value?, _ field: String) throws -> Value {
      guard let value else { throw ReferenceServer.RequestError(description: "no '\(field)'") }
      return value
    }
    func text(_ value: JSONValue?) -> String { value?.stringValue ?? "" }
    let layout = try value(Layout.known(text(request["model"])), "model")
    let config = try ModelConfig(json: try value(request["config"], "config"), layout: layout)
    let options = request["options"]
    let moe = request["moe"]
    guard moe?["n_routed_experts"]?.integerValue == config.expertCount,
      moe?["moe_inter_dim"]?.integerValue == config.moeIntermediateSize,
      moe?["dim"]?.integerValue == config.hiddenSize, moe?["expert_bias"]?.boolValue == false
    else { throw ReferenceServer.RequestError(description: "'moe' contradicts 'config'") }
    self.init(
      config,
      AdapterOptions(
        targetDType: try value(DType(rawValue: text(request["dtype"])), "dtype"),
        activation: try value(
          ExpertActivation(rawValue: text(moe?["expert_activation"])), "expert_activation"),
        prefix: try value(ModelPrefix(rawValue: text(options?["prefix"])), "prefix"),
        mtpPolicy: try value(MTPPolicy(rawValue: text(options?["mtp_policy"])), "mtp_policy"),
        completeness: try value(
          Completeness(rawValue: text(options?["completeness"])), "completeness"),
        paramWrapperLayout: ParamWrapperLayout(
          rawValue: text(options?["param_wrapper_layout"]))))
  }
}
