// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts
import Tensors
import Testing

@testable import Adapters

@Suite("Plans are carried out in memory")
struct PlanExecutorTests {
  @Test("The result does not depend on the number of threads")
  func threads() throws {
    // Large enough to be worth threads: more than 1 MiB of experts.
    let config = try TestCheckpoint.config(
      experts: 4, hidden: 96, inter: 128, layers: [.sparse], dtype: .f64)
    let planner = AdapterPlanner(config, AdapterOptions(targetDType: .f64))
    let tensors = try TestCheckpoint.stateDict(planner.schema).map(\.tensor)
    let plan = try planner.fromHF(planner.schema)
    let expected = try PlanExecutor(plan, threads: 1).execute(tensors)
    for threads in [2, 8, 0, -1] {
      let difference = firstDifference(
        try PlanExecutor(plan, threads: threads).execute(tensors), expected)
      #expect(difference == nil, "\(threads) threads")
    }
  }

  @Test("That tensors are shared with the input does not show, and the result outlives the input")
  func sharing() throws {
    let config = try TestCheckpoint.config()
    let adapter = StateDictAdapter(config: config)
    let checkpoint = try TestCheckpoint.stateDict(config)
    let expected = try adapter.fromHF(checkpoint)
    // The same tensors, each in a storage that begins one byte before it.
    var shifted: StateDict? = try StateDict(
      checkpoint.map { name, tensor in
        let bytes = [0] + (0..<tensor.byteCount).map { tensor.bytes.byte(at: $0) }
        // Bytes have no padding that could be read uninitialized.
        let storage = try unsafe TensorStorage.copying(bytes.span.bytes)
        return (name, try Tensor(tensor.dtype, tensor.shape, storage: storage, byteOffset: 1))
      })
    let native = try adapter.fromHF(#require(shifted))
    shifted = nil
    let difference = firstDifference(native, expected)
    #expect(difference == nil)
    // The first input still gives what it gave.
    let again = firstDifference(try adapter.fromHF(checkpoint), native)
    #expect(again == nil)
  }

  @Test("Experts are cast to the target type, and nothing else is")
  func casts() throws {
    let config = try TestCheckpoint.config(dtype: .f32)
    let checkpoint = try TestCheckpoint.stateDict(config)
    for target in [DType.bf16, .f16, .f64] {
      let adapter = StateDictAdapter(
        config: config, options: AdapterOptions(targetDType: target))
      let native = try adapter.fromHF(checkpoint)
      let cast = try Cast(from: .f32, to: target)
      for (name, tensor) in native {
        let isExpert = name.text.contains(".experts.")
        #expect(tensor.dtype == (isExpert ? target : .f32), "\(name)")
      }
      let grouped = try #require(native["model.layers.1.mlp.experts.down_projs"])
      var wrong = 0
      for expert in 0..<3 {
        let down = try #require(
          checkpoint["model.layers.1.mlp.experts.\(expert).down_proj.weight"])
        for i in 0..<5 {
          for h in 0..<4 {
            let found = grouped.bits(at: (expert * 5 + i) * 4 + h)
            if found != cast(bits: down.bits(at: h * 5 + i)) { wrong += 1 }
          }
        }
      }
      #expect(wrong == 0, "\(target)")
    }
  }

  @Test("Known values round to the nearest even bfloat16")
  func rounding() throws {
    let config = try TestCheckpoint.config(experts: 1, hidden: 2, inter: 2, layers: [.sparse])
    // 1.0, a tie to even below, a tie to even above, and a negative zero.
    let bits: [UInt64] = [0x3f80_0000, 0x3f80_8000, 0x3f81_8000, 0x8000_0000]
    let expected: [UInt64] = [0x3f80, 0x3f80, 0x3f82, 0x8000]
    let base = "model.layers.0.mlp.experts.0"
    let stateDict = try StateDict(
      ["gate", "up", "down"].map {
        (TensorName("\(base).\($0)_proj.weight"), try Tensor(.f32, [2, 2]) { bits[$0] })
      })
    let native = try StateDictAdapter(
      config: config, options: AdapterOptions(completeness: .presentGroups)
    ).fromHF(stateDict)
    let down = try #require(native["model.layers.0.mlp.experts.down_projs"])
    #expect((0..<4).map { down.bits(at: $0) } == [0, 2, 1, 3].map { expected[$0] })
  }

