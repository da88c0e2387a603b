// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import StrictJSON

/// The cases of a campaign that are worth judging again, each with what makes it so.
///
/// What is kept follows from the cases in their order alone, not from when they were judged.
struct KeptCases: Sendable, Equatable {
  /// What a case must have to be kept, the most worth first.
  enum Worth: String, Sendable, CaseIterable {
    /// A pair of values, a law that says something about it or a known divergence that no kept case
    /// had before.
    case first
    /// It passed since known divergences explain its violations, and no kept case has the same laws
    /// broken and explained by the same divergences.
    case nearMiss = "near miss"
    /// A triple of values that no case had before.
    case triple
  }

  /// A case that is kept.
  struct Case: Sendable, Equatable {
    let origin: CampaignRecord.Origin
    let worth: Worth
    /// The laws, known divergences and near misses that it is the first of.
    let labels: [String]
  }

  private let limit: Int
  private(set) var cases: [Case] = []
  /// The labels of all cases.
  private var labels: Set<String> = []

  init(limit: Int = Corpus.mostAdded) {
    self.limit = limit
  }

  /// Keeps a case that is worth it. Where there is no room, the case goes that is worth least; of those
  /// with new triples the earliest, since the triples that are found late are the rare ones.
  mutating func add(
    _ origin: CampaignRecord.Origin, _ judged: JudgedCase,
    new: (newPairs: Int, newTriples: Int)
  ) {
    let fresh = judged.firsts.filter { !labels.contains($0) }
    let miss = judged.nearMiss.flatMap { labels.contains($0) ? nil : $0 }
    let worth: Worth
    if new.newPairs > 0 || !fresh.isEmpty {
      worth = .first
    } else if miss != nil {
      worth = .nearMiss
    } else if new.newTriples > 0 {
      worth = .triple
    } else {
      return
    }
    insert(Case(origin: origin, worth: worth, labels: fresh + [miss].compactMap(\.self)))
  }

  private mutating func insert(_ new: Case) {
    if cases.count >= limit {
      guard let place = leastWorth(below: new) else { return }
      let gone = cases.remove(at: place)
      labels.subtract(gone.labels)
    }
    cases.append(new)
    labels.formUnion(new.labels)
  }

  private func leastWorth(below new: Case) -> Int? {
    switch new.worth {
    case .first:
      cases.firstIndex { $0.worth == .triple } ?? cases.lastIndex { $0.worth == .nearMiss }
    case .nearMiss, .triple: cases.firstIndex { $0.worth == .triple }
    }
  }
}

/// What the marks of a case say beside the values of its axes.
struct JudgedCase {
  /// The laws that say something about the case and the known divergences that it shows.
  let firsts: [String]
  /// Which laws are broken as known and which divergences explain that, if any are.
  let nearMiss: String?

  /// - Parameters:
  ///   - marks: The marks of the laws.
  ///   - known: One bit for each known divergence.
  init(marks: ArraySlice<UInt8>, known: ArraySlice<UInt8>, laws: [String], divergences: [String]) {
    let marks = zip(laws, marks).map { ($0, Judgement.Mark(rawValue: $1)) }
    let judged = marks.filter { [.holds, .broken, .known].contains($0.1) }.map { "law \($0.0)" }
    let shown = divergences.enumerated().filter { place, _ in
      place / 8 < known.count && known[known.startIndex + place / 8] >> (place % 8) & 1 == 1
    }.map { "known \($0.element)" }
    firsts = judged + shown
    let explained = marks.filter { $0.1 == .known }.map(\.0)
    nearMiss =
      explained.isEmpty ? nil : "near miss \((explained + shown).joined(separator: ", "))"
  }
}

extension KeptCases {
  /// The cases as a JSON array.
  var json: JSONValue {
    .array(
      cases.map { kept in
        var object = JSONObject()
        switch kept.origin {
        case .number(let number): object["case"] = JSONValue(number)
        case .corpus(let token): object["token"] = .string(token)
        }
        object["worth"] = .string(kept.worth.rawValue)
        object["labels"] = .strings(kept.labels)
        return .object(object)
      })
  }

  /// Reads the cases of a member.
  init(_ fields: CampaignFields, _ field: String) throws(CampaignFileError) {
    self.init()
    let read = try fields.elements(field) { (fields) throws(CampaignFileError) in
      Case(
        origin: fields.json["token"] == nil
          ? .number(try fields.count("case")) : .corpus(try fields.string("token")),
        worth: try fields.value("worth", of: Worth.self), labels: try fields.strings("labels"))
    }
    guard read.count <= limit else {
      throw fields.error(field, expected: "no more than \(limit) cases")
    }
    for kept in read { insert(kept) }
  }
}
