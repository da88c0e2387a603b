// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import ArgumentParser
public import Campaigns

/// The option that says which cases of a campaign are this process's.
struct ShardArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      Judge the cases of one shard of several, such as 3/8. Default: what the environment of Slurm \
      arrays, indexed Kubernetes jobs, GNU parallel or HYMT2_SHARD says, otherwise all.
      """, valueName: "i/n"))
  var shard: Shard?

  /// The shard, by the option or else by the environment.
  func shard(_ console: Console) throws -> Shard {
    if let shard { return shard }
    guard let finding = try ShardEnvironment(Console.environment).finding() else { return .whole }
    console.note("shard \(finding.shard), as \(finding.variable) says")
    return finding.shard
  }
}

extension Shard: ExpressibleByArgument {
  /// Reads a shard such as `3/8`.
  public init?(argument: String) {
    self.init(argument)
  }
}
