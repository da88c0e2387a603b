// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import ArgumentParser
public import Campaigns
import Files
import StrictJSON

#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

/// The options that say where the report of a check or a campaign is written to.
struct ReportFiles: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Write the report to this file; may be repeated. Its name says the format: "
        + ReportFormat.all.map { "\($0.ending) (\($0.summary))" }.joined(separator: ", ") + ".",
      valueName: "file"))
  var report: [String] = []

  @Option(help: ArgumentHelp("Write the report as JUnit XML.", valueName: "file"))
  var junit: String?

  @Flag(
    name: .shortAndLong,
    help: "Print the outcome of each law and the coverage of each config axis.")
  var verbose = false

  func validate() throws {
    for file in report where ReportFormat.of(fileNamed: file) == nil {
      throw ValidationError(
        "--report: no format of reports has the ending of '\(file)'; expected "
          + ReportFormat.all.map(\.ending).joined(separator: ", "))
    }
  }

  /// Checks, before the work begins, that the files can be written.
  func check() throws {
    for file in report + [junit].compactMap(\.self) { try OutputPlace(file).checkParent() }
  }

  /// Writes a report wherever it is wanted.
  ///
  /// - Parameters:
  ///   - config: The file of the config that the report is about, if there is one.
  ///   - members: What the JSON document has beside the report.
  func write(
    _ result: RunReport, of command: String, config: String?, _ members: JSONObject = [:],
    to console: Console
  ) throws {
    console.print(result.lines(isVerbose: verbose))
    console.printDocument(
      command, holds: result.holds,
      ["version": .string(HyMT2.version)] + JSONObject(result.json) + members)
    let source = ReportFormat.Source(tool: "hymt2 \(HyMT2.version)", config: config)
    for file in report {
      guard let format = ReportFormat.of(fileNamed: file) else { continue }
      try FileSystem.write(Array(format.render(result, from: source).utf8), to: file)
    }
    if let junit { try FileSystem.write(Array(result.junit.utf8), to: junit) }
    GitHubActions(console).show(GitHubReport(result, file: config))
  }
}

/// The option that says which cases of a campaign are this process's.
struct ShardArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      Check one shard of the cases, such as 3/8. Default: the shard that HYMT2_SHARD, Slurm, \
      Kubernetes or GNU parallel sets in the environment, otherwise all cases.
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

/// A time such as `10m`, `90s`, `1h30m`, or a number of seconds.
struct TimeSpan: ExpressibleByArgument, Equatable {
  /// The longest time: a year.
  static let longest = 366 * 24 * 3600

  let seconds: Int

  init?(argument: String) {
    let units = [3600, 60, 1]
    let counts: [Substring?]
    if argument.wholeMatch(of: /[0-9]+/) != nil {
      counts = [nil, nil, Substring(argument)]
    } else if let match = argument.wholeMatch(of: /(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+)s)?/) {
      counts = [match.1, match.2, match.3]
    } else {
      return nil
    }
    var total = 0
    for (unit, digits) in zip(units, counts) {
      guard let digits else { continue }
      guard let count = Int(digits), count <= Self.longest / unit else { return nil }
      total += count * unit
    }
    guard (1...Self.longest).contains(total) else { return nil }
    seconds = total
  }
}

/// What a step of GitHub Actions shows beside its log; elsewhere nothing.
struct GitHubActions {
  private let console: Console

  init(_ console: Console) {
    self.console = console
  }

  /// Writes annotations to standard error, which GitHub reads too, and adds to the step's summary.
  func show(_ report: @autoclosure () -> GitHubReport) {
    guard Console.environment("GITHUB_ACTIONS") == "true" else { return }
    let report = report()
    for line in report.annotations { Console.put(line + "\n", to: STDERR_FILENO) }
    guard let path = Console.environment("GITHUB_STEP_SUMMARY") else { return }
    do {
      // The runner makes the file, and steps add to it.
      let file = try OpenFile(changing: path)
      // Bytes have no padding that could be read uninitialized.
      try file.write(unsafe Array(report.summary.utf8).span.bytes, at: file.byteCount())
    } catch {
      console.warn("cannot write the step's summary to '\(path)': \(error.reason)")
    }
  }
}
