// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
internal import CheckpointGenerators
internal import Layouts
internal import StrictJSON

extension RunReport {
  /// What a case is called.
  var noun: String { config == nil ? "checkpoint" : "case" }

  /// The command without its options.
  var commandName: String { config == nil ? "hymt2 check" : "hymt2 fuzz" }

  /// The adapter with its version.
  var adapterWithVersion: String { version.map { "\(adapter) \($0)" } ?? adapter }

  /// The command that does the same again.
  public var command: String {
    let words = config.map { ["fuzz", "--config", $0.path] } ?? ["check"]
    let shard = shards.count == 1 && shards[0].count > 1 ? ["--shard", "\(shards[0])"] : []
    return shellCommand(
      ["hymt2"] + words + budget.words + ["--seed", "\(seed)"] + shard + arguments)
  }

  /// The outcome in one sentence.
  public var verdict: String {
    let place = config.map { " around \($0.path) in \(durationText(seconds))" } ?? ""
    let cases = "\(counted(judged, noun))\(place), seed \(seed)\(shardText)"
    let idle = laws.count { $0.judged == 0 && !isBroken($0) }
    let held = counted(laws.count - idle, "law")
    let laws = counted(laws.count, "law")
    let subject = layout.subject(adapterWithVersion)
    let prefix =
      switch end {
      case .cancelled: "stopped: "
      case .unfinished: "not at its end: "
      case .completed, .exhausted, .failed, .outOfTime: ""
      }
    if holds {
      let all = end == .exhausted ? "all there are: " : ""
      let seen = known?.seen.count ?? 0
      let exception = seen == 0 ? "" : ", but for \(counted(seen, "known divergence"))"
      let applied = idle == 0 ? "" : ", \(grouped(idle)) not applicable,"
      return "\(prefix)\(held) held\(applied) on \(all)\(cases)\(exception) (\(subject))"
    }
    let causes = config == nil ? "" : "\(counted(failureGroups.count, "cause")) found: "
    return "\(prefix)\(causes)\(grouped(brokenLaws.count)) of \(laws) broken "
      + "on \(grouped(failed)) of \(cases) (\(subject))"
  }

  private var shardText: String {
    guard let first = shards.first, first.count > 1 else { return "" }
    if shards.count == 1 { return ", shard \(first)" }
    let missing = missingShards
    guard !missing.isEmpty else { return ", \(grouped(shards.count)) shards" }
    let names = missing.prefix(5).map(\.description) + (missing.count > 5 ? ["…"] : [])
    return ", \(grouped(shards.count)) shards without \(names.joined(separator: ", "))"
  }

  /// The outcome in a few words.
  var headline: String {
    if !holds {
      let (broken, causes) = (brokenLaws.count, failureGroups.count)
      if config == nil { return "\(counted(broken, "law")) \(broken == 1 ? "is" : "are") broken" }
      return causes == 0 ? "Cases failed" : "\(counted(causes, "cause")) found"
    }
    switch end {
    case .cancelled: return "Stopped before the end; every law held so far"
    case .unfinished: return "Not at its end; every law held so far"
    case .completed, .exhausted, .failed, .outOfTime: break
    }
    if !missingShards.isEmpty { return "Every law held, but shards are missing" }
    return known?.seen.isEmpty == false
      ? "Every law held, but for what is known" : "Every law held"
  }

  /// The figures that matter most.
  var tiles: [(name: String, value: String)] {
    let broken = brokenLaws
    let held = laws.count { $0.judged > 0 && $0.known == 0 && !broken.contains($0.law) }
    let asKnown = laws.count { $0.known > 0 && !broken.contains($0.law) }
    let shardCount = shards.first?.count ?? 1
    let all: [(String, String)?] = [
      ("\(noun)s", grouped(judged)),
      config.map { _ in ("causes found", grouped(failureGroups.count)) },
      ("laws held", grouped(held)), ("laws broken", grouped(broken.count)),
      asKnown > 0 ? ("laws broken as known", grouped(asKnown)) : nil,
      ("pairs reached", coverage.pairs.text),
      config.map { _ in ("triples reached", coverage.triples.text) },
      shardCount > 1 ? ("shards", "\(grouped(shards.count)) of \(grouped(shardCount))") : nil,
      config.map { _ in ("time", durationText(seconds)) }, ("seed", "\(seed)"),
    ]
    return all.compactMap(\.self)
  }
}

