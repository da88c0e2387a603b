// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Campaigns
import StrictJSON
import Tensors

/// What a conversion casts, and how many elements get another value.
struct PlannedCasts {
  private let casts: [CastCount]

  /// Counts the elements, which reads those of casts that can lose something.
  init(
    _ plan: ConversionPlan, _ console: Console, source: @escaping @Sendable (Int) throws -> Tensor
  ) throws {
    let progress = Progress("counting", total: plan.lossyByteCount, in: .bytes, console)
    defer { progress.finish() }
    casts = try plan.casts { position in
      try Interruption.check()
      let tensor = try source(position)
      progress.advance(tensor.byteCount)
      return tensor
    }
  }

  /// Says what will be cast, before it is.
  func announce(to console: Console) {
    for cast in casts {
      let line =
        "\(grouped(cast.tensorCount)) tensors of experts will be cast from \(cast.source) to "
        + "\(cast.destination); "
      cast.changedCount == 0
        ? console.note(line + "no element changes its value")
        : console.warn(
          line + "\(cast.share) change their value; --dtype \(cast.source) keeps them")
    }
  }

  /// Says what was cast.
  func print(to console: Console) {
    for cast in casts {
      console.print("  cast from \(cast.source) to \(cast.destination): \(cast.share) changed")
    }
  }

  var json: JSONValue {
    .array(
      casts.map {
        [
          "from": .string($0.source.rawValue), "to": .string($0.destination.rawValue),
          "tensors": JSONValue($0.tensorCount), "elements": JSONValue($0.elementCount),
          "changed": JSONValue($0.changedCount),
        ]
      })
  }
}

extension CastCount {
  fileprivate var share: String { "\(grouped(changedCount)) of \(grouped(elementCount)) elements" }
}
