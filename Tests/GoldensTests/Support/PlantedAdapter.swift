// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import CheckpointGenerators
import Layouts
import Tensors

/// The reference adapter with one fault, for any checkpoint.
struct PlantedAdapter: AdapterUnderTest {
  /// What the adapter does in the place of the reference adapter's conversion.
  struct Fault: Sendable {
    var load: @Sendable (Call) throws -> StateDict = { try $0.right() }
    var save: @Sendable (Call) throws -> StateDict = { try $0.right() }
  }

  /// A conversion that is asked for.
  struct Call {
    let setup: AdapterSetup
    let input: StateDict
    let excluding: String
    let parallelism: ExpertParallelism?
    let kind: Kind

    enum Kind { case load, save, stream }

    /// What the reference adapter gives, of another input, setup or rank if need be.
    func right(
      of other: StateDict? = nil, setup otherSetup: AdapterSetup? = nil,
      excluding otherPattern: String? = nil, rank: ExpertParallelism? = nil
    ) throws -> StateDict {
      let session = ReferenceAdapter().session(for: otherSetup ?? setup)
      let (input, excluding) = (other ?? self.input, otherPattern ?? self.excluding)
      return switch kind {
      case .load: try session.fromHF(input, rank ?? parallelism)
      case .save: try session.toHF(input, excluding: excluding, parallelism)
      case .stream:
        try StateDict(
          input.flatMap { name, tensor in
            try session.convertSingleTensorToHF(
              name, tensor, excluding: excluding, parallelism
            ).map { ($0.name, $0.tensor) }
          })
      }
    }
  }

  let name: String
  let fault: Fault

  func session(for setup: AdapterSetup) -> any AdapterSession {
    Session(setup: setup, fault: fault)
  }

  private struct Session: AdapterSession {
    let setup: AdapterSetup
    let fault: Fault

    func fromHF(_ onDisk: StateDict, _ parallelism: ExpertParallelism?) throws -> StateDict {
      try fault.load(
        Call(
          setup: setup, input: onDisk, excluding: "", parallelism: parallelism, kind: .load))
    }

    func toHF(
      _ native: StateDict, excluding: String, _ parallelism: ExpertParallelism?
    ) throws -> StateDict {
      try fault.save(
        Call(
          setup: setup, input: native, excluding: excluding, parallelism: parallelism,
          kind: .save))
    }

    func convertSingleTensorToHF(
      _ name: TensorName, _ tensor: Tensor, excluding: String, _ parallelism: ExpertParallelism?
    ) throws -> [(name: TensorName, tensor: Tensor)] {
      let input = try StateDict([(name, tensor)])
      return Array(
        try fault.save(
          Call(
            setup: setup, input: input, excluding: excluding, parallelism: parallelism,
            kind: .stream)))
    }

    func isMTPKey(_ name: TensorName) throws -> Bool {
      try ReferenceAdapter().session(for: setup).isMTPKey(name)
    }
  }
}

extension StateDict {
  /// The state dict with the tensors changed whose names end with a text.
  func changing(_ suffix: String, _ change: (Tensor) throws -> Tensor) throws -> StateDict {
    try StateDict(
      map { name, tensor in
        (name, name.text.hasSuffix(suffix) ? try change(tensor) : tensor)
      })
  }

  func renaming(_ change: (String) -> String) throws -> StateDict {
    try StateDict(map { (TensorName(change($0.name.text)), $0.tensor) })
  }
}

extension Tensor {
  /// A tensor of three axes, each element taken from another index.
  func moving(_ source: (Int, Int, Int) -> (Int, Int, Int)) throws -> Tensor {
    let (rows, columns) = (shape[1], shape[2])
    return try Tensor(dtype, shape) { position in
      let (e, i, j) = source(
        position / (rows * columns), position / columns % rows, position % columns)
      return bits(at: (e * rows + i) * columns + j)
    }
  }

  /// Each element's bits changed, given the sign's bit and the pattern of infinity.
  func changingBits(
    _ change: (_ bits: UInt64, _ sign: UInt64, _ mantissaBits: UInt64, _ infinity: UInt64) -> UInt64
  ) throws -> Tensor {
    let (mantissa, infinity): (UInt64, UInt64) =
      switch dtype {
      case .bf16: (7, 0x7f80)
      case .f16: (10, 0x7c00)
      case .f32: (23, 0x7f80_0000)
      default: (52, 0x7ff0_0000_0000_0000)
      }
    let sign = UInt64(1) << UInt64(8 * dtype.byteCount - 1)
    guard [.bf16, .f16, .f32, .f64].contains(dtype) else { return self }
    return try Tensor(dtype, shape) { change(bits(at: $0), sign, mantissa, infinity) }
  }
}
