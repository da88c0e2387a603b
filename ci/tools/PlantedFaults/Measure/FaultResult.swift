// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
public import Campaigns
internal import CheckpointGenerators
import Layouts

/// What checks made of one planted fault.
public struct FaultResult: Sendable {
  /// The smallest checkpoint that the shrinker found, and what is said of it.
  public struct Smallest: Sendable {
    /// What sets the checkpoint apart from the plainest one.
    public var shape: String
    /// The law that it breaks.
    public var law: String
    /// What the adapter did wrong, in sentences.
    public var diagnosis: [String]
    /// The checkpoint as text that `hymt2 replay` makes it from.
    public var token: String
    /// The way the law failed, and the class of tensors where.
    var kind: String
    var place: String
    /// The causes as values.
    var causes: [Diagnosis.Finding]
    /// Why the adapter refuses the valid checkpoint, if it does.
    let refusal: Set<Problem.Code>
    /// What the checkpoint follows from.
    var spec: CheckpointSpec
  }

  /// The fault.
  public let fault: PlantedFault
  /// Where each seed noticed it first; nil inside where it survived.
  public var detections: [Detection?]
  /// What came of making a failure small; nil if there was none.
  public var smallest: Smallest?
  /// What sets the smallest checkpoint apart that trying all of them found; nil where that was not
  /// asked for.
  public var exhaustive: String?
  /// Why it could not be checked, if it could not.
  public var problem: String?

  /// On how many seeds it was noticed.
  public var kills: Int { detections.count { $0 != nil } }

  /// The number of the example that noticed it, for each seed that did, the smallest first.
  var examples: [Int] { detections.compactMap { $0?.example }.sorted() }

  /// The median of the examples to the first kill, survivors counted as the most.
  public var median: Int? { quantile(examples, of: detections.count, 50) }

  /// The 90th percentile of them.
  public var ninetieth: Int? { quantile(examples, of: detections.count, 90) }

  /// Whether all seeds noticed it or, of an equivalent one, none did.
  public var holds: Bool {
    problem == nil
      && (fault.equivalence == nil ? kills == detections.count && kills > 0 : kills == 0)
  }

  /// Whether the diagnosis says what it must; nil where nothing is asked of it.
  public var isNamed: Bool? {
    guard fault.equivalence == nil, let cause = fault.cause else { return nil }
    return smallest.map(cause.isNamed) ?? false
  }

  /// Whether the smallest checkpoint is the one expected; nil where none is.
  public var isSmallest: Bool? {
    guard fault.equivalence == nil, let expected = fault.smallest else { return nil }
    guard let shape = smallest?.shape else { return false }
    return FaultResult.shape(shape, isAnyOf: expected)
  }

  /// Whether a shape is one of those recorded.
  static func shape(_ shape: String, isAnyOf recorded: String) -> Bool {
    recorded.split(separator: " | ", omittingEmptySubsequences: false).contains { one in
      guard one.hasSuffix("fault *") else { return shape == one }
      let rest = one.dropLast()
      return shape.hasPrefix(rest) && !shape.dropFirst(rest.count).contains(";")
    }
  }

  /// On how many seeds a law noticed it on the checkpoint that showed it first.
  func count(of law: String) -> Int { detections.count { $0?.laws.contains(law) ?? false } }

  /// The laws that noticed it on any of those checkpoints.
  var laws: Set<String> { Set(detections.flatMap { $0?.laws ?? [] }) }
}

/// The value below or at which so many of a hundred of `count` sorted values are; nil beyond those
/// there are.
func quantile<Value>(_ sorted: [Value], of count: Int, _ percent: Int) -> Value? {
  let place = (count * percent + 99) / 100 - 1
  return sorted.indices.contains(place) ? sorted[place] : nil
}

extension FaultResult.Smallest {
  /// A failure that was found here, not read from a file.
  init?(_ failure: Failure, of adapter: any AdapterUnderTest) {
    guard let spec = failure.spec, let token = failure.token else { return nil }
    law = failure.law.name
    (kind, place) = (failure.kind, failure.place)
    causes = Self.causes(of: spec, law: failure.law.name, adapter)
    refusal = Self.refusal(of: spec, adapter)
    diagnosis = failure.diagnosis
    self.token = token
    self.spec = spec
    shape = Self.shape(of: spec, law: failure.law.name)
  }

  /// The causes, which the failure has in words only; none of invalid input, of which tracers tell nothing.
  private static func causes(
    of spec: CheckpointSpec, law name: String, _ adapter: any AdapterUnderTest
  ) -> [Diagnosis.Finding] {
    guard name != "invalid-input" else { return [] }
    // What is kept between calls may show only after the calls of other laws.
    for isAlone in [true, false] {
      let trial = CheckpointUnderTest(spec, adapter)
      for law in Laws.all where !isAlone || law.name == name {
        guard case .broken(let violation) = law.verdict(on: trial), law.name == name else {
          continue
        }
        return Diagnosis.of(violation, spec, adapter).findings
      }
    }
    return []
  }

  private static func refusal(
    of spec: CheckpointSpec, _ adapter: any AdapterUnderTest
  ) -> Set<Problem.Code> {
    do {
      _ = try adapter.session(for: spec.setup)
        .fromHF(Checkpoint(spec).stateDict(), spec.parallelism)
    } catch let error as AdapterError {
      return Set(error.problems.map(\.code))
    } catch {}
    return []
  }

  /// What sets a checkpoint that breaks a law apart from the plainest one.
  static func shape(of spec: CheckpointSpec, law: String) -> String {
    let plain = Set(CheckpointSpec.plainest(of: spec.config.layout).facts)
    let facts = spec.facts.filter { !plain.contains($0) }.map { "\($0.name) \($0.value)" }
    // Other laws look at the valid checkpoint.
    let faults =
      law == "invalid-input" ? FaultyCheckpoint(spec).faults.map { "fault \($0)" } : []
    return (facts + faults).joined(separator: "; ")
  }
}
