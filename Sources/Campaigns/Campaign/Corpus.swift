// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import AdapterLaws
internal import CheckpointGenerators
internal import Files
import Layouts
internal import PropertyEngine
internal import StrictJSON

/// A folder of cases that are worth checking again, which several processes may use at the same time.
///
/// - `failures`: the smallest checkpoints that broke laws, one file each
/// - `cases`: tokens of cases that are worth it, one file for each campaign and shard
/// - `campaigns`: how far campaigns are, and what they found
/// - `configs`: configs of failures that show at a config's own numbers only
public struct Corpus: Sendable {
  /// The most cases that one campaign adds.
  static let mostAdded = 1024
  /// The most cases that are checked again, and that a minimised corpus has.
  static let mostCases = 4096
  /// The most bytes of a file that is read.
  private static let mostBytes = 1 << 26
  private static let header = "hymt2-corpus 2"
  private static let suffix = ".cases"

  /// The folder.
  public let folder: String

  /// The corpus in a folder, which is made when something is kept.
  public init(folder: String) {
    self.folder = folder
  }

  var campaigns: String { "\(folder)/campaigns" }
  private var caseFolder: String { "\(folder)/cases" }
  private var failureFolder: String { "\(folder)/failures" }

  /// What a corpus holds.
  public struct Contents: Sendable, Equatable {
    /// Tokens of failures, the simplest checkpoint first.
    public var failures: [String] = []
    /// Tokens of other cases.
    public var cases: [String] = []
    /// Lines and files that cannot be read, with the reason.
    public var unreadable: [String] = []
  }

  /// Reads the corpus; a folder that is not there is empty.
  ///
  /// - Throws: `FileError`.
  public func contents() throws -> Contents {
    var contents = Contents()
    var seen: Set<String> = []
    for folder in [failureFolder, caseFolder] {
      for name in try Self.names(in: folder) where name.hasSuffix(Self.suffix) {
        let path = "\(folder)/\(name)"
        guard let bytes = try Self.bytes(of: path) else { continue }
        let (tokens, unreadable) = Self.tokens(in: bytes, path)
        contents.unreadable += unreadable
        for token in tokens where seen.insert(token).inserted {
          if folder == failureFolder {
            contents.failures.append(token)
          } else if contents.cases.count < Self.mostCases {
            contents.cases.append(token)
          }
        }
      }
    }
    contents.failures.sort { ($0.utf8.count, $0) < ($1.utf8.count, $1) }
    return contents
  }

  /// Keeps the checkpoint of a failure, one for each law and way to fail: the last one found.
  ///
  /// - Throws: `FileError`.
  func save(_ failure: Failure) throws {
    guard let token = failure.token else { return }
    try FileSystem.makeFolders(failureFolder)
    let key = [failure.law.name, failure.kind, failure.place].joined(separator: "\n")
    let name = String(stableHash(key), radix: 36)
    try FileSystem.write(
      Array("\(Self.header)\n\(token)\n".utf8), to: "\(failureFolder)/\(name)\(Self.suffix)")
  }

  /// The cases in the file of a name.
  func cases(inFileOf name: String) throws -> [String] {
    let path = "\(caseFolder)/\(name)\(Self.suffix)"
    return try Self.bytes(of: path).map { Self.tokens(in: $0, path).tokens } ?? []
  }

  /// Replaces the cases of a campaign.
  func write(cases: [String], named name: String) throws {
    let path = "\(caseFolder)/\(name)\(Self.suffix)"
    try FileSystem.makeFolders(caseFolder)
    if cases.isEmpty { return try FileSystem.removeFile(path) }
    let text = ([Self.header] + cases).map { $0 + "\n" }.joined()
    try FileSystem.write(Array(text.utf8), to: path)
  }

  /// Removes all files of cases but one.
  func removeCases(except name: String) throws {
    for file in try Self.names(in: caseFolder)
    where file.hasSuffix(Self.suffix) && file != "\(name)\(Self.suffix)" {
      try FileSystem.removeFile("\(caseFolder)/\(file)")
    }
  }

