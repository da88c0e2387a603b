// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Campaigns
import CheckpointGenerators
import Layouts
import Tensors

/// Runs a campaign on an adapter with faults that show on some shapes, to be killed and resumed.
///
///     faulty-campaign CONFIG CORPUS EXAMPLES SEED [SHARD]
///
/// prints the smallest checkpoint of every failure as a token, with how often it was seen; then what
/// was reached.
@main
struct FaultyCampaign {
  static func main() throws {
    let words = Array(CommandLine.arguments.dropFirst())
    guard words.count >= 4, let examples = Int(words[2]), let seed = UInt64(words[3]) else {
      fatalError("usage: faulty-campaign CONFIG CORPUS EXAMPLES SEED [SHARD]")
    }
    let text = try TensorStorage.mapping(words[0])
    let config = try ModelConfig(jsonText: text.bytes)
    var settings = RunSettings(budget: .examples(examples), seed: seed, threads: 2)
    settings.corpus = words[1]
    if words.count > 4, let shard = Shard(words[4]) { settings.shard = shard }
    let report = try CampaignRun(ShapeFaults(), around: config, configPath: words[0]).run(settings)
    for failure in report.failures {
      let discovery = failure.discovery
      print(
        discovery?.number ?? -1, discovery?.occurrences ?? 0, failure.law.name,
        failure.token ?? "-")
    }
    print("judged \(report.judged), failed \(report.failed), \(report.end.rawValue)")
    print("pairs \(report.coverage.pairs.reached), triples \(report.coverage.triples.reached)")
    print("sessions \(report.sessions)")
  }
}
