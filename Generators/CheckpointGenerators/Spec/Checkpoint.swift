// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
public import Tensors

/// The tensors on disk that a spec describes.
public struct Checkpoint: Sendable {
  /// What the checkpoint follows from.
  public internal(set) var spec: CheckpointSpec
  /// The tensors in schema order, in which addresses of elements count up.
  public let schema: [TensorInfo]
  /// The positions in `schema` in the order of the keys on disk.
  public let order: [Int]

  /// Lists the tensors of a spec.
  ///
  /// - Complexity: O(tensors log tensors).
  public init(_ spec: CheckpointSpec) {
    self.spec = spec
    schema = CheckpointTensors(spec).infos()
    order = spec.keyOrder.arranged(schema.map(\.name))
  }

  /// The keys that no rule of the layout knows, which pass through under their own names.
  public var bystanders: [TensorName] { spec.bystanderInfos.map(\.name) }

  /// The tensors in the order of the keys on disk.
  public var infos: [TensorInfo] { order.map { schema[$0] } }

  /// The tensors with the spec's contents, or others, in the order of the keys on disk.
  ///
  /// The A factors of an expert's parts of one group are the same, because native form has one for all,
  /// and rows that native form has not are zero.
  ///
  /// - Throws: `TensorError.outOfMemory`.
  public func stateDict(_ contents: TensorContents? = nil) throws(TensorError) -> StateDict {
    let result = try TensorContents.stateDict(
      infos, contents: contents ?? spec.contents, addresses: addresses)
    let repeated = CheckpointTensors(spec).repeatedFactors()
    let cropped = CheckpointTensors(spec).croppedTensors()
    guard !repeated.isEmpty || !cropped.isEmpty else { return result }
    return try StateDict(
      result.map { name, tensor throws(TensorError) in
        guard let count = cropped[name] else {
          return (name, repeated[name].flatMap { result[$0] } ?? tensor)
        }
        let bits = { $0 < count ? tensor.bits(at: $0) : 0 }
        return (name, try Tensor(tensor.dtype, tensor.shape, bits: bits))
      })
  }

  /// The address of each tensor's first element, in the order of the keys on disk.
  public var addresses: [UInt64] {
    var next: UInt64 = 0
    let inSchema = schema.map { info in
      defer { next += UInt64(info.shape.elementCount) }
      return next
    }
    return order.map { inSchema[$0] }
  }
}