  /// How far the campaigns are whose state the folder has.
  func reports() throws -> [RunReport] {
    let suffix = ".json"
    return try Self.names(in: campaigns).filter { $0.hasSuffix(suffix) }.compactMap { name in
      let path = "\(campaigns)/\(name)"
      guard let document = try Self.bytes(of: path) else { return nil }
      let journalPath = "\(path.dropLast(suffix.count)).journal"
      let journal = try Self.bytes(of: journalPath) ?? []
      let newline = UInt8(ascii: "\n")
      // A process that was killed leaves half a line.
      let whole = journal[..<(journal.lastIndex(of: newline) ?? 0)]
      var (state, unreadable) = try CampaignState.read(
        document, journal: whole.split(separator: newline), path: path)
      if let line = unreadable.first {
        throw DocumentError(
          journalPath, field: "line \(line)", expected: "what became of a case",
          found: "something else", remedy: "run this campaign or shard again to its end")
      }
      state.close()
      for sighting in state.unexplained { state.add(Failure(unexplained: sighting)) }
      return state.finishedReport
    }
  }

  /// Where a config is kept.
  func configPath(_ config: ModelConfig) -> String {
    let hash = String(stableHash(config.json.text(.compact)), radix: 36)
    return "\(folder)/configs/\(hash).json"
  }

  /// Keeps a config, unless it is there.
  func write(_ config: ModelConfig, to path: String) throws {
    try FileSystem.makeFolders("\(folder)/configs")
    let bytes = config.json.bytes(.python)
    if try Self.bytes(of: path) != bytes { try FileSystem.write(bytes, to: path) }
  }

  /// The content of a file, nil if there is none.
  static func bytes(of path: String) throws -> [UInt8]? {
    try FileSystem.ifThere { () throws(FileError) in
      try FileSystem.contents(of: path, atMost: mostBytes)
    }
  }

  /// The names in a folder; none if there is no such folder.
  static func names(in folder: String) throws -> [String] {
    try FileSystem.ifThere { () throws(FileError) in try FileSystem.names(in: folder) } ?? []
  }

  private static func tokens(
    in bytes: [UInt8], _ path: String
  ) -> (tokens: [String], unreadable: [String]) {
    let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    guard lines.first == header else {
      return ([], ["\(path): expected the line '\(header)' first; remove the file"])
    }
    var (tokens, unreadable): ([String], [String]) = ([], [])
    for (number, line) in lines.enumerated().dropFirst() {
      do {
        _ = try CheckpointSpec(token: line)
        tokens.append(line)
      } catch let error where error.concernsLayout {
        tokens.append(line)
      } catch {
        unreadable.append("\(path), line \(number + 1): \(error)")
      }
    }
    return (tokens, unreadable)
  }
}

extension Corpus {
  /// The name of the file of cases that no campaign writes.
  private static let merged = "merged"

  /// Adds the cases and failures of others.
  ///
  /// - Throws: `FileError` or what else is wrong with a file.
  public func add(_ others: [Corpus]) throws {
    var cases = try cases(inFileOf: Self.merged)
    var seen = Set(cases)
    for other in others {
      for token in try other.contents().cases where seen.insert(token).inserted {
        cases.append(token)
      }
      for name in try Self.names(in: other.failureFolder) where name.hasSuffix(Self.suffix) {
        guard let bytes = try Self.bytes(of: "\(other.failureFolder)/\(name)") else { continue }
        try FileSystem.makeFolders(failureFolder)
        try FileSystem.write(bytes, to: "\(failureFolder)/\(name)")
      }
    }
    try write(cases: Self.fewest(cases, most: Self.mostCases), named: Self.merged)
  }

  /// Keeps no more cases than have all the triples of values that the corpus has.
  ///
  /// - Throws: `FileError` or what else is wrong with a file.
  public func minimise() throws {
    let cases = Self.fewest(try contents().cases, most: Self.mostCases)
    try write(cases: cases, named: Self.merged)
    try removeCases(except: Self.merged)
  }

  /// Cases with all the triples that these have, those first that have most that no other has had, and
  /// none that is no checkpoint of a known layout.
  private static func fewest(_ tokens: [String], most: Int) -> [String] {
    let candidates = tokens.compactMap { token -> (token: String, values: [UInt8])? in
      (try? CheckpointSpec(token: token)).map { (token, AxisValues($0).bytes) }
    }
    var reach = AxisReach()
    let gains = candidates.map { reach.newCombinations($0.values) }
    // What a case adds only ever falls, so that it is looked at anew only when its turn comes.
    var places: [[Int]] = Array(repeating: [], count: (gains.max() ?? 0) + 1)
    for (place, gain) in gains.enumerated() { places[gain].append(place) }
    var result: [String] = []
    for gain in places.indices.dropFirst().reversed() {
      for place in places[gain].sorted() where result.count < most {
        let candidate = candidates[place]
        let left = reach.newCombinations(candidate.values)
        if left == gain {
          reach.add(candidate.values)
          result.append(candidate.token)
        } else {
          places[left].append(place)
        }
      }
    }
    return result
  }
}
