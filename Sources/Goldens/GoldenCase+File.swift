// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import Digests
public import Files
public import HDF5
internal import OrderedCollections
internal import Tensors

extension GoldenCase {
  /// Writes a file; equal cases give equal bytes, those that Python writes.
  ///
  /// - Throws: `HDF5Error`.
  public func write(to path: String) throws(HDF5Error) {
    var root = HDF5Group(attributes: [
      "case": .text(description.text), "content_sha256": .text("\(digest)"),
      "format": .text(GoldenFormat.fileFormat),
      "format_version": .number(UInt64(GoldenFormat.version)),
    ])
    for (role, tensors) in groups {
      var group = HDF5Group()
      for (index, (name, tensor)) in tensors.enumerated() {
        group.datasets[name] = HDF5Dataset(
          tensor,
          attributes: [
            "dtype": .text(tensor.dtype.rawValue), "index": .number(UInt64(index)),
            "sha256": .text("\(SHA256.hash(tensor.bytes))"),
          ])
      }
      root.groups[TensorName(role.rawValue)] = group
    }
    try root.write(to: path)
  }

  /// Reads a file from its bytes and checks every digest in it.
  ///
  /// Of a file from elsewhere, compare the whole file's SHA-256 with a trusted one first, as
  /// ``GoldenSet`` does.
  ///
  /// - Parameter path: The name of the file in errors.
  /// - Throws: `HDF5Error`, `GoldenError`.
  public init(parsing bytes: [UInt8], of path: String) throws {
    let root = try HDF5Group(parsing: bytes, of: path)
    let attributes = root.attributes
    guard attributes["format"] == .text(GoldenFormat.fileFormat) else {
      throw GoldenError(
        .malformedFile, path, expected: "the attribute format = \(GoldenFormat.fileFormat)",
        found: "another format")
    }
    guard attributes["format_version"] == .number(UInt64(GoldenFormat.version)) else {
      throw GoldenError(
        .unknownFormatVersion, path, expected: "format version \(GoldenFormat.version)",
        found: attributes["format_version"].map { "\($0)" } ?? "none",
        remedy: "use a program that knows the version")
    }
    guard attributes.count == 4, root.datasets.isEmpty,
      case .text(let text)? = attributes["case"]
    else {
      throw GoldenError(
        .malformedFile, path,
        expected: "the attributes case, content_sha256, format and format_version, and groups",
        found: "others")
    }
    let description = try GoldenDescription(parsing: text, of: path)
    var groups: OrderedDictionary<GoldenRole, StateDict> = [:]
    for (name, group) in root.groups {
      guard let role = GoldenRole(rawValue: name.text) else {
        throw GoldenError(
          .malformedFile, path,
          expected: "groups of " + GoldenRole.allCases.map(\.rawValue).joined(separator: ", "),
          found: "'\(name)'")
      }
      groups[role] = try Self.stateDict(group, "\(path): \(name)")
    }
    try self.init(description, groups)
    guard attributes["content_sha256"] == .text("\(digest)") else {
      throw GoldenError(
        .wrongContent, path, expected: "the content whose SHA-256 the file states",
        found: "SHA-256 \(digest)")
    }
  }

  private static func stateDict(
    _ group: HDF5Group, _ place: String
  ) throws -> StateDict {
    var tensors = [(TensorName, Tensor)?](repeating: nil, count: group.datasets.count)
    for (name, dataset) in group.datasets {
      let place = "\(place): '\(name)'"
      guard dataset.attributes.count == 3, case .text(let code)? = dataset.attributes["dtype"],
        let dtype = DType(rawValue: code), let tensor = dataset.tensor.viewed(as: dtype),
        case .number(let index)? = dataset.attributes["index"],
        case .text(let sha256)? = dataset.attributes["sha256"]
      else {
        throw GoldenError(
          .malformedFile, place,
          expected: "the attributes dtype, as wide as the elements, index and sha256",
          found: "others")
      }
      guard index < UInt64(tensors.count), tensors[Int(index)] == nil else {
        throw GoldenError(
          .malformedFile, place, expected: "an index of its own below \(tensors.count)",
          found: "\(index)")
      }
      let digest = SHA256.hash(tensor.bytes)
      guard TensorName(sha256) == TensorName("\(digest)") else {
        throw GoldenError(
          .wrongContent, place, expected: "data whose SHA-256 is \(sha256)", found: "\(digest)")
      }
      tensors[Int(index)] = (name, tensor)
    }
    return try StateDict(tensors.compactMap { $0 })
  }
}
