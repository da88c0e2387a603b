// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Safetensors
import StrictJSON
import Tensors

/// What the `adapter_config.json` of PEFT says of a folder's low-rank factors; nothing where there is none.
struct PeftAdapter {
  /// Whether the folder holds an adapter alone.
  let isAdapter: Bool
  /// The tensors, under the names that the layout gives fused factors.
  let infos: [TensorInfo]
  /// The planner, told by the config how factors are laid out where shapes do not tell.
  let planner: AdapterPlanner
  private let config: JSONObject?

  init(_ folder: CheckpointFolder, _ planner: AdapterPlanner) throws {
    isAdapter = folder.shards.map(\.name) == [CheckpointFolder.adapterFileName]
    guard folder.otherFiles.contains(CheckpointFolder.adapterConfigFileName) else {
      (infos, self.planner, config) = (folder.infos, planner, nil)
      return
    }
    let path = "\(folder.path)/\(CheckpointFolder.adapterConfigFileName)"
    let config: JSONObject
    do {
      let json = try JSONValue(parsing: fileBytes(path), acceptsNonFinite: true)
      config = try JSONField(json).object()
    } catch {
      throw CommandError("\(path): \(error)")
    }
    self.config = config
    infos = Self.renamed(folder.infos, config, planner.config.layout)
    var options = planner.options
    if options.paramWrapperLayout == nil, let version = config["peft_version"]?.stringValue,
      Self.isUndecided(infos, planner)
    {
      options.paramWrapperLayout = Self.layout(of: version)
      self.planner = AdapterPlanner(planner.config, options)
    } else {
      self.planner = planner
    }
  }

  /// PEFT wraps the parameters of a module one in the other, the first innermost: where it wraps only the
  /// first, its factors have the names of the second's.
  private static func renamed(
    _ infos: [TensorInfo], _ config: JSONObject, _ layout: Layout
  ) -> [TensorInfo] {
    let targets = (config["target_parameters"]?.arrayValue ?? []).compactMap(\.stringValue)
    let first = layout.lora.first.map { layout.groups[$0.group] }
    let innermost = (first?.parts ?? []).compactMap { layout.tensors[$0].part }
    guard layout.lora.count > 1, !targets.isEmpty, !innermost.isEmpty,
      targets.allSatisfy({ target in innermost.contains { target.contains($0.rawValue) } })
    else { return infos }
    let outermost = layout.lora.count - 1
    return infos.map { info in
      guard case .fusedFactor(outermost, let isA) = LenientKey(info.name, layout).subject else {
        return info
      }
      let factor = "lora_\(isA ? "A" : "B").weight"
      let wrapper = String(repeating: "base_layer.", count: outermost)
      let name = TensorName(info.name.text.dropLast(factor.utf8.count) + wrapper + factor)
      return TensorInfo(name, info.dtype, info.shape)
    }
  }

  /// Whether shapes fit both layouts.
  private static func isUndecided(_ infos: [TensorInfo], _ planner: AdapterPlanner) -> Bool {
    guard planner.hasFusedFactors(infos) else { return false }
    do {
      _ = try planner.fromHF(infos)
      return false
    } catch {
      return error.problems.contains { $0.code == .ambiguousLoRALayout }
    }
  }

  /// The layout that a version writes: 0.19 exchanged the factors.
  private static func layout(of version: String) -> ParamWrapperLayout? {
    let numbers = version.split(separator: ".").prefix(2).compactMap { Int($0) }
    guard numbers.count == 2 else { return nil }
    return (numbers[0], numbers[1]) >= (0, 19) ? .modern : .legacy
  }

  /// The text of a file of the folder that what is written has in another form: factors of single experts
  /// belong to modules, and to no parameter of all experts.
  func config(_ name: String, of plan: ConversionPlan) throws -> [UInt8]? {
    guard name == CheckpointFolder.adapterConfigFileName, var config else { return nil }
    let modules = Self.expertModules(plan.destinations)
    guard !modules.isEmpty else { return nil }
    let parameters = (config["target_parameters"]?.arrayValue ?? []).filter {
      $0.stringValue?.contains("experts") != true
    }
    config["target_parameters"] = parameters.isEmpty ? .null : .array(parameters)
    // A text is a regular expression, which only its author can extend.
    if config["target_modules"]?.stringValue == nil {
      let known = config["target_modules"]?.arrayValue ?? []
      let others = modules.map { JSONValue.string($0) }.filter { !known.contains($0) }
      config["target_modules"] = .array(known + others)
    }
    return JSONValue.object(config).bytes(.python)
  }

  /// The modules of single experts that have factors, such as `up_proj`, in alphabetic order.
  private static func expertModules(_ infos: [TensorInfo]) -> [String] {
    var modules: [String] = []
    for info in infos where info.name.text.hasSuffix(".lora_A.weight") {
      let parts = info.name.text.split(separator: ".").dropLast(2).suffix(2).map { String($0) }
      guard parts.count == 2, Int(parts[0]) != nil, !modules.contains(parts[1]) else { continue }
      modules.append(parts[1])
    }
    return modules.sorted()
  }
}
