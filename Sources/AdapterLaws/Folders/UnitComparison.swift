// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Synchronization
import Tensors

/// The comparison of two checkpoints' data, tensor by tensor.
struct UnitComparison {
  typealias Unit = UnitPairing.Unit

  let first, second: CheckpointDiff.Side
  let pairing: UnitPairing
  let threads: Int?

  /// A tensor that differs, with what was found.
  struct Examined {
    let unit: Int
    var difference: CheckpointDiff.Difference
    var scan: ElementScan?
    /// What is wrong with the arrangement of its elements, if that explains all.
    var arrangement: Diagnosis.Fault?
  }

  /// Files that are compared as they are, are compared in pieces.
  private static let pieceByteCount = 32 << 20
  /// Larger tensors are not shown element by element.
  private static let mostShownElements = 4 << 20
  /// Larger tensors are not looked at as a whole.
  private static let largestWholeByteCount = 64 << 20

  func tensor(ofFirst unit: Unit, _ elements: Range<Int>? = nil) throws -> Tensor {
    try first.view.tensor(unit.position, at: unit.slot, elements: elements, source: first.source)
  }

  func tensor(ofSecond unit: Unit, _ elements: Range<Int>? = nil) throws -> Tensor {
    try second.view.tensor(unit.position, at: unit.slot, elements: elements, source: second.source)
  }

  /// The types and shapes of a common unit.
  private func infos(of unit: Int) -> (first: TensorInfo, second: TensorInfo) {
    let (one, other) = pairing.common[unit]
    return (
      first.view.infos[one.position].slice(one), second.view.infos[other.position].slice(other)
    )
  }

  /// The positions among the common units of those that differ.
  func different(_ progress: @escaping @Sendable (Int) -> Void) throws -> [Int] {
    struct Task {
      let unit: Int
      var elements: Range<Int>?
    }
    var tasks: [Task] = []
    for (number, (one, other)) in pairing.common.enumerated() {
      let (info, found) = (first.view.infos[one.position], second.view.infos[other.position])
      let isMapped =
        first.view.source(of: one.position) != nil && second.view.source(of: other.position) != nil
      let count = info.shape.elementCount
      let piece = Self.pieceByteCount / info.dtype.byteCount
      guard isMapped, one.slot == nil, info.dtype == found.dtype, info.shape == found.shape,
        count > piece
      else {
        tasks.append(Task(unit: number))
        continue
      }
      for start in stride(from: 0, to: count, by: piece) {
        tasks.append(Task(unit: number, elements: start..<min(start + piece, count)))
      }
    }
    let result = Mutex<Set<Int>>([])
    let work = tasks
    try ParallelWork.tryRun(count: work.count, threads: threads) { number in
      let task = work[number]
      let (one, other) = pairing.common[task.unit]
      let (info, found) = infos(of: task.unit)
      guard info.dtype == found.dtype, info.shape == found.shape else {
        result.withLock { _ = $0.insert(task.unit) }
        return
      }
      let a = try tensor(ofFirst: one, task.elements)
      let b = try tensor(ofSecond: other, task.elements)
      if a != b { result.withLock { _ = $0.insert(task.unit) } }
      progress(a.byteCount)
    }
    return result.withLock { $0.sorted() }
  }

  /// The units of the first checkpoint whose elements the second has under another name, by the units that
  /// have them there.
  ///
  /// - Parameter different: The common units that differ; surplus ones are looked at as well.
  func origins(of different: [Int]) throws -> [Unit: Unit] {
    let strangers = different.map { pairing.common[$0].second } + pairing.surplusUnits
    guard !strangers.isEmpty else { return [:] }
    let kinds = Set(strangers.map { kind(second.view.infos[$0.position], $0) })
    let candidates = pairing.subjects.keys.filter {
      kinds.contains(kind(first.view.infos[$0.position], $0))
    }.sorted { ($0.position, $0.slot ?? 0) < ($1.position, $1.slot ?? 0) }
    let known = Mutex<[UInt64: [Unit]]>([:])
    try ParallelWork.tryRun(count: candidates.count, threads: threads) { number in
      let unit = candidates[number]
      guard let print = try fingerprint(first, unit) else { return }
      known.withLock { $0[print, default: []].append(unit) }
    }
    let index = known.withLock { $0 }
    let result = Mutex<[Unit: Unit]>([:])
    try ParallelWork.tryRun(count: strangers.count, threads: threads) { number in
      let unit = strangers[number]
      guard let print = try fingerprint(second, unit), let units = index[print] else { return }
      let tensor = try tensor(ofSecond: unit)
      for candidate in sorted(units, near: unit).prefix(8) {
        let other = try self.tensor(ofFirst: candidate)
        guard other.dtype == tensor.dtype, other == tensor else { continue }
        return result.withLock { $0[unit] = candidate }
      }
    }
    return result.withLock { $0 }
  }

