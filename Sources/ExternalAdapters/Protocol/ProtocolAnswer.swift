// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import AdapterLaws
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
  /// - Throws: `ChildFault` if a whole frame is no answer to what was asked.
  init(_ storage: TensorStorage, to request: EncodedRequest) throws(ChildFault) {
    let frame: ProtocolFrame
    do {
      frame = try ProtocolFrame(decoding: storage)
    } catch {
      throw request.malformed(error.description)
    }
    let members = frame.metadata
    // The id tells whose answer it is, so it comes before all else.
    let id = try request.member("id", of: members)
    guard id.utf8.elementsEqual(request.id.utf8) else { throw request.otherID(id) }
    let name = try request.member("protocol", of: members)
    guard name == ProtocolFrame.protocolName else { throw request.otherProtocol(name) }
    let isResult = try request.flag("ok", of: members)
    refusal =
      isResult
      ? nil
      : ExternalRefusal(
        type: members["error_type"] ?? "Error", message: members["error_message"] ?? "",
        place: members["error_place"])
    isMTP =
      isResult && request.operation == .isMTPKey ? try request.flag("is_mtp", of: members) : nil
    do {
      changedInputs =
        try members["changed_inputs"].map { text throws(ProtocolFault) in
          try JSONText.names(text, in: "changed_inputs")
        } ?? []
    } catch {
      throw request.malformed(error.description)
    }
    metadata = members
    tensors = frame.tensors
  }
}

/// What can be wrong with the answer to a request.
extension EncodedRequest {
  fileprivate func malformed(_ account: String) -> ChildFault {
    ChildFault(.malformedAnswer, "the answer to \(operation.rawValue): \(account)")
  }

  fileprivate func otherProtocol(_ name: String) -> ChildFault {
    var fault = malformed(
      "expected the protocol '\(ProtocolFrame.protocolName)', found "
        + "'\(DisplayText.text(name, atMost: 80))'")
    fault.isOtherProtocol = true
    return fault
  }

  fileprivate func otherID(_ found: String) -> ChildFault {
    // Ids count upwards, so a smaller one is that of a request that has its answer.
    if let number = Int(found), let own = Int(id), number > 0, number < own {
      return ChildFault(
        .unaskedAnswer,
        "expected the answer to \(operation.rawValue), found another one to an earlier request")
    }
    return ChildFault(
      .wrongID,
      "expected the id of the request in the answer to \(operation.rawValue), found "
        + "'\(DisplayText.text(found, atMost: 80))'")
  }

  fileprivate func member(
    _ name: String, of members: SafetensorsMetadata
  ) throws(ChildFault) -> String {
    guard let value = members[name] else {
      throw malformed("expected a member '\(name)', found none")
    }
    return value
  }

  fileprivate func flag(
    _ name: String, of members: SafetensorsMetadata
  ) throws(ChildFault) -> Bool {
    let value = try member(name, of: members)
    guard value == "true" || value == "false" else {
      throw malformed(
        "expected 'true' or 'false' as '\(name)', found '\(DisplayText.text(value, atMost: 80))'")
    }
    return value == "true"
  }
}
