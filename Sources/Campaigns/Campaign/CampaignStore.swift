// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import PropertyEngine
internal import Safetensors
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
  /// Cases that this campaign adds to the corpus, by token.
  private(set) var added: [String]
  private let token: @Sendable (CampaignRecord.Origin) -> String?

  /// A longer journal is folded into the file.
  private static let longestJournal = 4 << 20

  /// Takes hold of the files of a campaign.
  ///
  /// - Parameter token: The token of a case of this campaign in the space of all checkpoints.
  /// - Throws: `CampaignFileError` if another process has them, or `FileProblem`.
  init(
    _ corpus: Corpus, name: String, token: @escaping @Sendable (CampaignRecord.Origin) -> String?
  ) throws {
    self.corpus = corpus
    self.name = name
    self.token = token
    let file = "\(name).journal"
    guard let journal = try Journal.open(folder: corpus.campaigns, name: file) else {
      throw CampaignFileError(
        "\(corpus.campaigns)/\(file)", expected: "a campaign that no process works on",
        found: "one that is under way in another process",
        remedy: "wait for it, give another --shard, or another --corpus")
    }
    self.journal = journal
    added = []
  }

  private var path: String { "\(corpus.campaigns)/\(name).json" }

  /// Whether the journal is long enough to be folded into the file.
  var isDue: Bool { journal.byteCount > Self.longestJournal }

  /// Takes up the state that an earlier session left.
  ///
  /// - Parameter isSame: Whether a report is of this campaign and not at its end.
  /// - Returns: The state, nil if there is none that this version can read.
  mutating func resume(where isSame: (CampaignReport) -> Bool) throws -> CampaignState? {
    guard let document = try Corpus.bytes(of: path),
      let (state, fresh) = try? CampaignState.read(
        document, journal: try journal.recover(), path: path),
      isSame(state.report)
    else {
      try journal.clear()
      return nil
    }
    added = try corpus.cases(inFileOf: name)
    for record in fresh { note(record.origin) }
    return state
  }

  /// Appends to the journal.
  func append(_ kind: String, _ json: JSONValue) throws {
    try journal.append(JSONValue.object(JSONObject([(kind, json)])).bytes(.compact))
  }

  /// Adds a case to the corpus, unless it is full.
  mutating func note(_ origin: CampaignRecord.Origin) {
    guard added.count < Corpus.mostAdded, case .number = origin, let token = token(origin),
      !added.contains(token)
    else { return }
    added.append(token)
  }

  /// Writes the whole state and empties the journal.
  func save(_ state: CampaignState) throws {
    try corpus.write(cases: added, named: name)
    try WholeFile.write(state.document, to: path)
    try journal.clear()
  }
}
