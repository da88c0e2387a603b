// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import AdapterLaws
internal import Adapters
public import CheckpointGenerators
public import Layouts
internal import Synchronization
public import Tensors

/// Compares an adapter with the reference adapter on a whole checkpoint, layer by layer, so that a
/// checkpoint larger than memory can be compared.
///
/// Each layer is given to the adapter as a part of the model, and so are the tensors outside of layers.
public struct LayerwiseVerification: Sendable {
  /// The tensors of one layer, or those outside of layers.
  public struct Part: Sendable, Hashable {
    /// The layer, nil for the tensors outside of layers.
    public let layer: Int?
    /// Positions in the checkpoint's tensors, in their order.
    public let sources: [Int]
    /// The size of the tensors on disk, in bytes.
    public let byteCount: Int

    /// The text shown to people.
    public var title: String { layer.map { "layer \($0)" } ?? "outside of layers" }

    /// The parts of a checkpoint in the order of their layers, the tensors outside of layers first.
    ///
    /// - Throws: `TensorError` if sizes overflow.
    public static func of(_ infos: [TensorInfo], _ layout: Layout) throws(TensorError) -> [Part] {
      var parts: [Part] = []
      let positions = Dictionary(grouping: infos.indices) {
        LenientKey(infos[$0].name, layout).layer
      }
      for (layer, sources) in positions.sorted(by: { ($0.key ?? -1) < ($1.key ?? -1) }) {
        var byteCount = 0
        for source in sources {
          byteCount += try infos[source].shape.byteCount(of: infos[source].dtype)
        }
        parts.append(Part(layer: layer, sources: sources, byteCount: byteCount))
      }
      return parts
    }
  }

  /// One conversion of a part that gave something else than the reference adapter's.
  public struct Disagreement: Sendable, Hashable {
    /// The part, as ``Part/title`` has it.
    public let part: String
    /// Whether saving differs; otherwise loading does.
    public let isSaving: Bool
    /// What differs, in lines.
    public let lines: [String]
  }

  /// What came out.
  public struct Summary: Sendable {
    /// The parts that were converted both ways.
    public var partCount = 0
    /// Conversions that differ, in the order of the parts.
    public var disagreements: [Disagreement] = []
    /// What the adapter does wrong, in the words of the diagnosis, each cause once for all parts.
    public let findings: DiffCauses.Findings

    /// Conversions to native form that differ.
    public var loads: [Disagreement] { disagreements.filter { !$0.isSaving } }
    /// Conversions back that differ.
    public var saves: [Disagreement] { disagreements.filter(\.isSaving) }
  }

  private let adapter: any AdapterUnderTest
  private let setup: AdapterSetup
  private let infos: [TensorInfo]
  private let parts: [Part]

  /// Creates a verification of a checkpoint.
  ///
  /// - Parameters:
  ///   - setup: What the adapter is made for; each part is a part of the model only.
  ///   - infos: The checkpoint's tensors, which the reference adapter accepts.
  ///   - parts: What to convert, as ``Part/of(_:)`` gives it.
  public init(
    _ adapter: any AdapterUnderTest, _ setup: AdapterSetup, _ infos: [TensorInfo], _ parts: [Part]
  ) {
    self.adapter = adapter
    self.setup = setup.ofParts
    self.infos = infos
    self.parts = parts
  }

  /// Converts each part both ways.
  ///
  /// - Parameters:
  ///   - threads: How many parts are in work at a time.
  ///   - source: Gives the tensor at a position of the checkpoint's; called from any thread.
  ///   - progress: Called with the bytes of each part that is done; from any thread.
  /// - Throws: The first error of `source` or of the reference adapter, or `CancellationError`.
  public func run(
    threads: Int, source: @escaping @Sendable (Int) throws -> Tensor,
    progress: @Sendable (_ byteCount: Int) -> Void = { _ in }
  ) throws -> Summary {
    let found = Mutex<[Int: [(Disagreement, DiffCauses)]]>([:])
    try ParallelWork.tryRun(count: parts.count, threads: threads) { index in
      let result = try convert(parts[index], source)
      found.withLock { $0[index] = result }
      progress(parts[index].byteCount)
    }
    let results = found.withLock { found in parts.indices.compactMap { found[$0] } }
    let all = results.flatMap(\.self)
    var causes = DiffCauses()
    for (_, own) in all { causes.add(own) }
    return Summary(
      partCount: results.count, disagreements: all.map(\.0),
      findings: causes.findings(setup.config, of: infos))
  }

  private func convert(
    _ part: Part, _ source: @Sendable (Int) throws -> Tensor
  ) throws -> [(Disagreement, DiffCauses)] {
    let onDisk = try StateDict(part.sources.map { (infos[$0].name, try source($0)) })
    let reference = ReferenceAdapter().session(for: setup)
    let native = try reference.fromHF(onDisk, nil)
    let cast = Set(native.infos.filter { hasCast($0, onDisk) }.map(\.name))
    let saved = try reference.toHF(native, excluding: "", nil)
    let session = Result { try adapter.session(for: setup) }
    let found = [
      try compare(part, isSaving: false, with: native, castTensors: cast) {
        try session.get().fromHF(onDisk, nil)
      },
      try compare(part, isSaving: true, with: saved) {
        try session.get().toHF(native, excluding: "", nil)
      },
    ]
    return found.compactMap(\.self)
  }

  /// Whether a native tensor is a group of another type than its parts on disk.
  private func hasCast(_ native: TensorInfo, _ onDisk: StateDict) -> Bool {
    let layout = setup.config.layout
    guard case .group(let group) = LenientKey(native.name, layout).subject else { return false }
    return onDisk.infos.contains { info in
      guard info.dtype != native.dtype,
        case .tensor(let rule) = LenientKey(info.name, layout).subject
      else { return false }
      return layout.groups[group].parts.contains(rule)
    }
  }

  private func compare(
    _ part: Part, isSaving: Bool, with expected: StateDict, castTensors: Set<TensorName> = [],
    _ conversion: () throws -> StateDict
  ) throws -> (Disagreement, DiffCauses)? {
    let lines: [String]
    let causes: DiffCauses
    let direction: Diagnosis.Direction = isSaving ? .toHF : .fromHF
    do {
      let found = try conversion()
      guard let mismatch = Mismatch(expected: expected, found: found, castTensors: castTensors)
      else { return nil }
      lines = mismatch.description.split(separator: "\n").map(String.init)
      causes = DiffCauses(
        mismatch, expected: expected, found: found, setup, isNative: !isSaving,
        direction: direction)
    } catch let cancellation as CancellationError {
      throw cancellation
    } catch {
      lines = [error is Misbehaviour ? "\(error)" : "refused: \(error)"]
      causes = DiffCauses(error, layer: part.layer, direction: direction)
    }
    return (Disagreement(part: part.title, isSaving: isSaving, lines: lines), causes)
  }
}

extension AdapterSetup {
  /// The same for parts of the model.
  fileprivate var ofParts: AdapterSetup {
    var setup = self
    setup.options.completeness = .presentGroups
    return setup
  }
}
