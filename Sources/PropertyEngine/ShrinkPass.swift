// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// The ways in which the shrinker edits a sequence; each can be switched off.
public enum ShrinkPass: String, CaseIterable, Sendable, Hashable {
  /// Deletes what did not get into the value.
  case removeDiscarded
  /// Makes everything in a span the simplest.
  case trivialSpans
  /// Deletes spans, several siblings at once.
  case deleteSpans
  /// Replaces a span by one of its kind within it.
  case passToDescendant
  /// Lowers equal values together.
  case minimizeDuplicates
  /// Lowers each value, and repairs counts.
  case minimizeChoices
  /// Subtracts a common offset from all integers of one range.
  case lowerCommonOffset
  /// Moves part of a number to a later one.
  case redistribute
  /// Lowers two numbers by the same amount.
  case lowerTogether
  /// Sorts spans of a kind.
  case reorderSpans
  /// Lowers a value and deletes something later.
  case lowerAndDelete
  /// Deletes a span and lowers what pointed past it.
  case deleteAndRenumber
  /// Deletes a span and nudges a later value.
  case deleteAndNudge
  /// Deletes runs of choices whatever they belong to.
  case deleteChoices
  /// Takes a lower alternative and draws what it needs.
  case lowerAlternatives
  /// Takes a lower alternative together with what the next choice makes of it.
  case lowerWithNext
  /// Swaps two parts of a recursive value and sorts what hangs together.
  case swapAndSort
  /// Raises a value so that later draws disappear.
  case shortenByIncrement
  /// Redraws what follows an edit.
  case mutateAndShrink
  /// Tries all simpler combinations of the few small numbers that are left.
  case exhaustFew

  typealias Step = (pass: ShrinkPass, run: @Sendable (Shrinker) -> Void)

  /// What is repeated until nothing helps any more.
  static let main: [Step] = [
    (.removeDiscarded, { $0.removeDiscarded() }), (.trivialSpans, { $0.trivialSpans() }),
    (.deleteSpans, { $0.deleteSpans() }), (.deleteAndRenumber, { $0.deleteAndRenumber() }),
    (.passToDescendant, { $0.passToDescendant() }),
    (.minimizeDuplicates, { $0.minimizeDuplicates() }),
    (.minimizeChoices, { $0.minimizeChoices() }), (.lowerCommonOffset, { $0.lowerCommonOffset() }),
    (.redistribute, { $0.redistribute() }), (.lowerTogether, { $0.lowerTogether() }),
    (.reorderSpans, { $0.reorderSpans() }),
  ]
  /// What is tried then, until one of it helps.
  static let lastResorts: [Step] = [
    (.lowerAndDelete, { $0.lowerAndDelete() }), (.deleteAndNudge, { $0.deleteAndNudge() }),
    (.deleteChoices, { $0.deleteChoices() }), (.lowerAlternatives, { $0.lowerAlternatives() }),
    (.lowerWithNext, { $0.lowerWithNext() }), (.swapAndSort, { $0.swapAndSort() }),
    (.shortenByIncrement, { $0.shortenByIncrement() }),
    (.mutateAndShrink, { $0.mutateAndShrink() }), (.exhaustFew, { $0.exhaustFew() }),
  ]
}
