// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts

@testable import CheckpointGenerators

/// A `config.json` with something wrong in it.
struct FaultyConfig: Sendable {
  /// The text as UTF-8, or what stands in its place.
  let bytes: [UInt8]
  /// The field that a refusal must name.
  let field: String
  /// What is wrong, in words that continue "a config whose".
  let description: String
}

/// One way in which a `config.json` can be invalid.
struct ConfigFaultKind: Sendable {
  /// The name in reports, such as `missing-field`.
  let name: String
  /// What is wrong, in one sentence.
  let statement: String
  private let body: @Sendable (ModelConfig, inout FaultSite) -> FaultyConfig?

  init(
    _ name: String, _ statement: String,
    body: @escaping @Sendable (ModelConfig, inout FaultSite) -> FaultyConfig?
  ) {
    self.name = name
    self.statement = statement
    self.body = body
  }

  /// The config with the fault, or nil where the config has no place for it.
  ///
  /// - Parameter site: Decides the field; zero is the simplest one.
  func applied(to config: ModelConfig, site: UInt64) -> FaultyConfig? {
    var place = FaultSite(site)
    return body(config, &place)
  }
}
