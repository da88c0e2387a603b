// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import StrictJSON
internal import Tensors

/// A tensor as a header describes it, well-formed but unchecked.
struct DescribedTensor {
  let name: String
  /// The offset of the name in the header's text.
  let nameOffset: Int
  var dtype: String?
  var extents: [Int]?
  var dataOffsets: [Int]?

  /// Checks the description against the file that it is in.
  func checked(
    dataOffset: Int, end: Int, path: String
  ) throws(SafetensorsError) -> SafetensorsHeader.Entry {
    func failure(_ code: SafetensorsError.Code, _ expected: String, _ found: String)
      -> SafetensorsError
    {
      .damaged(
        code, path, at: SafetensorsHeader.lengthByteCount + nameOffset, keys: [name],
        expected: expected, found: found)
    }
    guard let dtype = DType(rawValue: dtype ?? "") else {
      throw SafetensorsError(
        .unsupportedDType, path: path,
        byteOffset: SafetensorsHeader.lengthByteCount + nameOffset, keys: [name],
        expected: "one of " + DType.allCases.map(\.rawValue).joined(separator: ", "),
        found: SafetensorsError.quoted(dtype ?? ""),
        remedy: "convert the tensor to one of these element types")
    }
    let extents = extents ?? []
    let shape: Shape
    let byteCount: Int
    do {
      shape = try Self.shape(extents)
      byteCount = try shape.byteCount(of: dtype)
    } catch {
      throw failure(.sizeOverflow, "a size of at most \(Int.max) bytes", "shape \(extents)")
    }
    guard let dataOffsets, dataOffsets.count == 2, dataOffsets[0] <= dataOffsets[1] else {
      throw failure(
        .invalidOffsets, "data_offsets [begin, end] with begin <= end",
        "\(dataOffsets?.prefix(3) ?? [])")
    }
    guard dataOffsets[1] <= end - dataOffset else {
      throw failure(
        .outOfBounds, "data_offsets within the \(end - dataOffset) bytes of data that follow",
        "\(dataOffsets)")
    }
    guard dataOffsets[1] - dataOffsets[0] == byteCount else {
      throw failure(
        .sizeMismatch, "\(byteCount) bytes of data for \(dtype) \(shape)",
        "data_offsets \(dataOffsets) of \(dataOffsets[1] - dataOffsets[0]) bytes")
    }
    return SafetensorsHeader.Entry(
      info: TensorInfo(TensorName(name), dtype, shape),
      range: dataOffset + dataOffsets[0]..<dataOffset + dataOffsets[1],
      nameOffset: SafetensorsHeader.lengthByteCount + nameOffset)
  }

  /// Returns a shape whose leading extents, too, have a product that fits.
  private static func shape(_ extents: [Int]) throws(TensorError) -> Shape {
    var product = 1
    for extent in extents {
      let (next, overflow) = product.multipliedReportingOverflow(by: extent)
      guard !overflow else { throw .invalidShape(extents: extents, reason: "overflow") }
      product = next
    }
    return try Shape(extents)
  }
}

/// A tensor of a file as its header describes it, of any type that the format may have.
public struct HeaderTensor: Sendable, Hashable {
  /// The name.
  public let name: String
  /// The element type by its name in the format, such as `F4`.
  public let dtype: String
  /// The extents.
  public let extents: [Int]
  /// The size of the data in bytes.
  public let byteCount: Int
}

extension SafetensorsFile {
  /// The tensors of a file whose element types need not be known, in the order of the header; of the data
  /// nothing but the size is checked.
  ///
  /// - Throws: `SafetensorsError`.
  public static func listing(path: String) throws(SafetensorsError) -> [HeaderTensor] {
    let data = try FileBytes(path: path, .read)
    let head = try data.head()
    return try SafetensorsHeader.described(in: head.bytes, fileByteCount: data.count, path: path)
      .map { tensor in
        let offsets = tensor.dataOffsets ?? []
        return HeaderTensor(
          name: tensor.name, dtype: tensor.dtype ?? "", extents: tensor.extents ?? [],
          byteCount: offsets.count == 2 ? max(0, offsets[1] - offsets[0]) : 0)
      }
  }
}

extension JSONReader {
  /// Reads a header's JSON, but checks only its form.
  mutating func readSafetensorsHeader() throws(JSONError) -> (
    SafetensorsMetadata?, [DescribedTensor]
  ) {
    var metadata: SafetensorsMetadata?
    var tensors: [DescribedTensor] = []
    try beginObject()
    while let name = try nextKey() {
      if name == SafetensorsHeader.metadataKey {
        metadata = try readSafetensorsMetadata()
      } else {
        tensors.append(try readDescribedTensor(name))
      }
    }
    return (metadata, tensors)
  }

  private mutating func readSafetensorsMetadata() throws(JSONError) -> SafetensorsMetadata {
    var pairs: [(String, JSONValue)] = []
    try beginObject()
    while let key = try nextKey() { pairs.append((key, .string(try readString()))) }
    return SafetensorsMetadata(JSONObject(pairs))
  }

  private mutating func readDescribedTensor(
    _ name: String
  ) throws(JSONError) -> DescribedTensor {
    var tensor = DescribedTensor(name: name, nameOffset: tokenOffset)
    try beginObject()
    while let key = try nextKey() {
      switch key {
      case "dtype": tensor.dtype = try readString()
      case "shape": tensor.extents = try readExtents()
      case "data_offsets": tensor.dataOffsets = try readExtents()
      default: throw unknownMember(key, known: ["dtype", "shape", "data_offsets"])
      }
    }
    if tensor.dtype == nil { throw missingMember("dtype") }
    if tensor.extents == nil { throw missingMember("shape") }
    if tensor.dataOffsets == nil { throw missingMember("data_offsets") }
    return tensor
  }

  private mutating func readExtents() throws(JSONError) -> [Int] {
    var extents: [Int] = []
    try beginArray()
    while try nextElement() { extents.append(try readInteger(atLeast: 0)) }
    return extents
  }
}
