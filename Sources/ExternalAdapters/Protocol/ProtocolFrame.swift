// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import Adapters
public import Safetensors
internal import StrictJSON
public import Tensors

/// A request or an answer of the adapter protocol: strings by names, and tensors in order.
public struct ProtocolFrame: Sendable {
  /// The protocol's name with its version.
  public static let protocolName = "hymt2-adapter/1"
  /// The size of the length before a frame.
  public static let lengthByteCount = 8
  static let keys = "keys"

  /// The strings, without `keys`.
  public var metadata: SafetensorsMetadata
  /// The tensors in order.
  public var tensors: StateDict

  /// Creates a frame.
  public init(_ metadata: SafetensorsMetadata, _ tensors: StateDict = StateDict()) {
    self.metadata = metadata
    self.tensors = tensors
  }

  /// The bytes of the frame with the length before it.
  ///
  /// - Throws: `SafetensorsError` if the tensors cannot be laid out.
  public func encoded() throws(SafetensorsError) -> [UInt8] {
    var metadata = metadata
    metadata[Self.keys] =
      JSONValue.array(tensors.names.map { .string($0.text) }).text(.compact)
    let buffer = try SafetensorsFile.serialize(tensors, metadata: metadata)
    return (0..<Self.lengthByteCount).map { UInt8(truncatingIfNeeded: buffer.count >> (8 * $0)) }
      + buffer
  }

  /// Reads a frame from its bytes without the length; tensors share their memory.
  ///
  /// - Throws: `ProtocolFault` if the bytes are no safetensors buffer or its keys do not match.
  public init(decoding storage: TensorStorage) throws(ProtocolFault) {
    let file: SafetensorsFile
    do {
      file = try SafetensorsFile(storage, path: "safetensors buffer")
    } catch {
      throw ProtocolFault(DisplayText.text("\(error)", atMost: 400))
    }
    metadata = file.metadata ?? [:]
    if let keys = metadata[Self.keys] {
      tensors = try Self.ordered(file.stateDict, by: JSONText.names(keys, in: Self.keys))
      metadata[Self.keys] = nil
    } else {
      guard file.stateDict.isEmpty else {
        throw ProtocolFault(
          "expected 'keys' beside \(file.stateDict.count) tensors, found no such member")
      }
      tensors = StateDict()
    }
  }

  private static func ordered(
    _ unordered: StateDict, by names: [TensorName]
  ) throws(ProtocolFault) -> StateDict {
    var ordered = StateDict(minimumCapacity: unordered.count)
    for name in names {
      guard let tensor = unordered[name] else {
        throw ProtocolFault(
          "expected a tensor for each of 'keys', found none for "
            + "'\(DisplayText.text(name.text, atMost: 200))'")
      }
      do {
        try ordered.insert(tensor, named: name)
      } catch {
        throw ProtocolFault(
          "expected different 'keys', found '\(DisplayText.text(name.text, atMost: 200))' twice")
      }
    }
    if ordered.count < unordered.count,
      let missing = unordered.names.first(where: { ordered[$0] == nil })
    {
      throw ProtocolFault(
        "expected each tensor's name in 'keys', found "
          + "'\(DisplayText.text(missing.text, atMost: 200))' left out")
    }
    return ordered
  }
}

/// What is wrong with a frame or an answer: what was expected and found.
public struct ProtocolFault: Error, Sendable, Hashable, CustomStringConvertible {
  /// The text shown to people.
  public let description: String

  init(_ description: String) {
    self.description = description
  }
}

/// JSON documents in a frame's strings.
enum JSONText {
  /// A list of names.
  static func names(_ text: String, in member: String) throws(ProtocolFault) -> [TensorName] {
    guard let elements = try value(text, in: member).arrayValue else {
      throw ProtocolFault("expected a list in '\(member)', found \(shown(text))")
    }
    var names: [TensorName] = []
    names.reserveCapacity(elements.count)
    for element in elements {
      guard let name = element.stringValue else {
        throw ProtocolFault("expected strings in '\(member)', found \(element.kind)")
      }
      names.append(TensorName(name))
    }
    return names
  }

  /// A document of any kind.
  static func value(_ text: String, in member: String) throws(ProtocolFault) -> JSONValue {
    do {
      return try JSONValue(parsing: Array(text.utf8))
    } catch {
      throw ProtocolFault("expected JSON in '\(member)', found \(shown(text))")
    }
  }

  private static func shown(_ text: String) -> String { "'\(DisplayText.text(text, atMost: 80))'" }
}
