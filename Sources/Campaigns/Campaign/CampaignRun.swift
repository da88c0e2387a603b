// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import AdapterLaws
import Adapters
internal import CheckpointGenerators
public import Layouts
internal import PropertyEngine
internal import StrictJSON

/// A campaign around a config: numbered cases from the config outwards, and before them proofs at full size if
/// the adapter is the reference adapter, which has plans.
public struct CampaignRun: Sendable {
  /// The laws on checkpoints of any config, from which grounds around the config follow.
  private let run: CheckRun
  private let config: ModelConfig
  private let configPath: String

  /// Creates a campaign.
  ///
  /// - Parameters:
  ///   - configPath: The path of the config, for reports.
  ///   - arguments: What `hymt2 replay` must be told for the same adapter and laws.
  ///   - fuzzArguments: What `hymt2 fuzz` must be told beside that.
  public init(
    _ adapter: any AdapterUnderTest, around config: ModelConfig, configPath: String,
    laws: [AdapterLaw] = Laws.all, known: KnownDivergences? = nil,
    arguments: [String] = [], fuzzArguments: [String] = []
  ) {
    run = CheckRun(
      adapter, laws: laws, space: CheckpointSpace(layout: config.layout), known: known,
      arguments: arguments, checkArguments: fuzzArguments)
    self.config = config
    self.configPath = configPath
  }

  /// Works until the budget is used up.
  ///
  /// With a budget of examples the report is the same for the same seed and corpus, whatever machine
  /// and number of threads and however often the campaign was interrupted, but for what it says of
  /// time.
  ///
  /// - Parameter observing: Told how far the campaign is after each piece of work; called from any
  ///   thread, from one at a time.
  /// - Throws: `CheckError` if nothing can be checked, or what is wrong with the corpus.
  public func run(
    _ settings: RunSettings, observing: (@Sendable (RunProgress) -> Void)? = nil
  ) throws -> RunReport {
    if case .examples(let examples) = settings.budget, examples < 1 {
      throw CheckError.noExamples(requested: examples)
    }
    let corpus = settings.corpus.map { Corpus(folder: $0) }
    let plan = try plan(settings, corpus)
    var empty = run.report(settings)
    empty.config = CampaignConfig(path: configPath, summary: config.phrase, text: config.json)
    empty.shards = [settings.shard]
    empty.phases = CampaignPhase.allCases.filter { isReference || !$0.isOfReference }
      .map { CampaignPhaseTally(phase: $0) }
    var state = CampaignState(report: empty, corpus: try cases(of: corpus, settings.shard))
    var store: CampaignStore?
    if let corpus {
      var opened = try CampaignStore(corpus, name: name(plan, settings)) { plan.token($0) }
      if let resumed = try opened.resume(where: { $0.isResumable(as: empty) }) {
        state = resumed
        state.report.sessions += 1
        state.report.end = .unfinished
      }
      state.report.damaged += opened.damaged
      for file in opened.damaged { settings.damaged?(file) }
      store = opened
    }
    let session = CampaignSession(
      plan, settings, state, proofs: proofs(state.report, settings), corpus, store,
      observing: observing)
    return try finished(try session.run(), plan, corpus, added: session.addedCount)
  }

  private func plan(
    _ settings: RunSettings, _ corpus: Corpus?
  ) throws -> CampaignPlan {
    var configs: [(path: String, config: ModelConfig)] = []
    let plan = try CampaignPlan(
      config, run, seed: settings.seed, isLong: settings.budget.isLong
    ) { config in
      guard let corpus else { return CampaignPlan.configName }
      let path = corpus.configPath(config)
      configs.append((path, config))
      return path
    }
    for (path, config) in configs {
      try corpus?.write(config, to: path)
    }
    return plan
  }

  private func cases(of corpus: Corpus?, _ shard: Shard) throws -> [String] {
    guard let contents = try corpus?.contents() else { return [] }
    return (contents.failures + contents.cases).filter { token in
      Int(stableHash(token) >> 1 % UInt64(shard.count)) == shard.index
    }
  }

  /// The same for every run of the campaign on the same corpus, whatever seed and budget.
  private func name(_ plan: CampaignPlan, _ settings: RunSettings) -> String {
    let parts =
      [run.adapter.name, run.adapter.version ?? "", config.layout.text, config.layout.native]
      + [config.json.text(.compact)] + run.laws.map(\.name)
      + ["\(plan.any.run.fingerprint)"]
    let hash = String(stableHash(parts.joined(separator: "\n")), radix: 36)
    return "\(hash)-\(settings.shard.index + 1)-of-\(settings.shard.count)"
  }

  /// What is done once, by the first shard, and is not done yet.
  private func proofs(_ report: RunReport, _ settings: RunSettings) -> [CampaignPhase] {
    guard isReference, settings.shard.index == 0 else { return [] }
    let phases: [CampaignPhase] = hasFullLayer(settings) ? [.planProof, .fullLayer] : [.planProof]
    return phases.filter { phase in
      report.phases.contains { $0.phase == phase && $0.judged == 0 }
    }
  }

  /// Whether the adapter is the one that has plans and whose layers can be streamed.
  private var isReference: Bool { run.adapter is ReferenceAdapter }

  private func hasFullLayer(_ settings: RunSettings) -> Bool {
    guard let layer = ConfigScaling(config: config).fullLayer else { return false }
    let elements = 3 * layer.expertCount * layer.hiddenSize * layer.moeIntermediateSize
    return elements <= FullSizeProof.smallLayer || settings.budget.isLong
  }

  private func finished(
    _ state: CampaignState, _ plan: CampaignPlan, _ corpus: Corpus?, added: Int
  ) throws -> RunReport {
    var report = state.finishedReport
    if let contents = try corpus?.contents() {
      report.corpus = CorpusFigures(
        folder: corpus?.folder ?? "", cases: contents.cases.count, added: added,
        failures: contents.failures.count)
    }
    report.complete(plan.around.run.space)
    guard report.holds, report.end != .cancelled else { return report }
    guard report.judged > 0 else { throw CheckError.noTime }
    guard report.laws.contains(where: { $0.judged > 0 }) else {
      throw CheckError.nothingJudged(executed: report.judged)
    }
    return report
  }
}
