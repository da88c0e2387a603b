// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import Safetensors
internal import Tensors

/// One answer, checked against what was asked.
struct ProtocolAnswer {
  let metadata: SafetensorsMetadata
  let tensors: StateDict
  /// The error that the adapter answered with, nil if it gave a result.
  let refusal: ExternalRefusal?
  /// The answer to whether a key is one of multi-token prediction, nil to other questions.
  let isMTP: Bool?
  /// The keys of tensors that the adapter changed in what it was given.
  let changedInputs: [TensorName]

  /// Reads an answer from a frame.
  ///
  /// - Throws: `AnswerFault`.
  init(_ storage: TensorStorage, to request: EncodedRequest) throws(AnswerFault) {
    let frame: ProtocolFrame
    do {
      frame = try ProtocolFrame(decoding: storage)
    } catch {
      throw .malformed(error.description)
    }
    let members = frame.metadata
    // The id tells whose answer it is, so it comes before all else.
    let id = try Self.member("id", members)
    guard id.utf8.elementsEqual(request.id.utf8) else { throw .otherID(id) }
    let name = try Self.member("protocol", members)
    guard name == ProtocolFrame.protocolName else { throw .otherProtocol(name) }
    let isResult = try Self.flag("ok", members)
    refusal =
      isResult
      ? nil
      : ExternalRefusal(
        type: members["error_type"] ?? "Error", message: members["error_message"] ?? "")
    isMTP = isResult && request.operation == .isMTPKey ? try Self.flag("is_mtp", members) : nil
    changedInputs = try Self.changedInputs(members)
    metadata = members
    tensors = frame.tensors
  }

  private static func member(
    _ name: String, _ members: SafetensorsMetadata
  ) throws(AnswerFault) -> String {
    guard let value = members[name] else {
      throw .malformed("expected a member '\(name)', found none")
    }
    return value
  }

  private static func flag(
    _ name: String, _ members: SafetensorsMetadata
  ) throws(AnswerFault) -> Bool {
    switch try member(name, members) {
    case "true": return true
    case "false": return false
    case let value:
      throw .malformed(
        "expected 'true' or 'false' as '\(name)', found '\(Legible.text(value, atMost: 80))'")
    }
  }

  private static func changedInputs(
    _ members: SafetensorsMetadata
  ) throws(AnswerFault) -> [TensorName] {
    guard let text = members["changed_inputs"] else { return [] }
    do {
      return try JSONText.names(text, in: "changed_inputs")
    } catch {
      throw .malformed(error.description)
    }
  }
}

/// Why a whole frame is no answer to what was asked.
enum AnswerFault: Error {
  case malformed(String)
  case otherID(String)
  case otherProtocol(String)
}
