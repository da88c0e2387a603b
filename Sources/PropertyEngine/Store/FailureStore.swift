// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Files

/// A folder of failures, one file each, which several processes may use at the same time. The names
/// of the files are the hash of the property and the hash of the content, so that the same failure
/// is kept once.
public struct FailureStore: Sendable {
  /// Where the files are.
  public let folder: String
  /// How many failures of one property are kept, the simplest; more are removed by `save`.
  public let maximumPerProperty: Int

  /// The store in `folder`, which is made when something is saved.
  public init(folder: String, maximumPerProperty: Int = 32) {
    self.folder = folder
    self.maximumPerProperty = max(1, maximumPerProperty)
  }

  /// A file that cannot be used.
  public struct Unreadable: Sendable, Equatable, CustomStringConvertible {
    /// Its path.
    public var path: String
    /// Why.
    public var reason: String

    /// Path, reason and remedy.
    public var description: String { "\(path) was left out: \(reason). Remove it." }
  }

  /// What the store holds of a property.
  public struct Contents: Sendable {
    /// The failures, the shortlex-simplest first.
    public var failures: [StoredFailure] = []
    /// Files that are damaged or of another version.
    public var unreadable: [Unreadable] = []
  }

  /// The name of the file of `failure`.
  public func fileName(of failure: StoredFailure) -> String {
    var hash = FNV()
    for byte in failure.bytes { hash.add(byte) }
    return "\(prefix(failure.property))\(hexadecimal(hash.value))\(suffix)"
  }

  /// Keeps a failure. The folder never shows a part of a file.
  public func save(_ failure: StoredFailure) throws(FileError) {
    let bytes = failure.bytes
    guard bytes.count <= StoredFailure.maximumBytes else { return }
    try FileSystem.makeFolders(folder)
    try FileSystem.write(bytes, to: "\(folder)/\(fileName(of: failure))")
    for surplus in try failures(of: failure.property).failures.dropFirst(maximumPerProperty) {
      try remove(surplus)
    }
  }

  /// Removes a failure, one that fails no longer.
  public func remove(_ failure: StoredFailure) throws(FileError) {
    try FileSystem.removeFile("\(folder)/\(fileName(of: failure))")
  }

  /// All failures of `property`, the shortlex-simplest first.
  public func failures(of property: String) throws(FileError) -> Contents {
    var contents = Contents()
    let prefix = prefix(property)
    let names = try FileSystem.ifThere { () throws(FileError) in
      try FileSystem.names(in: folder)
    }
    for name in names ?? []
    where name.hasPrefix(prefix) && name.hasSuffix(suffix) {
      let path = "\(folder)/\(name)"
      do {
        let failure = try StoredFailure(
          bytes: try FileSystem.contents(of: path, atMost: StoredFailure.maximumBytes + 1))
        // Another property may have the same hash.
        if failure.property == property { contents.failures.append(failure) }
      } catch let error as FileError where error.isMissing {
        // Another process has just removed it.
      } catch {
        contents.unreadable.append(Unreadable(path: path, reason: "\(error)"))
      }
    }
    contents.failures.sort { $0.choices.isSimpler(than: $1.choices) }
    return contents
  }

  private func prefix(_ property: String) -> String { "\(hexadecimal(stableHash(property)))-" }
  private var suffix: String { ".failure" }
}
