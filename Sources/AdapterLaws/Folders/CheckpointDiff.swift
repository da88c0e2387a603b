// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Adapters
public import Layouts
import Synchronization
public import Tensors

/// How two checkpoints of one model differ, whatever forms they are in: seen as they are on disk, expert by
/// expert.
public struct CheckpointDiff: Sendable {
  /// One of the two checkpoints.
  public struct Side: Sendable {
    /// The tensors as they are on disk.
    public let view: OnDiskView
    /// The rank whose experts the checkpoint holds, or nil for all.
    let parallelism: ExpertParallelism?
    let source: OnDiskView.Source

    /// Creates a side; `source` is called from any thread.
    public init(
      _ view: OnDiskView, of parallelism: ExpertParallelism? = nil,
      reading source: @escaping OnDiskView.Source
    ) {
      (self.view, self.parallelism, self.source) = (view, parallelism, source)
    }

    /// Creates a side; `source` gives the tensor at a position of the checkpoint's and is called from any
    /// thread.
    public init(
      _ view: OnDiskView, of parallelism: ExpertParallelism? = nil,
      source: @escaping @Sendable (Int) throws -> Tensor
    ) {
      self.init(view, of: parallelism) { position, elements in
        let tensor = try source(position)
        return try elements.map { try tensor.elements($0) } ?? tensor
      }
    }
  }

  /// One tensor that differs, or one expert's share of what holds all.
  public struct Difference: Sendable {
    /// The name on disk.
    public let name: TensorName
    /// The expert, where the tensor holds all.
    public let slot: Int?
    /// What the first checkpoint has.
    public let expected: TensorInfo
    /// What the second has.
    public let found: TensorInfo
    /// How they differ.
    public let kind: TensorMismatch.Kind
    /// How many elements differ, after a cast where types differ.
    public internal(set) var count = 0
    /// The range along each axis in which they lie.
    public internal(set) var bounds: [Range<Int>] = []
    /// The largest distance of two numbers in units in the last place.
    public internal(set) var ulps: UInt64?
    /// How many elements a cast changed for good, where types differ; nil where there is no such cast.
    public internal(set) var lossy: Int?
    /// The first elements that differ.
    public internal(set) var first: [ElementMismatch] = []
    /// The tensor of the first checkpoint whose elements these are, in words.
    public internal(set) var origin: String?
  }

  /// What differs, in the words of the diagnosis, the most telling first.
  public let findings: [Diagnosis.Finding]
  /// How many findings there are beside these.
  public let otherFindings: Int
  /// What happened at each place.
  let candidates: [CauseCandidate]
  /// Tensors of the first checkpoint that the second lacks.
  public let missing: [TensorInfo]
  /// Tensors of the second that the first lacks.
  public let surplus: [TensorInfo]
  /// What differs of the tensors that both have, in the order of the first.
  public let differences: [Difference]
  /// How many tensors both have.
  public let commonCount: Int
  /// The elements of the most serious difference, where they are few enough to be shown.
  public let shown: TensorMismatch?

  /// Whether both have the same tensors, bit for bit.
  public var isEmpty: Bool { missing.isEmpty && surplus.isEmpty && differences.isEmpty }

  /// Compares two checkpoints; where either is of a rank, the experts of that rank.
  ///
  /// - Parameters:
  ///   - config: The config of the first.
  ///   - threads: The most threads to use, or nil for one per core.
  ///   - progress: Called with the bytes of each tensor that is compared; from any thread.
  /// - Throws: What the sides' sources throw.
  /// - Complexity: O(bytes), and a second time for what differs.
  public init(
    _ first: Side, _ second: Side, _ config: ModelConfig, threads: Int? = nil,
    progress: @escaping @Sendable (_ byteCount: Int) -> Void = { _ in }
  ) throws {
    let pairing = UnitPairing(first, second, config)
    let comparison = UnitComparison(
      first: first, second: second, pairing: pairing, threads: threads)
    let different = try comparison.different(progress)
    let origins = try comparison.origins(of: different)
    let examined = try comparison.examine(different, origins)
    missing = pairing.missing.map { first.view.infos[$0] }
    surplus = pairing.surplus.map { second.view.infos[$0] }
    commonCount = pairing.comparedCount - missing.count
    differences = examined.map(\.difference)
    let classifier = DiffClassifier(
      config: config, comparison: comparison, examined: examined, origins: origins)
    candidates = classifier.candidates()
    let words = DiffCauses(candidates, .none, pairing.parallelism).findings(
      config, classifier.places())
    (findings, otherFindings) = (words.first, words.others)
    shown = try examined.min { $0.difference.rank < $1.difference.rank }
      .flatMap { try comparison.mismatch($0.unit) }
  }
}

extension CheckpointDiff.Difference {
  /// Smaller for what is more serious; of the same kind, the first is.
  fileprivate var rank: Int { TensorMismatch.Kind.allCases.firstIndex(of: kind) ?? 0 }

  /// The tensor, with the expert where it holds all.
  public var title: String { slot.map { "\(name)[\($0)]" } ?? name.text }

