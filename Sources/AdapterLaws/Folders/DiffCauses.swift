// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Adapters
public import CheckpointGenerators
public import Layouts
public import Tensors

/// What happened to tensors, from one comparison or several, before it is put into words.
public struct DiffCauses: Sendable {
  private struct Part {
    let direction: Diagnosis.Direction
    let parallelism: ExpertParallelism?
    let single: [CauseCandidate]
  }

  /// Findings in words, and how many there are beside them.
  public struct Findings: Sendable {
    /// The most telling first, at most five.
    public let first: [Diagnosis.Finding]
    /// How many findings there are beside these.
    public let others: Int

    /// One sentence for each, and one that counts the others.
    public var sentences: [String] {
      first.map(\.sentence)
        + (others > 0 ? ["and \(others) more finding\(others == 1 ? "" : "s")"] : [])
    }
  }

  private var parts: [Part] = []
  private var misbehaviours: [Diagnosis.Finding] = []
  /// What differs of the tensors that both have, where state dicts were compared.
  public private(set) var differences: [CheckpointDiff.Difference] = []
  private static let mostFindings = 5

  /// Creates no causes.
  public init() {}

  init(
    _ single: [CauseCandidate], _ direction: Diagnosis.Direction = .none,
    _ parallelism: ExpertParallelism? = nil
  ) {
    parts = [Part(direction: direction, parallelism: parallelism, single: single)]
  }

  /// Says why a state dict is not what it should be.
  ///
  /// - Parameters:
  ///   - mismatch: How the two differ.
  ///   - setup: What the state dicts are made for.
  ///   - isNative: Whether they are in native form.
  ///   - parallelism: The rank whose experts they hold, or nil for all.
  ///   - direction: The conversion that made what was found.
  public init(
    _ mismatch: Mismatch, expected: StateDict, found: StateDict, _ setup: AdapterSetup,
    isNative: Bool, _ parallelism: ExpertParallelism? = nil,
    direction: Diagnosis.Direction = .none
  ) {
    var single: [CauseCandidate] = []
    if let order = mismatch.order {
      single.append(CauseCandidate(.keyOrder(.other(first: order.found))))
    }
    let diff = Self.diff(
      expected, found.agreeing(with: expected, but: mismatch), setup, isNative, parallelism)
    self.init(single + (diff?.candidates ?? []), direction, parallelism)
    differences = diff?.differences ?? []
  }

  /// Says that an adapter gave no result.
  public init(_ error: any Error, layer: Int?, direction: Diagnosis.Direction) {
    guard let misbehaviour = error as? Misbehaviour else {
      self.init([CauseCandidate(.refused("\(error)"), layer: layer)], direction)
      return
    }
    self.init()
    misbehaviours = [
      Diagnosis.Finding(
        code: .init(.misbehaved(misbehaviour.kind), direction), layers: layer.map { [$0] } ?? [],
        sentence: "\(misbehaviour)")
    ]
  }

  /// Adds those of another comparison, such as that of the next layer.
  public mutating func add(_ other: DiffCauses) {
    parts += other.parts
    misbehaviours += other.misbehaviours
    differences += other.differences
  }

  /// All causes in words, those of one mistake at many places as one.
  ///
  /// - Parameter infos: The tensors that were compared, by which places are put into words.
  public func findings(_ config: ModelConfig, of infos: [TensorInfo]) -> Findings {
    findings(
      config,
      DiagnosisPlaces(
        config, infos.map { TensorSubject($0.name, config.layout) }, infos.map(\.dtype)))
  }

  func findings(_ config: ModelConfig, _ places: DiagnosisPlaces) -> Findings {
    struct Step: Hashable {
      let direction: Diagnosis.Direction
      let parallelism: ExpertParallelism?
    }
    let spec = CheckpointSpec(
      AdapterSetup(config, AdapterOptions(mtpPolicy: .preserve)),
      contents: TensorContents(.constant(pattern: 0)))
    var merger = CandidateMerger(refusals: [])
    let steps = parts.map { Step(direction: $0.direction, parallelism: $0.parallelism) }
    for step in steps.unique {
      let own = zip(steps, parts).filter { $0.0 == step }.flatMap(\.1.single)
      let count = step.parallelism?.experts(of: config.expertCount).count ?? config.expertCount
      for draft in CauseCandidate.everywhere(
        CauseCandidate.grouped(own, expertCount: count), places)
      {
        merger.insert(draft.of(step.direction, step.parallelism))
      }
    }
    let sorted = merger.drafts.enumerated().sorted {
      ($0.element.fault.traits.rank, $0.offset) < ($1.element.fault.traits.rank, $1.offset)
    }
    var all = misbehaviours
    all += sorted.map { Wording($0.element, spec, places).finding }
    return Findings(
      first: Array(all.prefix(Self.mostFindings)), others: max(0, all.count - Self.mostFindings))
  }

  /// How two state dicts differ, seen as they are on disk where every native name is the layout's.
  private static func diff(
    _ expected: StateDict, _ found: StateDict, _ setup: AdapterSetup, _ isNative: Bool,
    _ parallelism: ExpertParallelism?
  ) -> CheckpointDiff? {
    var options = setup.options
    (options.mtpPolicy, options.completeness) = (.preserve, .presentGroups)
    let planner = AdapterPlanner(setup.config, options)
    func side(_ dict: StateDict, _ view: OnDiskView) -> CheckpointDiff.Side {
      let tensors = dict.tensors
      return CheckpointDiff.Side(view, of: parallelism) { tensors[$0] }
    }
    func diff(_ view: (StateDict) throws -> OnDiskView) throws -> CheckpointDiff {
      try CheckpointDiff(
        side(expected, view(expected)), side(found, view(found)), setup.config, threads: 1)
    }
    let onDisk =
      isNative ? try? diff { try OnDiskView(native: $0.infos, planner, parallelism) } : nil
    return onDisk ?? (try? diff { OnDiskView(onDisk: $0.infos) })
  }
}

extension StateDict {
  /// The same with the expected tensors where a mismatch finds nothing wrong.
  fileprivate func agreeing(with expected: StateDict, but mismatch: Mismatch) -> StateDict {
    let wrong = Set(mismatch.tensors.map(\.name))
    let tensors = map { name, tensor in
      (name, wrong.contains(name) ? tensor : expected[name] ?? tensor)
    }
    // Names stay as distinct as they were.
    return (try? StateDict(tensors)) ?? self
  }
}
