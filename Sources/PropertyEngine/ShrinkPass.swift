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
  /// Deletes a span and lowers what pointed behind it.
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

  static let main: [ShrinkPass] = [
    .removeDiscarded, .trivialSpans, .deleteSpans, .deleteAndRenumber, .passToDescendant,
    .minimizeDuplicates, .minimizeChoices, .lowerCommonOffset, .redistribute, .lowerTogether,
    .reorderSpans,
  ]
  static let lastResorts: [ShrinkPass] = [
    .lowerAndDelete, .deleteAndNudge, .deleteChoices, .lowerAlternatives,
    .lowerWithNext, .swapAndSort, .shortenByIncrement, .mutateAndShrink,
    .exhaustFew,
  ]

  var body: (Shrinker) -> () -> Void {
    switch self {
    case .removeDiscarded: Shrinker.removeDiscarded
    case .trivialSpans: Shrinker.trivialSpans
    case .deleteSpans: Shrinker.deleteSpans
    case .passToDescendant: Shrinker.passToDescendant
    case .minimizeDuplicates: Shrinker.minimizeDuplicates
    case .minimizeChoices: Shrinker.minimizeChoices
    case .lowerCommonOffset: Shrinker.lowerCommonOffset
    case .redistribute: Shrinker.redistribute
    case .lowerTogether: Shrinker.lowerTogether
    case .reorderSpans: Shrinker.reorderSpans
    case .lowerAndDelete: Shrinker.lowerAndDelete
    case .deleteAndRenumber: Shrinker.deleteAndRenumber
    case .deleteAndNudge: Shrinker.deleteAndNudge
    case .deleteChoices: Shrinker.deleteChoices
    case .lowerAlternatives: Shrinker.lowerAlternatives
    case .lowerWithNext: Shrinker.lowerWithNext
    case .swapAndSort: Shrinker.swapAndSort
    case .shortenByIncrement: Shrinker.shortenByIncrement
    case .mutateAndShrink: Shrinker.mutateAndShrink
    case .exhaustFew: Shrinker.exhaustFew
    }
  }
}
