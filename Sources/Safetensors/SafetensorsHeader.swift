// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import StrictJSON
internal import Tensors

/// The checked header of a safetensors file.
///
/// Everything that the original library rejects is rejected. Stricter than it (0.8.0): duplicate
/// tensors and metadata keys, unknown members, tensors as arrays, null as metadata, white space
/// other than spaces around the JSON, and element types without a fixed whole-byte layout here.
struct SafetensorsHeader {
  /// A tensor's place in the file.
  struct Entry {
    let info: TensorInfo
    /// The range in the file.
    let range: Range<Int>
    /// The offset of the name in the file.
    let nameOffset: Int
  }

  /// The longest header the format allows, without its length.
  static let maximumByteCount = 100_000_000
  /// The size of the length before the header.
  static let lengthByteCount = 8
  static let metadataKey = "__metadata__"

  let metadata: SafetensorsMetadata?
  /// The tensors in the order of the header.
  let entries: [Entry]
  /// The offset in the file at which the data begin.
  let dataOffset: Int

  /// Parses and checks the header of a file of which the beginning is given.
  init(
    parsing file: RawSpan, fileByteCount: Int, path: String
  ) throws(SafetensorsError) {
    let described: [DescribedTensor]
    (dataOffset, metadata, described) = try Self.read(file, fileByteCount, path: path)
    var entries: [Entry] = []
    entries.reserveCapacity(described.count)
    for tensor in described {
      entries.append(try tensor.checked(dataOffset: dataOffset, end: fileByteCount, path: path))
    }
    try Self.checkCoverage(entries, of: dataOffset..<fileByteCount, path: path)
    self.entries = entries
  }

  /// The tensors as they are described, their types, shapes and places unchecked.
  static func described(
    in file: RawSpan, fileByteCount: Int, path: String
  ) throws(SafetensorsError) -> [DescribedTensor] {
    try read(file, fileByteCount, path: path).2
  }

  private static func read(
    _ file: RawSpan, _ fileByteCount: Int, path: String
  ) throws(SafetensorsError) -> (Int, SafetensorsMetadata?, [DescribedTensor]) {
    let dataOffset = try dataOffset(in: file, fileByteCount, path: path)
    let text = file.extracting(lengthByteCount..<dataOffset)
    guard text.byte(at: 0) == UInt8(ascii: "{") else {
      throw SafetensorsError.damaged(
        .invalidHeaderStart, path, at: lengthByteCount,
        expected: "'{' at the start of the header", found: "byte \(text.byte(at: 0))")
    }
    var reader = JSONReader(text)
    let header: (SafetensorsMetadata?, [DescribedTensor])
    do {
      header = try reader.readSafetensorsHeader()
    } catch {
      throw SafetensorsError(
        error, path: path, textOffset: lengthByteCount, remedy: SafetensorsError.damagedRemedy)
    }
    for offset in reader.offset..<text.byteCount where text.byte(at: offset) != 0x20 {
      throw SafetensorsError.damaged(
        .invalidPadding, path, at: lengthByteCount + offset,
        expected: "only spaces between the header's JSON and the data",
        found: "byte \(text.byte(at: offset))")
    }
    return (dataOffset, header.0, header.1)
  }

  /// The length that the first bytes state.
  static func length(in file: RawSpan) -> UInt64 {
    var length: UInt64 = 0
    for index in 0..<lengthByteCount {
      length |= UInt64(file.byte(at: index)) << (8 * UInt64(index))
    }
    return length
  }

  private static func dataOffset(
    in file: RawSpan, _ fileByteCount: Int, path: String
  ) throws(SafetensorsError) -> Int {
    guard file.byteCount >= lengthByteCount else {
      throw SafetensorsError.damaged(
        .fileTooSmall, path, expected: "at least \(lengthByteCount) bytes",
        found: "\(file.byteCount)")
    }
    let length = length(in: file)
    guard length <= UInt64(maximumByteCount) else {
      throw SafetensorsError.damaged(
        .headerTooLarge, path, at: 0,
        expected: "a header of at most \(maximumByteCount) bytes", found: "\(length)")
    }
    guard length <= UInt64(fileByteCount - lengthByteCount) else {
      throw SafetensorsError.damaged(
        .headerTruncated, path, at: 0,
        expected: "a header of at most the \(fileByteCount - lengthByteCount) bytes that follow",
        found: "\(length)")
    }
    guard length > 0 else {
      throw SafetensorsError.damaged(
        .invalidHeaderStart, path, at: 0, expected: "a header", found: "0 bytes")
    }
    return lengthByteCount + Int(length)
  }

  /// Checks that the tensors cover the data from start to end without holes and overlaps.
  private static func checkCoverage(
    _ entries: [Entry], of data: Range<Int>, path: String
  ) throws(SafetensorsError) {
    var covered = data.lowerBound
    var last: String?
    let sorted = entries.sorted {
      ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound)
    }
    for entry in sorted {
      let name = entry.info.name.text
      if entry.range.lowerBound > covered {
        throw SafetensorsError.damaged(
          .hole, path, at: covered, keys: [name],
          expected: "the data to begin where others end, at byte \(covered)",
          found: "\(entry.range.lowerBound - covered) bytes of no tensor")
      }
      if entry.range.lowerBound < covered {
        throw SafetensorsError.damaged(
          .overlap, path, at: entry.range.lowerBound, keys: [last, name].compactMap { $0 },
          expected: "the second to begin where the first ends, at byte \(covered)",
          found: "it to begin there")
      }
      covered = entry.range.upperBound
      last = name
    }
    if covered < data.upperBound {
      throw SafetensorsError.damaged(
        .trailingBytes, path, at: covered,
        expected: "the file to end with the data of the last tensor",
        found: "\(data.upperBound - covered) more bytes")
    }
  }
}

/// The free-form `__metadata__` of a safetensors file: strings by keys, in order.
///
/// Files are written with the keys sorted by UTF-8 bytes, because the order in which the original
/// library writes them changes from run to run.
public struct SafetensorsMetadata: Sendable, Hashable, ExpressibleByDictionaryLiteral {
  var object: JSONObject

  init(_ object: JSONObject) {
    self.object = object
  }

  /// Creates metadata from a literal; of pairs with the same key the last counts.
  public init(dictionaryLiteral elements: (String, String)...) {
    object = JSONObject(elements.map { ($0, .string($1)) })
  }

  /// The pairs in order.
  public var pairs: [(key: String, value: String)] {
    object.members.map { ($0, $1.stringValue ?? "") }
  }

  /// The value of a key; setting nil removes the pair.
  public subscript(key: String) -> String? {
    get { object[key]?.stringValue }
    set { object[key] = newValue.map { .string($0) } }
  }

  /// The pairs sorted by the UTF-8 bytes of their keys, as JSON.
  var sortedObject: JSONObject {
    JSONObject(object.members.sorted { $0.0.utf8.lexicographicallyPrecedes($1.0.utf8) })
  }
}
