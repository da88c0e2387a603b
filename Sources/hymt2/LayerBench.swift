// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Foundation
import Layouts
import StrictJSON
import Tensors

/// The size of a layer.
struct LayerSizes {
  var experts, hidden, intermediate: Int
  var layers = 1
}

/// The times of the conversions of layers, each with that of a plain copy right before.
struct LayerBench {
  private struct Row {
    let name: String
    /// How many bytes are read and written for each that memcpy reads and writes.
    let movedShare: Double
    var seconds: [Double] = []
    var limits: [Double] = []
  }

  let byteCount: Int
  private var rows: [Row] = []
  /// How many times the layer's bytes all tensors take together that are there at once.
  private static let mostCopies = 10

  /// - Parameter isWhole: Whether also casts and conversions into new memory are measured.
  /// - Throws: `CommandError` where the machine has not enough memory for all tensors.
  init(_ layout: Layout, _ layer: LayerSizes, runs: Int, isWhole: Bool) throws {
    var sizes = Dictionary(uniqueKeysWithValues: layout.sizes.map { ($0.symbol, max(1, $0.least)) })
    sizes[SizeSymbol.hidden.rawValue] = layer.hidden
    sizes[SizeSymbol.intermediate.rawValue] = layer.intermediate
    sizes[SizeSymbol.experts.rawValue] = layer.experts
    let config = try ModelConfig(
      layout, sizes: sizes, layerKinds: Array(repeating: .sparse, count: layer.layers))
    let adapter = StateDictAdapter(
      config: config, options: AdapterOptions(completeness: .presentGroups))
    let infos = try config.listing().filter { layout.tensors[$0.rule].isOfExperts }.map(\.info)
    byteCount = try TensorTotals(infos).byteCount
    let most = Int(clamping: ProcessInfo.processInfo.physicalMemory) / Self.mostCopies
    guard byteCount <= most else {
      throw CommandError(
        "the layer is too large for this machine: it has \(byteText(byteCount)), and "
          + "\(byteText(most)) fit \(Self.mostCopies) times; give fewer --experts")
    }
    let plan = try adapter.planner.fromHF(infos)
    let moves = plan.movesByDestination()
    if plan.destinations.indices.allSatisfy({ plan.isUnchanged($0, moves[$0]) }) { return }
    let disk = try StateDict(infos.map { ($0.name, try SyntheticTensor.make($0)) })
    let memory = WarmMemory()
    let native = try adapter.fromHF(disk)
    // Memory never written to is one zero page, which no copy has to fetch.
    let source = try SyntheticTensor.make(TensorInfo("source", .u8, Shape([byteCount])))
    var target = try ByteBuffer(count: byteCount)
    func measure(_ name: String, moved: Double = 1, _ work: () throws -> StateDict?) throws {
      try add(Row(name: name, movedShare: moved), runs, copying: source, to: &target, work)
    }
    try measure("memcpy") { nil }
    if isWhole {
      try measure("fromHF new") { try adapter.fromHF(disk) }
      try measure("toHF new") { try adapter.toHF(native) }
    }
    try measure("fromHF") { try adapter.fromHF(disk, memory: memory) }
    try measure("toHF") { try adapter.toHF(native, memory: memory) }
    guard isWhole else { return }
    var options = adapter.planner.options
    options.targetDType = .f32
    let casting = StateDictAdapter(config: config, options: options)
    // Half as many bytes are written or read as in float32.
    try measure("to F32", moved: 1.5) { try casting.fromHF(disk, memory: memory) }
    let wide = try StateDict(
      infos.map { ($0.name, try SyntheticTensor.make(TensorInfo($0.name, .f32, $0.shape))) })
    try measure("to BF16", moved: 1.5) { try adapter.fromHF(wide, memory: memory) }
  }

  /// Adds the times of some runs after one more; a result is released before the next run.
  private mutating func add(
    _ row: Row, _ runs: Int, copying source: Tensor, to target: inout ByteBuffer,
    _ work: () throws -> StateDict?
  ) throws {
    var row = row
    for run in 0...runs {
      let copySeconds = Self.copySeconds(source, &target)
      let start = ContinuousClock.now
      let result = try work()
      let seconds = result == nil ? copySeconds : (.now - start) / .seconds(1)
      withExtendedLifetime(result) {}
      guard run > 0 else { continue }
      row.seconds.append(seconds)
      row.limits.append(row.movedShare * copySeconds / seconds)
    }
    rows.append(row)
  }

