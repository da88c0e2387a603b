// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import Tensors

/// What is wrong with a safetensors file or a checkpoint folder, where, and what helps.
public struct SafetensorsError: Error, Hashable, CustomStringConvertible {
  /// The kind of a fault.
  public enum Code: String, Sendable {
    /// A system call failed.
    case file
    /// A file is of another format.
    case otherFormat
    /// Something exists already under a name that must be free.
    case alreadyExists
    /// A name is not that of a file inside the folder.
    case invalidFileName
    /// A text is not a size in bytes.
    case invalidByteSize

    /// The file is too small for a header.
    case fileTooSmall
    /// The header is longer than the format allows.
    case headerTooLarge
    /// The header is longer than the file.
    case headerTruncated
    /// The header does not begin with an opening brace.
    case invalidHeaderStart
    /// Something other than spaces follows the header's JSON.
    case invalidPadding
    /// The text is not valid JSON.
    case invalidJSON
    /// A key occurs twice.
    case duplicateKey
    /// A value has the wrong type.
    case invalidMember
    /// A member that must be there is not.
    case missingMember
    /// There is a member that the format does not know.
    case unknownMember
    /// An element type is unknown or unsupported.
    case unsupportedDType
    /// The size of a tensor or a file overflows.
    case sizeOverflow
    /// The data offsets are not a range.
    case invalidOffsets
    /// The data offsets do not fit shape and element type.
    case sizeMismatch
    /// A tensor's data would lie beyond the end of the file.
    case outOfBounds
    /// Bytes between tensors belong to none.
    case hole
    /// Two tensors share bytes.
    case overlap
    /// Bytes at the end of the file belong to no tensor.
    case trailingBytes

    /// A tensor may not have this name.
    case reservedName
    /// Bytes are written outside of a tensor, twice, or after the end.
    case invalidWrite
    /// Not all bytes of a tensor were written.
    case incompleteWrite

    /// The folder lacks a file without which it is no checkpoint.
    case missingFile
    /// The folder holds weights that belong to nothing.
    case unlistedFiles
    /// The index names shards that are not in the folder.
    case missingShards
    /// The index names tensors that are in no shard.
    case missingTensors
    /// Shards hold tensors that the index does not name.
    case unlistedTensors
    /// Tensors are in another shard than the index says.
    case misplacedTensors
    /// Tensors are in more than one shard.
    case duplicateTensors
    /// The total size in the index is wrong.
    case wrongTotalSize
  }

  /// The kind of the fault.
  public let code: Code
  /// The file or folder concerned.
  public let path: String
  /// The offset in the file at which the fault shows, if there is one.
  public let byteOffset: Int?
  /// All names of tensors or files concerned.
  public let keys: [String]
  /// What would have been right.
  public let expected: String
  /// What is there.
  public let found: String
  /// What helps.
  public let remedy: String

  /// Creates an error.
  public init(
    _ code: Code, path: String, byteOffset: Int? = nil, keys: [String] = [], expected: String,
    found: String, remedy: String
  ) {
    self.code = code
    self.path = path
    self.byteOffset = byteOffset
    self.keys = keys
    self.expected = expected
    self.found = found
    self.remedy = remedy
  }

  private static let printedKeys = 3

  /// The text shown to people, which names three keys and counts the others.
  public var description: String {
    var text = path
    if let byteOffset { text += ", byte \(byteOffset)" }
    let isCut = keys.count > Self.printedKeys
    if !keys.isEmpty {
      text += ", " + keys.prefix(Self.printedKeys).map(Self.quoted).joined(separator: ", ")
      if isCut { text += " and \(keys.count - Self.printedKeys) more" }
    }
    text += ": expected \(expected), found \(found); \(remedy)"
    let lines = isCut ? NameCensus(keys.map { TensorName($0) }).lines() : []
    return ([text] + lines.map { "  " + Self.quoted($0).dropFirst().dropLast() })
      .joined(separator: "\n")
  }

  /// Quotes an untrusted name so that it cannot break the message.
  static func quoted(_ name: String) -> String {
    "'" + name.unicodeScalars.map { $0.escaped(asASCII: false) }.joined() + "'"
  }
}
