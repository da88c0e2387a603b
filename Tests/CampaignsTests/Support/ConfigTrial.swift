// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import CheckpointGenerators
import Layouts

@testable import Campaigns

/// Reads texts that may be no config, and begins a campaign on those that are.
struct ConfigTrial: Sendable {
  /// What became of a text.
  enum Outcome: Sendable, Equatable {
    /// It is a config, around which a campaign can begin.
    case accepted
    /// It is a config around which there is nothing to generate, for a reason.
    case unusable(String)
    /// It is refused, with the field that is wrong, and with the byte where it is no JSON.
    case refused(field: String, String)
  }

  private let adapter: any AdapterUnderTest

  /// Creates a trial.
  init(_ adapter: any AdapterUnderTest = ReferenceAdapter()) {
    self.adapter = adapter
  }

  /// Reads a text.
  func judge(_ text: [UInt8]) -> Outcome {
    let config: ModelConfig
    do {
      // Bytes have no padding that could be read uninitialized.
      config = try ModelConfig(jsonText: unsafe text.span.bytes)
    } catch {
      return .refused(field: error.field, "\(error)")
    }
    do {
      let plan = try CampaignPlan(
        config, CheckRun(adapter, space: CheckpointSpace(layout: config.layout)), seed: 0,
        isLong: false, path: { _ in CampaignPlan.configName })
      _ = plan.draw(.number(0))
      return .accepted
    } catch {
      return .unusable("\(error)")
    }
  }
}

extension ConfigTrial.Outcome {
  /// Whether a refusal says where the fault is: a field, or a byte of the text.
  var saysWhere: Bool {
    switch self {
    case .accepted, .unusable: true
    case .refused(let field, let text):
      !field.isEmpty
        && (field != "config.json" || text.contains("(byte ") || text.contains("object"))
    }
  }
}
