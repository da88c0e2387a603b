// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import Files
internal import PropertyEngine
internal import StrictJSON

/// Where a campaign keeps how far it is: a file that is replaced as a whole now and then, and a journal
/// of what has happened since.
///
/// Whatever is in the journal and in the file counts once, so that the process may be killed between
/// the two.
struct CampaignStore: Sendable {
  private let journal: Journal
  private let corpus: Corpus
  /// The name of the campaign's files.
  let name: String
  /// Files that could not be read.
  private(set) var damaged: [DamagedFile] = []
  /// How many cases the corpus has of this campaign that it did not have before.
  private(set) var addedCount = 0
  private let token: @Sendable (CampaignRecord.Origin) -> String?

  /// A longer journal is folded into the file.
  private static let longestJournal = 4 << 20

  /// Takes hold of the files of a campaign.
  ///
  /// - Parameter token: The token of a case of this campaign in the space of all checkpoints.
  /// - Throws: `DocumentError` if another process has them, or `FileError`.
  init(
    _ corpus: Corpus, name: String, token: @escaping @Sendable (CampaignRecord.Origin) -> String?
  ) throws {
    self.corpus = corpus
    self.name = name
    self.token = token
    let file = "\(name).journal"
    guard let journal = try Journal.open(folder: corpus.campaigns, name: file) else {
      throw DocumentError(
        "\(corpus.campaigns)/\(file)", expected: "a campaign that no process works on",
        found: "one that is under way in another process",
        remedy: "wait for it, give another --shard, or another --corpus")
    }
    self.journal = journal
  }

  private var path: String { "\(corpus.campaigns)/\(name).json" }

  /// Whether the journal is long enough to be folded into the file.
  var isDue: Bool { journal.byteCount > Self.longestJournal }

  /// Takes up the state that an earlier session left. What cannot be read is put aside.
  ///
  /// - Parameter isSame: Whether a report is of this campaign and not at its end.
  /// - Returns: The state, nil if there is none that this version can read.
  mutating func resume(where isSame: (RunReport) -> Bool) throws -> CampaignState? {
    let lines = try journal.recover()
    guard let document = try Corpus.bytes(of: path) else {
      if !lines.isEmpty {
        try keep(
          journal.path, "\(journal.path): expected \(path) beside it, found no such file", Self.anew
        )
      }
      try journal.clear()
      return nil
    }
    let (state, unreadable): (CampaignState, [Int])
    do throws(DocumentError) {
      (state, unreadable) = try CampaignState.read(document, journal: lines, path: path)
    } catch {
      if !lines.isEmpty { try keep(journal.path, error.problem, Self.anew) }
      try keep(path, error.problem, Self.anew)
      try FileSystem.removeFile(path)
      try journal.clear()
      return nil
    }
    guard isSame(state.report) else {
      try journal.clear()
      return nil
    }
    if let first = unreadable.first {
      let others = unreadable.count > 1 ? " and \(unreadable.count - 1) more" : ""
      try keep(
        journal.path,
        "\(journal.path): line \(first)\(others): expected what became of a case, found something "
          + "else", "their cases are checked again")
    }
    return state
  }

  private static let anew = "the campaign begins anew"

  /// Puts a copy of a file aside.
  private mutating func keep(
    _ path: String, _ reason: String, _ consequence: String
  ) throws {
    let aside = try freePath(path)
    try FileSystem.write(try Corpus.bytes(of: path) ?? [], to: aside)
    damaged.append(DamagedFile(reason: reason, keptAt: aside, consequence: consequence))
  }

  /// A name beside a file that is not taken, which no other process takes meanwhile.
  private func freePath(_ path: String) throws -> String {
    let taken = Set(try Corpus.names(in: corpus.campaigns))
    let name = "\(path.split(separator: "/").last ?? "").damaged"
    let names = [name] + (2...taken.count + 2).map { "\(name)-\($0)" }
    return "\(corpus.campaigns)/\(names.first { !taken.contains($0) } ?? name)"
  }

  /// Appends to the journal.
  func append(_ kind: String, _ json: JSONValue) throws {
    try journal.append(JSONValue.object(JSONObject([(kind, json)])).bytes(.compact))
  }

  /// Writes the whole state and empties the journal.
  mutating func save(_ state: CampaignState) throws {
    let earlier = Set(state.corpus)
    var cases: [String] = []
    var seen: Set<String> = []
    for token in state.kept.compactMap({ token($0.origin) }) + state.corpusLeft
    where seen.insert(token).inserted { cases.append(token) }
    addedCount = cases.count { !earlier.contains($0) }
    try corpus.write(cases: cases, named: name)
    try FileSystem.write(state.json(isWhole: true).bytes(.compact), to: path)
    try journal.clear()
  }
}

/// What is wrong with a file of a campaign or of known divergences, or with a folder, and where.
public struct DocumentError: Error, Sendable, Equatable, CustomStringConvertible {
  /// The file or folder.
  public let path: String
  /// The entry of known divergences by its id, or by its position where it has none.
  public let entry: String?
  /// The member, such as `findings[0].law`; nil for the whole.
  public let field: String?
  /// What would have been right.
  public let expected: String
  /// What is there.
  public let found: String
  /// What helps, if anything but another content does.
  public let remedy: String?

  init(
    _ path: String, field: String? = nil, expected: String, found: String,
    remedy: String = "remove the file, or run the version of hymt2 that wrote it"
  ) {
    (self.path, entry, self.field) = (path, nil, field)
    (self.expected, self.found, self.remedy) = (expected, found, remedy)
  }

  init(_ path: String, entry: String? = nil, _ error: JSONFieldError) {
    (self.path, self.entry) = (path, entry)
    field = error.place.isEmpty ? nil : error.place
    (expected, found, remedy) = (error.expected, error.found, nil)
  }

  /// The text shown to people.
  public var description: String { problem + (remedy.map { "; \($0)" } ?? "") }

  /// What is wrong, without what helps.
  var problem: String {
    let place = [path, entry.map { "entry \($0)" }, field].compactMap(\.self)
    return "\(place.joined(separator: ": ")): expected \(expected), found \(found)"
  }
}
