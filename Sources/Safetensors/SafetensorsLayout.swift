// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import StrictJSON
public import Tensors

/// Where each byte of a safetensors file goes, planned without its data.
///
/// Header and order of tensors are those of the original library (0.8.0), byte for byte: wide
/// element types first, then by name. Metadata keys are sorted.
public struct SafetensorsLayout: Sendable {
  /// A tensor's place in the file.
  public struct Entry: Sendable, Hashable {
    /// The name, element type and shape.
    public let info: TensorInfo
    /// The range in the file.
    public let fileRange: Range<Int>
  }

  /// The file's first bytes: length, JSON, padding to a multiple of eight.
  public let header: [UInt8]
  /// The tensors in the order of the file.
  public let entries: [Entry]
  /// The size of the file.
  public let fileByteCount: Int
  private let positions: [TensorName: Int]

  /// Plans a file.
  ///
  /// - Throws: `SafetensorsError` if a name occurs twice or is `__metadata__`, if the header
  ///   exceeds 100 MB or the file 2^63 bytes.
  /// - Complexity: O(n log n) for n tensors.
  public init(
    _ infos: [TensorInfo], metadata: SafetensorsMetadata? = nil
  ) throws(SafetensorsError) {
    let path = "safetensors layout"
    let sorted = infos.sorted(by: Self.precedes)
    var positions: [TensorName: Int] = [:]
    var ranges: [Range<Int>] = []
    var end = 0
    for (position, info) in sorted.enumerated() {
      guard positions.updateValue(position, forKey: info.name) == nil else {
        throw SafetensorsError(
          .duplicateKey, path: path, keys: [info.name.text], expected: "different names",
          found: "the name twice", remedy: "rename one of the tensors")
      }
      guard info.name.text != SafetensorsHeader.metadataKey else {
        throw SafetensorsError(
          .reservedName, path: path, keys: [info.name.text], expected: "another name",
          found: "the name of the metadata", remedy: "rename the tensor")
      }
      let begin = end
      end = try Self.sum(begin, info.byteCount(path: path), path: path)
      ranges.append(begin..<end)
    }
    let header = try Self.header(sorted, ranges, metadata, path: path)
    fileByteCount = try Self.sum(header.count, end, path: path)
    entries = zip(sorted, ranges).map { info, range in
      Entry(
        info: info,
        fileRange: header.count + range.lowerBound..<header.count + range.upperBound)
    }
    self.header = header
    self.positions = positions
  }

  /// The position among the entries of a name, or nil.
  public func position(of name: TensorName) -> Int? { positions[name] }

  /// The element types in the order of the library's own list, which sorts from its end.
  private static let ranks = Dictionary(
    uniqueKeysWithValues: DType.allCases.enumerated().map { ($1, $0) })

  private static func precedes(_ first: TensorInfo, _ second: TensorInfo) -> Bool {
    first.dtype == second.dtype
      ? first.name < second.name
      : ranks[first.dtype, default: 0] > ranks[second.dtype, default: 0]
  }

  private static func sum(_ a: Int, _ b: Int, path: String) throws(SafetensorsError) -> Int {
    let (sum, overflow) = a.addingReportingOverflow(b)
    guard !overflow else {
      throw SafetensorsError(
        .sizeOverflow, path: path, expected: "a file of at most \(Int.max) bytes",
        found: "\(a) and \(b) bytes", remedy: "spread the tensors over several files")
    }
    return sum
  }

  private static func header(
    _ infos: [TensorInfo], _ ranges: [Range<Int>], _ metadata: SafetensorsMetadata?, path: String
  ) throws(SafetensorsError) -> [UInt8] {
    var members: [(String, JSONValue)] = []
    if let metadata {
      members.append((SafetensorsHeader.metadataKey, .object(metadata.sortedObject)))
    }
    for (info, range) in zip(infos, ranges) {
      members.append(
        (
          info.name.text,
          [
            "dtype": .string(info.dtype.rawValue),
            "shape": .array(info.shape.extents.map { JSONValue($0) }),
            "data_offsets": [JSONValue(range.lowerBound), JSONValue(range.upperBound)],
          ]
        ))
    }
    var json = JSONValue.object(JSONObject(members)).bytes(.compact)
    json += repeatElement(0x20, count: -json.count & 7)
    guard json.count <= SafetensorsHeader.maximumByteCount else {
      throw SafetensorsError(
        .headerTooLarge, path: path,
        expected: "a header of at most \(SafetensorsHeader.maximumByteCount) bytes",
        found: "\(json.count)", remedy: "spread the tensors over several files")
    }
    return littleEndianBytes(json.count) + json
  }

  private static func littleEndianBytes(_ length: Int) -> [UInt8] {
    (0..<SafetensorsHeader.lengthByteCount).map { UInt8(truncatingIfNeeded: length >> (8 * $0)) }
  }
}