  /// The seconds in which all threads copy one share each.
  private static func copySeconds(_ source: Tensor, _ target: inout ByteBuffer) -> Double {
    let count = target.count
    let threads = ParallelWork.workerCount(nil)
    let start = ContinuousClock.now
    // Both buffers have this size, nothing else holds the target, and shares do not overlap.
    unsafe source.withUnsafeBytes { (from: UnsafeRawBufferPointer) in
      unsafe target.withUnsafeMutableBytes { (to: UnsafeMutableRawBufferPointer) in
        nonisolated(unsafe) let (from, to) = unsafe (from, to)
        ParallelWork.run(count: threads) { thread in
          let share = count * thread / threads..<count * (thread + 1) / threads
          unsafe UnsafeMutableRawBufferPointer(rebasing: to[share])
            .copyMemory(from: UnsafeRawBufferPointer(rebasing: from[share]))
        }
      }
    }
    return (.now - start) / .seconds(1)
  }

  func report(to console: Console) {
    guard !rows.isEmpty else {
      return console.print("MoE layer: nothing is converted, its experts are natively as on disk")
    }
    console.print("MoE layer, \(byteText(byteCount)), median of the runs")
    for row in rows {
      console.print(
        "  \(row.name.padded(to: 10)) \(Self.text(Self.median(row.seconds))) s  "
          + "\(Self.text(rate(row))) GB/s  \(Self.text(Self.median(row.limits))) of memcpy"
          + (row.movedShare == 1 ? "" : " for the bytes read and written"))
    }
  }

  /// The share of memcpy's speed and 10^9 bytes of the layer a second, of a conversion by its name.
  func result(_ name: String) -> (ofLimit: Double, rate: Double)? {
    rows.first { $0.name == name }.map { (Self.median($0.limits), rate($0)) }
  }

  private func rate(_ row: Row) -> Double {
    Double(byteCount) / Self.median(row.seconds) / 1e9
  }

  var json: JSONObject {
    func object(_ value: (Row) -> Double) -> JSONValue {
      .object(JSONObject(rows.map { ($0.name, JSONValue(value($0))) }))
    }
    return [
      "bytes": JSONValue(byteCount), "seconds": object { Self.median($0.seconds) },
      "ofMemcpy": object { Self.median($0.limits) },
    ]
  }

  private static func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

  static func text(_ value: Double) -> String {
    let thousandths = Int((value * 1000).rounded())
    let fraction = String(thousandths % 1000)
    return "\(thousandths / 1000)." + String(repeating: "0", count: 3 - fraction.count) + fraction
  }
}

/// How the speed changes with the number of experts, their size and the number of layers.
struct GrowthBench {
  private var rows: [(name: String, bench: LayerBench)] = []

  init(_ layout: Layout, _ whole: LayerSizes, runs: Int) throws {
    for share in [64, 16, 4, 1] {
      var sizes = whole
      sizes.experts = max(1, whole.experts / share)
      rows.append(
        ("experts \(sizes.experts)", try LayerBench(layout, sizes, runs: runs, isWhole: false)))
    }
    for share in [16, 4, 1] {
      var sizes = whole
      (sizes.experts, sizes.hidden) = (max(1, whole.experts / 4), max(1, whole.hidden / share))
      rows.append(
        ("hidden \(sizes.hidden)", try LayerBench(layout, sizes, runs: runs, isWhole: false)))
    }
    for layers in [1, 4, 16] {
      var sizes = whole
      (sizes.experts, sizes.layers) = (max(1, whole.experts / 16), layers)
      rows.append(("layers \(layers)", try LayerBench(layout, sizes, runs: runs, isWhole: false)))
    }
  }

  func report(to console: Console) {
    console.print("growth: fromHF into warm memory")
    for (name, bench) in rows {
      guard let (ofLimit, rate) = bench.result("fromHF") else { continue }
      console.print(
        "  \(name.padded(to: 12)) \(byteText(bench.byteCount).padded(to: 9)) "
          + "\(LayerBench.text(rate)) GB/s  \(LayerBench.text(ofLimit)) of memcpy  "
          + String(repeating: "▇", count: min(40, Int(ofLimit * 20))))
    }
  }

  var json: JSONValue {
    .array(rows.map { .object(["name": .string($0.name)] + $0.bench.json) })
  }
}

extension String {
  /// The text with spaces after it up to a width.
  func padded(to width: Int) -> String {
    self + String(repeating: " ", count: max(0, width - count))
  }
}
