// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import CheckpointGenerators
import Layouts
import Synchronization

/// Laws that say something about the checkpoint and nothing about the adapter.
enum TestLaws {
  /// A law that is broken by three experts or more, with texts that markup must escape.
  static let few = AdapterLaw(
    "few-experts", statement: "experts < 3 && \"few\" is <b>'enough'</b>",
    reason: "this is a test", brokenBy: "<script>alert(1)</script>"
  ) { (trial) throws(Violation) in
    let count = trial.spec.config.expertCount
    guard count < 3 else {
      throw Violation(
        code: "too many", place: "experts", step: .fromHF(nil),
        "found \(count) experts, expected < 3")
    }
    return true
  }

  /// A law that is broken by two layers or more.
  static let flat = AdapterLaw(
    "flat", statement: "one layer", reason: "this is a test", brokenBy: "two layers"
  ) { (trial) throws(Violation) in
    guard trial.spec.config.hiddenLayerCount == 1 else {
      throw Violation(
        code: "too deep", place: "layers", step: .roundTrip, "found two layers or more")
    }
    return true
  }

  /// A law that says nothing about configs with more than one layer.
  static let shallow = AdapterLaw(
    "shallow", statement: "one layer is one layer", reason: "this is a test", brokenBy: "nothing"
  ) { trial in trial.spec.config.hiddenLayerCount == 1 }

  /// A law that always holds.
  static let certain = AdapterLaw(
    "certain", statement: "everything", reason: "this is a test", brokenBy: "nothing"
  ) { _ in true }

  /// A law that never says anything.
  static let silent = AdapterLaw(
    "silent", statement: "nothing", reason: "this is a test", brokenBy: "nothing"
  ) { _ in false }

  /// A law that is broken every other time it is checked.
  static func fickle() -> AdapterLaw {
    let count = Counter()
    return AdapterLaw(
      "fickle", statement: "sometimes", reason: "this is a test", brokenBy: "chance"
    ) { (_) throws(Violation) in
      if count.next().isMultiple(of: 2) { return true }
      throw Violation(code: "chance", step: .roundTrip, "broken by chance")
    }
  }

  private final class Counter: Sendable {
    private let value = Atomic<Int>(0)

    func next() -> Int { value.wrappingAdd(1, ordering: .relaxed).newValue }
  }
}
