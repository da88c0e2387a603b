// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
public import ArgumentParser
import Campaigns
import CheckpointGenerators
import Layouts
public import Safetensors
import StrictJSON
import Tensors

/// The options that the adapter has beside the config.
struct AdapterArguments: ParsableArguments {
  @Option(
    help: "Type of grouped experts, such as bf16 or float32. Default: the config's.",
    transform: elementType)
  var dtype: DType?

  @Option(
    help: "Activation of the experts: swiglu, swigluoai, quick_geglu, geglu, or relu2 (no gate).",
    transform: word)
  var activation = ExpertActivation.swiglu

  @Option(help: "The prefix of keys before 'layers.', or none.", transform: modelPrefix)
  var prefix = ModelPrefix.model

  @Option(
    help: ArgumentHelp(
      "How PEFT laid out fused LoRA factors, where neither shapes nor adapter_config.json tell.",
      valueName: "peft-0.18|peft-0.19.1"),
    transform: word)
  var peftLayout: ParamWrapperLayout?

  /// The planner of a config.
  ///
  /// - Parameter mtp: What becomes of prediction layers, nil for what upstream does.
  /// - Throws: `CommandError` where the layout has no such prefix, or always keeps prediction layers.
  func planner(_ config: ModelConfig, mtp: MTPPolicy? = .preserve) throws -> AdapterPlanner {
    let layout = config.layout
    let known = layout.prefixes
    guard known.contains(prefix.text(in: layout)) else {
      throw CommandError(
        "--prefix: layout \(layout.name) has no keys with '\(prefix.text(in: layout))' in front; it has "
          + known.map { "'\($0)'" }.joined(separator: ", "))
    }
    let isDropped = layout.layers.prediction?.isDroppedOnLoad == true
    guard mtp != .drop || isDropped || config.mtpLayerCount == 0 else {
      throw CommandError(
        "--mtp drop: layout \(layout.name) keeps prediction layers as upstream does")
    }
    let mtp = mtp ?? (isDropped || layout.layers.prediction == nil ? .drop : .preserve)
    let options = AdapterOptions(
      targetDType: dtype ?? config.dtype, activation: activation, prefix: prefix, mtpPolicy: mtp,
      paramWrapperLayout: peftLayout)
    return AdapterPlanner(config, options)
  }
}

/// Reads a value of a closed list as people write it.
func word<Value: RawRepresentable & CaseIterable>(_ text: String) throws -> Value
where Value.RawValue == String {
  let list = WordList(Value.allCases.map(\.rawValue))
  guard let value = list.meaning(of: text).flatMap({ Value(rawValue: $0) }) else {
    throw ValidationError(list.answer(to: text))
  }
  return value
}

/// Reads an element type by its name in safetensors or PyTorch.
private func elementType(_ text: String) throws -> DType {
  let list = WordList(DType.allCases.flatMap { [$0.rawValue, ModelConfig.name(of: $0)] })
  guard let type = ModelConfig.elementType(list.meaning(of: text) ?? text) else {
    throw ValidationError(list.answer(to: text))
  }
  return type
}

/// Reads a prefix as keys have it, or `none`.
private func modelPrefix(_ text: String) throws -> ModelPrefix {
  let list = WordList(ModelPrefix.allCases.map { $0 == .none ? "none" : $0.rawValue })
  guard let known = list.meaning(of: text) else { throw ValidationError(list.answer(to: text)) }
  return ModelPrefix(rawValue: known) ?? .none
}

extension ByteSize: ExpressibleByArgument {
  /// Reads a size such as `2GiB`.
  public init?(argument: String) {
    guard let size = try? ByteSize(argument), size.byteCount > 0 else { return nil }
    self = size
  }
}

/// Refuses a number that an option does not take.
func require(_ option: String, _ number: Int?, in range: ClosedRange<Int>) throws {
  guard let number, !range.contains(number) else { return }
  throw ValidationError(
    "\(option) must be from \(range.lowerBound) to \(range.upperBound), not \(number)")
}

/// Runs a command's work: exit status 1 if it gives false, a message and 2 if it throws.
func runOrExit(_ work: () throws -> Bool) throws {
  defer { AdapterChoice.shutDown() }
  do {
    if try work() { return }
  } catch {
    AdapterChoice.shutDown()
    if let interruption = error as? Interruption { interruption.endProcess() }
    if let code = error as? ExitCode { throw code }
    Console.report("\(error)")
    throw ExitCode(2)
  }
  throw ExitCode(1)
}

/// How many tensors, elements and bytes there are.
struct TensorTotals {
  private(set) var tensorCount = 0
  private(set) var byteCount = 0
  /// Elements by type, in the order in which types turn up.
  private(set) var elementCounts: [(dtype: DType, count: Int)] = []

  init(_ infos: some Sequence<TensorInfo>) throws {
    for info in infos {
      tensorCount += 1
      let bytes = byteCount.addingReportingOverflow(try info.shape.byteCount(of: info.dtype))
      guard !bytes.overflow else {
        throw TensorError.invalidShape(
          extents: info.shape.extents, reason: "the sizes of all tensors overflow 64 bits")
      }
      byteCount = bytes.partialValue
      if let index = elementCounts.firstIndex(where: { $0.dtype == info.dtype }) {
        elementCounts[index].count += info.shape.elementCount
      } else {
        elementCounts.append((info.dtype, info.shape.elementCount))
      }
    }
  }

  /// All elements, whatever their type.
  var parameterCount: Int { elementCounts.reduce(0) { $0 + $1.count } }

  func print(to console: Console) {
    console.print("  \(grouped(tensorCount)) tensors, \(grouped(parameterCount)) parameters")
    let parts = elementCounts.map { "\(grouped($0.count)) \($0.dtype)" }
    console.print("  \(parts.joined(separator: " + ")) elements")
    console.print("  \(grouped(byteCount)) bytes")
  }

  var json: JSONObject {
    [
      "tensors": JSONValue(tensorCount), "parameters": JSONValue(parameterCount),
      "elements": .object(
        JSONObject(elementCounts.map { ($0.dtype.rawValue, JSONValue($0.count)) })),
      "bytes": JSONValue(byteCount),
    ]
  }
}