  private struct Kind: Hashable {
    let dtype: DType
    let extents: [Int]
  }

  private func kind(_ info: TensorInfo, _ unit: Unit) -> Kind {
    Kind(
      dtype: info.dtype,
      extents: unit.slot == nil ? info.shape.extents : Array(info.shape.extents.dropFirst()))
  }

  /// Those that are likeliest meant first: of the same layer and kind, then of the same kind.
  private func sorted(_ units: [Unit], near unit: Unit) -> [Unit] {
    let own = pairing.secondSubjects[unit]
    func distance(_ other: Unit) -> Int {
      guard let subject = pairing.subjects[other] else { return 4 }
      return (subject.kind == own?.kind ? 0 : 1) + (subject.layer == own?.layer ? 0 : 2)
    }
    return units.sorted {
      (distance($0), $0.position, $0.slot ?? 0) < (distance($1), $1.position, $1.slot ?? 0)
    }
  }

  /// A number that equal tensors share, from elements spread over the data; nil where those are all the same.
  private func fingerprint(_ side: CheckpointDiff.Side, _ unit: Unit) throws -> UInt64? {
    let count = side.view.infos[unit.position].slice(unit).shape.elementCount
    guard count > 1 else { return nil }
    let samples = min(count, 64)
    // What is as it is in a file is not read for a few elements.
    let whole =
      side.view.source(of: unit.position) == nil
      ? try side.view.tensor(unit.position, at: unit.slot, source: side.source) : nil
    func bits(_ sample: Int) throws -> UInt64 {
      let place = sample * (count / samples)
      if let whole { return whole.bits(at: place) }
      return try side.view.tensor(
        unit.position, at: unit.slot, elements: place..<place + 1, source: side.source
      ).bits(at: 0)
    }
    let first = try bits(0)
    var (hash, isConstant): (UInt64, Bool) = (UInt64(count), true)
    for sample in 0..<samples {
      let bits = try bits(sample)
      isConstant = isConstant && bits == first
      hash = (hash ^ bits) &* 0x0000_0100_0000_01b3
      hash ^= hash >> 29
    }
    return isConstant ? nil : hash
  }
}

/// What differs within tensors.
extension UnitComparison {
  /// What differs in each of the units, in their order.
  func examine(_ different: [Int], _ origins: [Unit: Unit]) throws -> [Examined] {
    let results = Mutex<[Int: Examined]>([:])
    try ParallelWork.tryRun(count: different.count, threads: threads) { number in
      let unit = different[number]
      let examined = try examine(unit, origin: origins[pairing.common[unit].second])
      results.withLock { $0[number] = examined }
    }
    return results.withLock { results in different.indices.compactMap { results[$0] } }
  }

  private func examine(_ unit: Int, origin: Unit?) throws -> Examined {
    let (one, other) = pairing.common[unit]
    let (info, found) = infos(of: unit)
    func result(_ kind: TensorMismatch.Kind) -> Examined {
      Examined(
        unit: unit,
        difference: CheckpointDiff.Difference(
          name: info.name, slot: one.slot == nil ? nil : pairing.subjects[one]?.expert,
          expected: info, found: found, kind: kind))
    }
    let isWhole = info.byteCount <= Self.largestWholeByteCount
    func arrangement(_ find: (Tensor, Tensor) -> Diagnosis.Fault?) throws -> Diagnosis.Fault? {
      isWhole ? find(try tensor(ofFirst: one), try tensor(ofSecond: other)) : nil
    }
    if let origin, let subject = pairing.subjects[origin] {
      var moved = result(.elements)
      moved.difference.count = info.shape.elementCount
      moved.difference.origin = "the elements of \(subject.text)"
      return moved
    }
    guard info.shape == found.shape else {
      var reshaped = result(.shape)
      if info.shape.extents == found.shape.extents.reversed(), info.dtype == found.dtype {
        reshaped.arrangement = try arrangement { a, b in
          a.transposed == b
            ? .transposed(isSquare: false)
            : a.bytes.isEqual(to: b.bytes) ? .reshapedInsteadOfTransposed : nil
        }
      }
      return reshaped
    }
    let (scan, lossy) = try scan(unit, info, found)
    var examined = result(
      info.dtype == found.dtype ? (scan.isZeroed ? .zeroed : .elements) : .dtype)
    examined.difference.count = scan.count
    examined.difference.bounds = scan.bounds
    examined.difference.ulps = scan.ulps
    examined.difference.lossy = lossy
    examined.difference.first = scan.mismatches(TensorMismatch.listed)
    examined.scan = scan
    if info.dtype == found.dtype, scan.count > 0 {
      let isFused = pairing.subjects[one]?.kind.isGateAndUp == true
      examined.arrangement = try arrangement { Self.arrangement($0, $1, isFused: isFused) }
    }
    return examined
  }

