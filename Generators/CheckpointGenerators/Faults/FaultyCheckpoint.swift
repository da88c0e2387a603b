// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Adapters
import Layouts
public import Tensors

/// A key that a refusal must name.
public struct Offence: Sendable, Hashable {
  /// The key, there or missing.
  public let name: TensorName
  /// What may be said of it; empty if anything may.
  public let codes: Set<Problem.Code>
}

/// A generated checkpoint, or its native form, with faults made in order.
///
/// Faults never share a layer or a key outside all layers, and one that changes the config stands
/// alone, so what each expects of a refusal stays right whatever the others do.
public struct FaultyCheckpoint: Sendable {
  /// The valid checkpoint, of a spec with the faults to make.
  private let valid: Checkpoint
  /// What the valid checkpoint follows from.
  public var spec: CheckpointSpec { valid.spec }
  /// Which side is at fault.
  public private(set) var side = CheckpointFaultKind.Side.onDisk
  /// The adapter that is given the tensors, whose config a fault may have changed.
  public internal(set) var setup: AdapterSetup
  /// The names of the faults made, in order.
  public private(set) var faults: [String] = []
  /// The faults of the spec that were made, each of the kind that had a place.
  private(set) var made: [CheckpointFault] = []
  /// What is wrong, one text for each fault, in words that continue "a checkpoint whose".
  public private(set) var descriptions: [String] = []
  /// The tensors in order.
  public internal(set) var infos: [TensorInfo] = []
  /// The keys that a refusal must name.
  public internal(set) var offences: [Offence] = []
  /// The valid key whose elements a renamed tensor keeps.
  var origins: [TensorName: TensorName] = [:]
  /// The tensors of which one bit is flipped.
  var flipped: Set<TensorName> = []
  /// The layers and the keys outside layers that faults touched; nil for all.
  var touched: Set<String>? = []
  /// What the faults before the one being made touched; nil for all.
  var taken: Set<String>? = []

  /// The valid checkpoint of a spec, without the spec's faults.
  ///
  /// - Complexity: O(tensors log tensors).
  public init(valid spec: CheckpointSpec, side: CheckpointFaultKind.Side = .onDisk) {
    self.init(valid: Checkpoint(spec), side: side)
  }

  /// A valid checkpoint, without the faults of its spec.
  public init(valid: Checkpoint, side: CheckpointFaultKind.Side = .onDisk) {
    self.valid = valid
    setup = valid.spec.setup
    show(side)
  }

  /// The checkpoint of a spec with the spec's faults. Where the first finds no place, another kind takes
  /// its place, so that no draw is in vain; a second one that finds none is left out.
  public init(_ spec: CheckpointSpec) {
    self.init(Checkpoint(spec))
  }

  /// A checkpoint with the faults of its spec.
  public init(_ valid: Checkpoint) {
    self.init(valid, kinds: CheckpointFaultCatalogue.all)
  }

  init(_ valid: Checkpoint, kinds: [CheckpointFaultKind]) {
    self.init(valid: valid)
    for fault in valid.spec.faults where kinds.indices.contains(fault.kind) {
      for kind in CheckpointFaultCatalogue.order(of: kinds.count, from: fault.kind) {
        let isMade = kinds[kind].apply(to: &self, site: fault.site)
        if isMade { made.append(CheckpointFault(kind: kind, site: fault.site)) }
        if isMade || !faults.isEmpty { break }
      }
    }
  }

  /// A checkpoint for each fault of its spec, which has that fault alone.
  public static func each(of valid: Checkpoint) -> [FaultyCheckpoint] {
    valid.spec.faults.map { fault in
      var single = valid
      single.spec.faults = [fault]
      return FaultyCheckpoint(single)
    }
  }

  /// The names of the faults in one phrase.
  public var kind: String { faults.joined(separator: " and ") }

  /// Whether a fault concerns everything, so that none can be made beside it.
  public var isAlone: Bool { touched == nil }

  /// The keys that a refusal must name.
  public var offending: [TensorName] { offences.map(\.name) }

  /// The tensors; those that the faults left alone have the elements of the valid checkpoint.
  ///
  /// - Parameter onDisk: The valid checkpoint's tensors, made anew if they are not given.
  /// - Throws: `TensorError.outOfMemory`.
  public func stateDict(of onDisk: StateDict? = nil) throws(TensorError) -> StateDict {
    let valid: StateDict
    switch (side, onDisk) {
    case (.native, _): valid = StateDict()
    case (.onDisk, let given?): valid = given
    case (.onDisk, nil): valid = try self.valid.stateDict()
    }
    var result = StateDict(minimumCapacity: infos.count)
    for info in infos {
      let kept = valid[origins[info.name] ?? info.name]
      var tensor: Tensor
      if let kept, kept.dtype == info.dtype, kept.shape == info.shape {
        tensor = kept
      } else {
        tensor = try spec.contents.tensor(info, address: 0)
      }
      if flipped.contains(info.name) {
        let whole = tensor
        tensor = try Tensor(info.dtype, info.shape) { whole.bits(at: $0) ^ ($0 == 0 ? 1 : 0) }
      }
      try result.insert(tensor, named: info.name)
    }
    return result
  }

  /// The findings' subjects do not include these keys, or say something else of them.
  public func unnamed(in error: AdapterError) -> [Offence] {
    var codes: [TensorName: Set<Problem.Code>] = [:]
    for finding in error.problems { codes[finding.subject, default: []].insert(finding.code) }
    return offences.filter { offence in
      guard let found = codes[offence.name] else { return true }
      return !offence.codes.isEmpty && found.isDisjoint(with: offence.codes)
    }
  }
}

extension FaultyCheckpoint {
  private mutating func show(_ side: CheckpointFaultKind.Side) {
    self.side = side
    infos = side == .onDisk ? valid.infos : NativeTensors(spec).infos(of: valid)
  }

  /// A copy to make a fault in, or nil if a fault on the other side was made before.
  func attempt(on side: CheckpointFaultKind.Side) -> FaultyCheckpoint? {
    guard faults.isEmpty || side == self.side else { return nil }
    var copy = self
    if side != self.side { copy.show(side) }
    copy.taken = touched
    copy.touched = []
    return copy
  }

  /// Whether the one fault made in this copy stays clear of those made before.
  func isApart(from before: FaultyCheckpoint) -> Bool {
    if before.faults.isEmpty { return true }
    guard let touched, let others = before.touched else { return false }
    return touched.isDisjoint(with: others)
  }

  /// Accepts the one fault made in this copy.
  mutating func record(_ name: String, _ words: String, after before: FaultyCheckpoint) {
    faults.append(name)
    descriptions.append(words)
    touched = touched.flatMap { own in before.touched.map(own.union) }
  }
}
