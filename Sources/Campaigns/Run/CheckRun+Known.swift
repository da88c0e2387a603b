// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import AdapterLaws
internal import CheckpointGenerators
internal import PropertyEngine

extension CheckRun {
  /// What the minimal checkpoint of each known divergence shows now; each is judged once.
  func recall(_ check: CheckProperty, _ settings: CheckSettings) -> [KnownTally.State] {
    guard let known else { return [] }
    // Cases are of the space of all checkpoints of the layout, whatever the run's config.
    var space = CheckpointSpace(layout: self.space.layout, faultKinds: self.space.faultKinds)
    space.allowed = self.space.allowed
    let whole = CheckProperty(check.judge, space)
    let fingerprint = whole.fingerprint
    return known.entries.map { entry in
      let isConcerned = laws.contains { law in
        entry.violations.contains { $0.matchesLaw(law.name) }
      }
      guard isConcerned, settings.isCancelled?() != true else { return .notJudged }
      guard let token = try? ReplayToken(text: entry.token),
        token.matches(property: CheckProperty.name, fingerprint: fingerprint),
        let spec = whole.spec(of: token)?.spec
      else { return .stale }
      guard space.disallowedAxis(AxisValues(spec)) == nil else { return .unsupported }
      let judgement = LawJudge(laws: laws, adapter: adapter, known: [entry]).judge(spec)
      return judgement.broken.contains { $0.known != nil } ? .shows : .vanished
    }
  }

  /// What became of known divergences, if any were given.
  func knownReport(_ tally: CheckTally, _ states: [KnownTally.State]) -> KnownReport? {
    known.map { known in
      KnownReport(
        divergences: known,
        tallies: known.entries.indices.map { entry in
          KnownTally(
            divergence: known.entries[entry], state: states[entry],
            checkpoints: tally.known[entry])
        },
        checkpoints: tally.casesWithKnown, passed: tally.passedWithKnown)
    }
  }
}
