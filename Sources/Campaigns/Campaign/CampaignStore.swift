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

  private static let schemaVersion = 1
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
  /// - Returns: Whether there is one.
  mutating func resume(
    _ state: inout CampaignState, where isSame: (CampaignReport) -> Bool
  ) throws -> Bool {
    guard let bytes = try Corpus.bytes(of: path),
      let json = try? JSONValue(parsing: bytes),
      json["schemaVersion"]?.integerValue == Self.schemaVersion,
      let report = json["report"], let progress = json["progress"],
      let report = try? CampaignReport(CampaignFields(path: path, prefix: "report.", json: report)),
      isSame(report)
    else {
      try journal.clear()
      return false
    }
    var resumed = state
    resumed.report = report
    guard resumed.resume(progress) else {
      try journal.clear()
      return false
    }
    added = try corpus.cases(inFileOf: name)
    for line in try journal.recover() {
      // A line that cannot be read is of a case that is judged again.
      guard let json = try? JSONValue(parsing: Array(line)) else { continue }
      if let record = json["record"].flatMap(CampaignRecord.init) {
        for (record, newPairs) in resumed.add(record) where newPairs > 0 && record.failure == nil {
          note(record.origin)
        }
      } else if let finding = json["finding"] {
        let fields = CampaignFields(path: path, prefix: "finding.", json: finding)
        if let finding = try? CampaignFinding(fields) { resumed.add(finding) }
      } else if let tally = json["tally"] {
        let fields = CampaignFields(path: path, prefix: "tally.", json: tally)
        if let tally = try? CampaignPhaseTally(fields) { resumed.set(tally) }
      }
    }
    state = resumed
    return true
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
    let document: JSONValue = [
      "schemaVersion": JSONValue(Self.schemaVersion), "report": state.report.state,
      "progress": state.progressJSON,
    ]
    try WholeFile.write(document.bytes(.compact), to: path)
    try journal.clear()
  }
}
