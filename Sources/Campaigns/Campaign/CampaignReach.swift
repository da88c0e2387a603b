// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// Which values, pairs and triples of values cases of a campaign had, so that shards can be merged
/// and a campaign resumed.
struct CampaignReach: Sendable, Equatable {
  /// How many cases had each value, axis after axis.
  var counts: [Int] = []
  /// Pairs, as bits.
  var pairs: [UInt8] = []
  /// Triples, as bits.
  var triples: [UInt8] = []
}