  /// What differs after a cast to the type of the second, and what the cast itself changes.
  private func scan(
    _ unit: Int, _ info: TensorInfo, _ found: TensorInfo
  ) throws -> (scan: ElementScan, lossy: Int?) {
    let (one, other) = pairing.common[unit]
    let (from, to) = (info.dtype, found.dtype)
    var scan = ElementScan(to, found.shape)
    guard from == to || Cast.isSupported(from: from, to: to) else { return (scan, nil) }
    var lossy: Int? = from != to && Cast.isSupported(from: to, to: from) ? 0 : nil
    // What is made for the comparison is made once.
    let made = (
      first.view.source(of: one.position) == nil ? try tensor(ofFirst: one) : nil,
      second.view.source(of: other.position) == nil ? try tensor(ofSecond: other) : nil
    )
    let width = max(1, info.shape.extents.last ?? 1)
    let step = max(1, ElementScan.chunk / width) * width
    for start in stride(from: 0, to: info.shape.elementCount, by: step) {
      let range = start..<min(start + step, info.shape.elementCount)
      let own = try made.0?.elements(range) ?? tensor(ofFirst: one, range)
      let theirs = try made.1?.elements(range) ?? tensor(ofSecond: other, range)
      guard let cast = own.cast(to: to) else { continue }
      scan.add(expected: cast, found: theirs, at: start)
      if let known = lossy, let back = cast.cast(to: from) {
        lossy = known + ElementScan(expected: own, found: back).count
      }
    }
    return (scan, lossy)
  }

  /// How elements were rearranged, if that explains all.
  ///
  /// - Parameter isFused: Whether gate and up are one matrix.
  private static func arrangement(_ a: Tensor, _ b: Tensor, isFused: Bool) -> Diagnosis.Fault? {
    guard a.shape.rank == 2 else { return nil }
    if a.shape[0] == a.shape[1], a.transposed == b { return .transposed(isSquare: true) }
    // Gate and up lie along either axis.
    guard isFused else { return nil }
    let half = a.byteCount / 2
    if a.shape[0].isMultiple(of: 2),
      a.bytes.extracting(0..<half).isEqual(to: b.bytes.extracting(half..<2 * half)),
      a.bytes.extracting(half..<2 * half).isEqual(to: b.bytes.extracting(0..<half))
    {
      return .halvesExchanged
    }
    guard a.shape[1].isMultiple(of: 2), let left = a.transposed, let right = b.transposed,
      left.bytes.extracting(0..<half).isEqual(to: right.bytes.extracting(half..<2 * half)),
      left.bytes.extracting(half..<2 * half).isEqual(to: right.bytes.extracting(0..<half))
    else { return nil }
    return .halvesExchanged
  }

  /// The elements of a unit that differ, where they can be shown.
  func mismatch(_ unit: Int) throws -> TensorMismatch? {
    let (one, other) = pairing.common[unit]
    let info = first.view.infos[one.position].slice(one)
    guard info.shape.elementCount <= Self.mostShownElements else { return nil }
    return TensorMismatch(
      info.name, expected: try tensor(ofFirst: one), found: try tensor(ofSecond: other))
  }
}

extension TensorInfo {
  fileprivate var byteCount: Int { (try? shape.byteCount(of: dtype)) ?? .max }

  /// The same without the axis of experts, where a unit is one of them.
  fileprivate func slice(_ unit: UnitPairing.Unit) -> TensorInfo {
    guard unit.slot != nil, let shape = try? Shape(Array(shape.extents.dropFirst())) else {
      return self
    }
    return TensorInfo(name, dtype, shape)
  }
}

extension TensorSubject {
  /// The tensor in words, such as `up_proj of expert 2 in layer 3`.
  var text: String {
    word + (expert.map { " of expert \($0)" } ?? "") + (layer.map { " in layer \($0)" } ?? "")
  }
}
