// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import AdapterLaws
internal import Files
internal import Synchronization

/// Keeps the requests at which an adapter misbehaved, of each kind and operation the smallest.
final class Incidents: Sendable {
  private let folder: String
  /// The sizes of what this run has kept, by file.
  private let sizes = Mutex<[String: Int]>([:])

  /// Creates a collection in a folder, which is made when it is needed.
  init(folder: String) {
    self.folder = folder
  }

  /// Keeps requests that led to a misbehaviour, unless smaller ones are kept already.
  ///
  /// - Returns: Where they are, or why they are nowhere.
  func keep(
    _ kind: Misbehaviour.Kind, _ requests: ArraySlice<EncodedRequest>, errors: ArraySlice<UInt8>
  ) -> String {
    let operation = requests.last?.operation.rawValue ?? ""
    let name = kind.rawValue.split(separator: " ").joined(separator: "-") + "-" + operation
    let path = "\(folder)/\(name).frame"
    let size = requests.reduce(0) { $0 + $1.bytes.count }
    let place =
      "kept in '\(path)'"
      + (errors.isEmpty ? "" : ", all of standard error in '\(folder)/\(name).stderr'")
    return sizes.withLock { sizes in
      if let kept = sizes[name], kept <= size { return place }
      do {
        try FileSystem.makeFolders(folder)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(size)
        for request in requests { bytes += request.bytes }
        try FileSystem.write(bytes, to: path)
        try FileSystem.write(Array(errors), to: "\(folder)/\(name).stderr")
        sizes[name] = size
        return place
      } catch {
        return "not kept: \(DisplayText.text("\(error)", atMost: 300))"
      }
    }
  }
}
