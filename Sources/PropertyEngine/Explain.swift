// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// Finds the parts of a shrunk case that could be anything.
extension Runner {
  /// Ranges of choices such that the case fails in the same way whatever was drawn there.
  func explain(_ shrinker: Shrinker) -> [Range<Int>] {
    let sequence = shrinker.sequence
    var candidates = shrinker.spans.dropFirst().map(\.range).filter { !$0.isEmpty }
    candidates += (0..<sequence.count).map { $0..<($0 + 1) }
    candidates.sort { ($0.count, $1.lowerBound) > ($1.count, $0.lowerBound) }
    var irrelevant: [Range<Int>] = []
    for range in candidates.prefix(200) {
      if irrelevant.contains(where: { $0.overlaps(range) }) { continue }
      if range.allSatisfy({ sequence.choices[$0].isForced }) { continue }
      if variesFreely([range], shrinker) { irrelevant.append(range) }
    }
    // Each alone may be free and not all together.
    irrelevant.sort { $0.lowerBound < $1.lowerBound }
    return irrelevant.count > 1 && !variesFreely(irrelevant, shrinker)
      ? Array(irrelevant.prefix(1)) : irrelevant
  }

  /// Whether redrawing the ranges never makes the failure go away.
  private func variesFreely(_ ranges: [Range<Int>], _ shrinker: Shrinker) -> Bool {
    var failing = 0
    for attempt in 0..<60 {
      if cancellation.check() { return false }
      var random = RandomStream(seed: settings.seed, index: UInt64(attempt), salt: 0xE4B1)
      guard let candidate = refilled(shrinker, ranges, &random) else { continue }
      let result = pool.single(
        CaseRequest(
          prefix: candidate, tail: .overrun, limit: settings.maximumChoices, random: random))
      switch result.status {
      case .passed: return false
      case .failed:
        guard result.failure?.key == shrinker.key else { return false }
        failing += 1
      case .discarded, .overrun: continue
      }
      if failing >= 20 { return true }
    }
    return failing >= 10
  }

  /// The sequence with the values of the ranges drawn anew, if that changes anything.
  private func refilled(_ shrinker: Shrinker, _ ranges: [Range<Int>], _ random: inout RandomStream)
    -> ChoiceSequence?
  {
    let sequence = shrinker.sequence
    var candidate = ChoiceSequence()
    var end = 0
    for range in ranges {
      candidate.append(contentsOf: end..<range.lowerBound, of: sequence)
      let drawn = pool.single(
        CaseRequest(
          prefix: prefix(of: sequence, range.lowerBound), tail: .random,
          limit: settings.maximumChoices, random: random))
      random = RandomStream(seed: random.next())
      // The span that was drawn in place of the old one, or the one choice.
      let size: Int
      if range.count == 1 {
        size = 1
      } else {
        let old = shrinker.spans.first { $0.range == range && $0.parent >= 0 }
        let new = spans(of: drawn.trail).first {
          $0.start == range.lowerBound && $0.label == old?.label && $0.depth == old?.depth
        }
        guard let new, new.count > 0 else { return nil }
        size = new.count
      }
      guard range.lowerBound + size <= drawn.sequence.count else { return nil }
      candidate.append(
        contentsOf: range.lowerBound..<(range.lowerBound + size), of: drawn.sequence)
      end = range.upperBound
    }
    candidate.append(contentsOf: end..<sequence.count, of: sequence)
    return candidate == sequence ? nil : candidate
  }

  private func prefix(of sequence: ChoiceSequence, _ length: Int) -> ChoiceSequence {
    var result = sequence
    result.choices.removeSubrange(length..<result.count)
    return result
  }
}
