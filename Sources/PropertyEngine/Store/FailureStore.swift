// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Files

/// A folder of failures, a file with a token each, which several processes may use at the same time.
/// The names of the files are the hash of the property and the hash of the token, so that the same
/// failure is kept once.
public struct FailureStore: Sendable {
  /// Where the files are.
  public let folder: String
  /// How many failures of one property are kept, the simplest; more are removed by `save`.
  public let maximumPerProperty: Int

  private static let suffix = ".failure"

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
    public var failures: [ReplayToken] = []
    /// Files that are damaged.
    public var unreadable: [Unreadable] = []
  }

  /// The name of the file of `failure`.
  public func fileName(of failure: ReplayToken) -> String {
    let content = hexadecimal(stableHash(failure.text))
    return "\(Self.prefix(failure.propertyHash))\(content)\(Self.suffix)"
  }

  /// Keeps a failure, unless it is too large. The folder never shows a part of a file.
  public func save(_ failure: ReplayToken) throws(FileError) {
    let bytes = Array((failure.text + "\n").utf8)
    guard bytes.count <= ReplayToken.maximumTextBytes else { return }
    try FileSystem.makeFolders(folder)
    try FileSystem.write(bytes, to: "\(folder)/\(fileName(of: failure))")
    let kept = try failures(ofHash: failure.propertyHash).failures
    for surplus in kept.dropFirst(maximumPerProperty) { try remove(surplus) }
  }

  /// Removes a failure, one that fails no longer.
  public func remove(_ failure: ReplayToken) throws(FileError) {
    try FileSystem.removeFile("\(folder)/\(fileName(of: failure))")
  }

  /// All failures of `property`, the shortlex-simplest first.
  public func failures(of property: String) throws(FileError) -> Contents {
    try failures(ofHash: ReplayToken.hash(property))
  }

  private func failures(ofHash hash: UInt32) throws(FileError) -> Contents {
    var contents = Contents()
    let names = try FileSystem.ifThere { () throws(FileError) in
      try FileSystem.names(in: folder)
    }
    for name in names ?? []
    where name.hasPrefix(Self.prefix(hash)) && name.hasSuffix(Self.suffix) {
      let path = "\(folder)/\(name)"
      do {
        let bytes = try FileSystem.contents(of: path, atMost: ReplayToken.maximumTextBytes + 1)
        let line = bytes.prefix { $0 != UInt8(ascii: "\n") }
        contents.failures.append(try ReplayToken(text: String(decoding: line, as: UTF8.self)))
      } catch let error as FileError where error.isMissing {
        // Another process has just removed it.
      } catch {
        contents.unreadable.append(Unreadable(path: path, reason: "\(error)"))
      }
    }
    contents.failures.sort { $0.choices.isSimpler(than: $1.choices) }
    return contents
  }

  private static func prefix(_ hash: UInt32) -> String { "\(hexadecimal(UInt64(hash)).suffix(8))-" }
}