  /// What differs, in one line without the name.
  public var summary: String {
    if let origin { return "holds \(origin)" }
    let elements = expected.shape.elementCount
    let share = Int((Double(count) * 1000 / Double(max(1, elements))).rounded(.up))
    let percent = "\(share / 10)" + (share.isMultiple(of: 10) ? "" : ".\(share % 10)") + "%"
    let area = bounds.map { "\($0.lowerBound)..<\($0.upperBound)" }.joined(separator: ", ")
    let distance = ulps.map { ", at most \($0) ulp\($0 == 1 ? "" : "s")" } ?? ""
    let changed = "\(count) of \(elements) elements (\(percent)) differ in [\(area)]\(distance)"
    switch kind {
    case .shape: return "\(expected.shape) became \(found.shape)"
    case .dtype:
      let loss = lossy.map { $0 == 0 ? ", without loss" : ", \($0) elements lost precision" }
      return "\(expected.dtype) became \(found.dtype)" + (count == 0 ? loss ?? "" : "; \(changed)")
    case .zeroed: return "\(count) of \(elements) elements (\(percent)) became zero"
    case .elements: return changed
    }
  }
}

/// The tensors that two checkpoints have, one by one or one for each expert of those that hold all.
struct UnitPairing {
  /// A tensor of one side, or one expert's share of it.
  struct Unit: Hashable {
    let position: Int
    let slot: Int?
  }

  /// What both have under one name.
  let common: [(first: Unit, second: Unit)]
  /// Positions of tensors that only the first has, and that only the second has.
  let missing, surplus: [Int]
  /// What the units of either side are about; by their positions and experts.
  let subjects, secondSubjects: [Unit: TensorSubject]
  let surplusUnits: [Unit]
  /// The rank whose experts are compared, or nil for all.
  let parallelism: ExpertParallelism?
  /// How many tensors of the first are compared.
  let comparedCount: Int

  init(_ one: CheckpointDiff.Side, _ other: CheckpointDiff.Side, _ config: ModelConfig) {
    let (first, second, layout) = (one.view.infos, other.view.infos, config.layout)
    parallelism = one.parallelism ?? other.parallelism
    let own = parallelism?.experts(of: config.expertCount) ?? 0..<config.expertCount
    // A rank's first slot holds the first of its experts.
    let offsets = [one, other].map { $0.parallelism == nil ? 0 : own.lowerBound }
    let isOfRank = parallelism != nil
    func isCompared(_ info: TensorInfo) -> Bool {
      let subject = TensorSubject(info.name, layout)
      guard isOfRank, subject.kind.isOfRanks, let expert = subject.expert else { return true }
      return own.contains(expert)
    }
    var positions: [TensorName: Int] = [:]
    for (position, info) in second.enumerated() { positions[info.name] = position }
    let edits = KeyEdits(layout: layout)
    func units(_ info: TensorInfo, _ position: Int, _ side: Int) -> [Unit] {
      guard edits.expertAxis(info.name) == 0, info.shape.rank > 1 else {
        return [Unit(position: position, slot: nil)]
      }
      let isShared = isOfRank && TensorSubject(info.name, layout).kind.isOfRanks
      return (0..<info.shape[0]).filter { !isShared || own.contains($0 + offsets[side]) }
        .map { Unit(position: position, slot: $0) }
    }
    func subject(_ info: TensorInfo, _ unit: Unit, _ side: Int) -> TensorSubject {
      let subject = TensorSubject(info.name, layout)
      let offset = subject.kind.isOfRanks ? offsets[side] : 0
      return unit.slot.map { TensorSubject(subject, expert: $0 + offset) } ?? subject
    }
    var common: [(Unit, Unit)] = []
    var missing: [Int] = []
    var (subjects, others) = ([Unit: TensorSubject](), [Unit: TensorSubject]())
    var (taken, count): (Set<Int>, Int) = ([], 0)
    for (position, info) in first.enumerated() where isCompared(info) {
      count += 1
      let own = units(info, position, 0)
      for unit in own { subjects[unit] = subject(info, unit, 0) }
      guard let other = positions[info.name] else {
        missing.append(position)
        continue
      }
      taken.insert(other)
      // Where the number of experts differs, the whole is compared.
      let theirs = units(second[other], other, 1)
      let isAlike = own.count == theirs.count && info.shape.rank == second[other].shape.rank
      if !isAlike {
        for unit in own { subjects[unit] = nil }
        let whole = Unit(position: position, slot: nil)
        subjects[whole] = TensorSubject(info.name, layout)
        common.append((whole, Unit(position: other, slot: nil)))
      } else {
        common += zip(own, theirs)
      }
    }
    for (one, other) in common { others[other] = subjects[one] }
    let surplus = second.indices.filter { !taken.contains($0) && isCompared(second[$0]) }
    var surplusUnits: [Unit] = []
    for position in surplus {
      for unit in units(second[position], position, 1) {
        others[unit] = subject(second[position], unit, 1)
        surplusUnits.append(unit)
      }
    }
    (self.common, self.missing, self.surplus) = (common, missing, surplus)
    comparedCount = count
    (self.subjects, secondSubjects, self.surplusUnits) = (subjects, others, surplusUnits)
  }
}
