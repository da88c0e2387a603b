// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import AdapterLaws
internal import CheckpointGenerators
internal import PropertyEngine

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
      for failure in try other.failureStore.failures(of: CheckProperty.name).failures {
        try failureStore.save(failure)
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
  /// none of another version of the generator.
  private static func fewest(_ tokens: [String], most: Int) -> [String] {
    let check = CheckProperty(
      LawJudge(laws: [], adapter: ReferenceAdapter()), CheckRun(ReferenceAdapter()).space)
    let candidates = tokens.compactMap { text -> (token: String, values: [UInt8])? in
      guard let token = try? ReplayToken(text: text),
        token.matches(property: CheckProperty.name, fingerprint: check.fingerprint),
        let (spec, _) = check.spec(of: token)
      else { return nil }
      return (text, AxisValues(spec).bytes)
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
