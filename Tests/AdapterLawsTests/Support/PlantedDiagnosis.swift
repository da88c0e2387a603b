// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import CheckpointGenerators
import Layouts
import PlantedFaults
import Tensors
import Testing

/// A fault, a checkpoint that shows it, and what the diagnosis should say.
struct PlantedDiagnosis: Sendable, CustomTestStringConvertible {
  let name: String
  let spec: CheckpointSpec
  let adapter: FaultyAdapter
  let violation: Violation
  let sentences: [String]

  init(
    _ name: String, _ spec: CheckpointSpec, _ adapter: FaultyAdapter,
    step: ConversionStep = .roundTrip, kind: String = "elements",
    evidence: Violation.Evidence? = nil, _ sentences: [String]
  ) {
    self.name = name
    self.spec = spec
    self.adapter = adapter
    violation = Violation(code: kind, step: step, evidence: evidence, "the summary")
    self.sentences = sentences
  }

  init(
    _ name: String, _ spec: CheckpointSpec, _ adapter: FaultyAdapter,
    step: ConversionStep = .roundTrip, kind: String = "elements", _ sentences: String...
  ) {
    self.init(name, spec, adapter, step: step, kind: kind, sentences)
  }

  var testDescription: String { name }
}
