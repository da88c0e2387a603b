// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
public import Campaigns
public import Layouts

/// Campaigns around one config, each on an adapter with one planted fault: whether and when each finds
/// it.
public struct CampaignMeasurement: Sendable {
  /// The faults that have a place in the config's layout.
  public let faults: [PlantedFault]
  /// The others, and why they have none.
  public let absent: [(fault: PlantedFault, reason: String)]
  /// The config that the campaigns are around.
  public let config: ModelConfig
  /// The path of the config, for reports.
  public let configPath: String
  /// How many seconds a campaign may take.
  public var seconds = 60
  /// How many cases are checked at the same time.
  public var threads = 1
  /// What everything random derives from.
  public var seed: UInt64 = 0

  /// Creates a measurement of some faults.
  public init(_ faults: [PlantedFault], around config: ModelConfig, configPath: String) {
    let selection = FaultBank.Selection(faults, in: config.layout)
    self.faults = selection.faults
    absent = selection.absent
    self.config = config
    self.configPath = configPath
  }

  /// Runs a campaign for each fault, one after the other, until it is found or the time is up.
  ///
  /// - Parameter ended: Told of each campaign that has ended.
  public func run(ended: (CampaignFaultResult) -> Void = { _ in }) -> CampaignFaultReport {
    var results: [CampaignFaultResult] = []
    for fault in faults {
      let result = campaign(fault)
      results.append(result)
      ended(result)
    }
    return CampaignFaultReport(
      configPath: configPath, layout: config.layout, configSummary: config.phrase, seconds: seconds,
      seed: seed,
      results: results, absent: absent)
  }

  private func campaign(_ fault: PlantedFault) -> CampaignFaultResult {
    var settings = RunSettings(budget: .seconds(seconds), seed: seed, threads: threads)
    settings.endsAtFirstFinding = true
    do {
      let report = try CampaignRun(fault.adapter, around: config, configPath: configPath)
        .run(settings)
      return CampaignFaultResult(
        fault: fault, judged: report.judged, finding: CampaignFaultResult.first(of: report))
    } catch {
      return CampaignFaultResult(fault: fault, judged: 0, problem: "\(error)")
    }
  }
}

/// What a campaign made of one planted fault.
public struct CampaignFaultResult: Sendable {
  /// The fault.
  public let fault: PlantedFault
  /// Cases checked until the end of the campaign.
  public let judged: Int
  /// What the campaign found, nil if the fault survived.
  public var finding: Failure?
  /// Why there was no campaign, if there was none.
  public var problem: String?

  /// Whether the fault was found or, of an equivalent one, was not.
  public var holds: Bool {
    problem == nil && (finding != nil) == (fault.equivalence == nil)
  }

  /// The first sentence of the diagnosis.
  var sentence: String? {
    finding?.sentence.split(separator: "\n").joined(separator: " ")
  }

  /// The finding that ended a campaign: making others small was cut short by that, if it was begun.
  static func first(of report: RunReport) -> Failure? {
    report.failures.first { $0.shrinking?.stoppedEarly == false }
      ?? report.failures.first { $0.shrinking != nil } ?? report.failures.first
  }
}
