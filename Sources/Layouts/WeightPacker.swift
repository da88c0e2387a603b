// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Tensors

/// Tools that store weights in forms of their own, under names that only they use.
public struct WeightPacker: Sendable {
  /// The tool, or the tools that use the same names.
  public let tool: String
  private let ends: [String]

  private static let all = [
    WeightPacker(tool: "compressed-tensors", ends: [".weight_packed"]),
    WeightPacker(tool: "GPTQ or AWQ", ends: [".qweight", ".qzeros"]),
    WeightPacker(
      tool: "bitsandbytes",
      ends: [".absmax", ".quant_map", ".SCB", "bitsandbytes__nf4", "bitsandbytes__fp4"]),
    WeightPacker(tool: "Model Optimizer in 4 bits", ends: [".weight_scale_2"]),
    WeightPacker(tool: "MXFP4", ends: ["_blocks"]),
    WeightPacker(tool: "HQQ", ends: [".W_q"]), WeightPacker(tool: "AQLM", ends: [".codebooks"]),
    WeightPacker(tool: "MLX", ends: [".biases"]),
  ]

  /// The tool that gives a tensor such a name, nil of other names.
  public static func of(_ name: TensorName) -> WeightPacker? {
    all.first { packer in packer.ends.contains { name.text.hasSuffix($0) } }
  }
}