extension Layout {
  /// What is said of the layout after an adapter's name: nothing of the usual one.
  var remark: String {
    guard self != .usual else { return "" }
    let form = native == natives[0] ? "" : ", native form: \(native)"
    return ", layout: \(name)\(form)"
  }

  /// What was under test, in a few words.
  func subject(_ adapter: String) -> String { "adapter: \(adapter)\(remark)" }
}

extension RunReport {
  /// The kinds of invalid input that were given, with how often, in the order of the catalogue.
  public var invalidInput: [(kind: String, count: Int)] {
    zip(CheckpointFaultCatalogue.all, faultCounts).filter { $1 > 0 }.map { ($0.name, $1) }
  }

  /// The same in a line.
  var invalidInputKinds: String {
    invalidInput.map { "\($0.kind): \(grouped($0.count))" }.joined(separator: ", ")
  }

  /// How many kinds of invalid input were given, in a phrase; nil if none was.
  var invalidInputText: String? {
    let given = invalidInput
    guard !given.isEmpty else { return nil }
    return "invalid input: \(grouped(given.count)) of \(grouped(faultCounts.count)) kinds, in "
      + counted(given.reduce(0) { $0 + $1.count }, "state dict")
  }
}

extension RunReport {
  /// What failures of one cause break and share, in sentences.
  func remarks(_ group: [Failure]) -> [String] {
    let laws = group.map(\.law.name).unique
    let kinds = group.filter { $0.law.name == Laws.invalidInput.name }.map(\.kind).unique
    return (laws.count > 1 ? ["laws broken by this cause: \(laws.joined(separator: ", "))"] : [])
      + (kinds.count > 1 ? ["kinds of invalid input: \(kinds.joined(separator: ", "))"] : [])
      + (advice(group).map { [$0] } ?? [])
  }

  /// The axis on which all valid checkpoints that were refused differ from the plainest one, and how an adapter
  /// says that it does not support that; nil of other failures.
  private func advice(_ group: [Failure]) -> String? {
    let isMeant = group.allSatisfy {
      $0.kind == Violation.Kind.refused.rawValue && $0.shrinking != nil && $0.flakiness == nil
    }
    let plain = AxisValues(.plainest(of: layout))
    func usual(_ name: String) -> String {
      let axis = ConfigAxis.allCases.first { $0.name == name }
      return axis.flatMap { axis in plain[axis].map { axis.values[$0] } } ?? ""
    }
    let shared = Failure.sharedValues(group.map(\.axes), layout).first { selection in
      !Self.sizes.contains(selection.axis)
        && !leftOut.contains { $0.axis == selection.axis && $0.values.contains(usual($0.axis)) }
    }
    guard isMeant, let axis = shared else { return nil }
    let usual = usual(axis.axis)
    let text = JSONValue.object([axis.axis: .strings([usual])]).text(.compact)
    return "every checkpoint that was refused has another \(axis.axis) than '\(usual)' "
      + "(\(axis.values.joined(separator: ", "))); an adapter that supports that one alone says so by "
      + "'supports': \(text) (docs/adapter-protocol.md)"
  }

  /// The axes of which every adapter should support all values.
  private static let sizes = [
    ConfigAxis.experts, .decoderLayers, .hiddenSize, .intermediateSize, .rankPosition, .loraRank,
    .keyOrder, .contents,
  ].map(\.name)
}