  @Test("Layers of one shape may have experts of different types")
  func types() throws {
    let config = try TestCheckpoint.config(
      experts: 1, hidden: 2, inter: 2, layers: [.sparse, .sparse])
    let one: [DType: UInt64] = [.f32: 0x3f80_0000, .f16: 0x3c00]
    let stateDict = try StateDict(
      [DType.f32, .f16].enumerated().flatMap { layer, dtype in
        try ["gate", "up", "down"].map {
          (
            TensorName("model.layers.\(layer).mlp.experts.0.\($0)_proj.weight"),
            try Tensor(dtype, [2, 2]) { _ in one[dtype] ?? 0 }
          )
        }
      })
    let native = try StateDictAdapter(
      config: config, options: AdapterOptions(completeness: .presentGroups)
    ).fromHF(stateDict)
    for (name, tensor) in native {
      let bits = (0..<tensor.shape.elementCount).map { tensor.bits(at: $0) }
      #expect(bits.allSatisfy { $0 == 0x3f80 }, "\(name)")
    }
    #expect(native.count == 4)
  }

  @Test("Grouped tensors of one shape may have different types")
  func targetTypes() throws {
    let config = try TestCheckpoint.config(experts: 1, hidden: 2, inter: 2, layers: [.sparse])
    let base = "model.layers.0.mlp.experts."
    // In bits of F32; the factors of the down projection have the shape of its weight.
    let bits: [UInt64] = [0x3f80_0000, 0x4000_0000, 0x4040_0000, 0x4080_0000]
    let stateDict = try StateDict(
      ["gate_proj", "up_proj", "down_proj", "down_proj.lora_A", "down_proj.lora_B"].map {
        (TensorName("\(base)0.\($0).weight"), try Tensor(.f32, [2, 2]) { bits[$0] })
      })
    let native = try StateDictAdapter(
      config: config, options: AdapterOptions(completeness: .presentGroups)
    ).fromHF(stateDict)
    for (name, dtype) in [("down_projs", DType.bf16), ("lora_down_A", .f32), ("lora_down_B", .f32)]
    {
      let tensor = try #require(native[TensorName(base + name)])
      let cast = try Cast(from: .f32, to: dtype)
      #expect(tensor.dtype == dtype)
      #expect(
        (0..<4).map { tensor.bits(at: $0) } == [0, 2, 1, 3].map { cast(bits: bits[$0]) }, "\(name)")
    }
  }

  /// Where a tensor's data begins in memory.
  private func address(_ tensor: Tensor) -> Int {
    // The address is compared, not read.
    unsafe tensor.withUnsafeBytes { Int(bitPattern: $0.baseAddress) }
  }

  @Test("Tensors that only change their name share the memory of their source")
  func sharedMemory() throws {
    let config = try TestCheckpoint.config()
    let adapter = StateDictAdapter(config: config)
    let checkpoint = try TestCheckpoint.stateDict(config)
    let native = try adapter.fromHF(checkpoint)
    let back = try adapter.toHF(native)
    for (name, tensor) in checkpoint {
      let isShared = try address(#require(back[name])) == address(tensor)
      #expect(isShared == !name.text.contains(".experts."), "\(name)")
    }
  }

  @Test("Results are aligned for elements of every type")
  func alignment() throws {
    let config = try TestCheckpoint.config(dtype: .f64)
    let adapter = StateDictAdapter(
      config: config, options: AdapterOptions(targetDType: .f64))
    let native = try adapter.fromHF(TestCheckpoint.stateDict(config))
    for stateDict in [native, try adapter.toHF(native)] {
      for (name, tensor) in stateDict {
        #expect(address(tensor).isMultiple(of: 8), "\(name)")
      }
    }
  }

  @Test("Results before and after one as large as an allocation are made")
  func severalAllocations() throws {
    let matrix = try Tensor(.u8, [2, 3]) { UInt64($0 + 1) }
    let large = 64 << 20
    let element = Region(view: [large], lower: [5], extents: [1])
    // Of the large tensor, one element is written and the rest costs no memory.
    let plan = ConversionPlan(
      direction: .fromHF,
      sources: [TensorInfo("matrix", .u8, [2, 3]), TensorInfo("one", .u8, [1])],
      destinations: [
        TensorInfo("first", .u8, [3, 2]), TensorInfo("large", .u8, [large]),
        TensorInfo("last", .u8, [3, 2]),
      ],
      moves: [
        TensorMove(
          source: 0, Region(whole: [2, 3]), destination: 0, Region(whole: [3, 2]),
          permutation: [1, 0]),
        TensorMove(source: 1, Region(whole: [1]), destination: 1, element, permutation: [0]),
        TensorMove(
          source: 0, Region(whole: [2, 3]), destination: 2, Region(whole: [3, 2]),
          permutation: [1, 0]),
      ], omissions: [])
    let result = try PlanExecutor(plan, threads: 1).execute([
      matrix, try Tensor(.u8, [1]) { _ in 9 },
    ])
    #expect(result.infos.map(\.name) == ["first", "large", "last"])
    for name in ["first", "last"] as [TensorName] {
      let tensor = try #require(result[name])
      #expect((0..<6).map { tensor.bits(at: $0) } == [1, 4, 2, 5, 3, 6], "\(name)")
    }
    #expect(result["large"]?.bits(at: 5) == 9)
  }
}
