// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Adapters
public import ArgumentParser
public import Safetensors
import StrictJSON
public import Tensors

/// Which upstream adapter is meant; both have one layout on disk.
struct AdapterArguments: ParsableArguments {
  @Option(help: "Type of grouped experts, as safetensors names it. Default: as the command says.")
  var dtype: DType?

  @Option(
    help: "Activation of the experts: swiglu, swigluoai, quick_geglu, geglu, or relu2 (no gate).")
  var activation = ExpertActivation.swiglu

  @Option(help: "What stands before 'layers.' in the keys.")
  var prefix = ModelPrefix.model

  /// The options of the adapter.
  func options(targetDType: DType, mtp: MTPPolicy) -> AdapterOptions {
    AdapterOptions(
      targetDType: dtype ?? targetDType, activation: activation, prefix: prefix, mtpPolicy: mtp)
  }
}

extension DType: ExpressibleByArgument {}
extension ExpertActivation: ExpressibleByArgument {}
extension MTPPolicy: ExpressibleByArgument {}
extension ByteSize: ExpressibleByArgument {
  /// Reads a size such as `2GiB`.
  public init?(argument: String) {
    guard let size = try? ByteSize(argument), size.byteCount > 0 else { return nil }
    self = size
  }
}
extension ModelPrefix: ExpressibleByArgument {
  /// Accepts the prefix as it stands in keys, or `none`.
  public init?(argument: String) {
    self.init(rawValue: argument == "none" ? "" : argument)
  }
}

/// Runs a command's work; what it throws becomes a message and exit status 2.
func runOrExit(_ work: () throws -> Bool) throws {
  let holds: Bool
  do {
    holds = try work()
  } catch let error as ValidationError {
    throw error
  } catch let error as CleanExit {
    throw error
  } catch {
    Console.report("\(error)")
    throw ExitCode(2)
  }
  if !holds { throw ExitCode(1) }
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
    console.print("  \(countText(tensorCount)) tensors, \(countText(parameterCount)) parameters")
    let parts = elementCounts.map { "\(countText($0.count)) \($0.dtype)" }
    console.print("  \(parts.joined(separator: " + ")) elements")
    console.print("  \(countText(byteCount)) bytes")
  }

  var json: [(String, JSONValue)] {
    [
      ("tensors", JSONValue(tensorCount)), ("parameters", JSONValue(parameterCount)),
      (
        "elements",
        .object(JSONObject(elementCounts.map { ($0.dtype.rawValue, JSONValue($0.count)) }))
      ),
      ("bytes", JSONValue(byteCount)),
    ]
  }
}
