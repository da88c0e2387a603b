// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Safetensors
import StrictJSON
import Tensors
import Testing

@Suite("What converting casts, and other element types than the layout's")
struct CastReportTests {
  /// The tiny checkpoint in float32, every other element of which BF16 cannot hold.
  private func wide(_ scratch: Scratch) throws -> String {
    _ = try scratch.tiny("narrow")
    try scratch.rewrite("narrow", as: "wide") { _, tensor in
      guard tensor.dtype == .bf16 else { return tensor }
      return try Tensor(.f32, tensor.shape) { tensor.bits(at: $0) << 16 | UInt64($0 & 1) }
    }
    return scratch["wide"]
  }

  @Test("A lossy cast is told before it happens and after, with the elements that it changes")
  func lossy() throws {
    let scratch = try Scratch()
    let folder = try wide(scratch)
    let outcome = try Hymt2.run("convert", "--to", "native", folder, scratch["native"])
    #expect(outcome.status == 0)
    #expect(
      outcome.errors == """
        warning: 24 tensors of experts will be cast from F32 to BF16; 384 of 768 elements change \
        their value; --dtype F32 keeps them

        """)
    #expect(outcome.outputLines.last == "  cast from F32 to BF16: 384 of 768 elements changed")
    let json = try Hymt2.run("convert", "--to", "native", folder, scratch["again"], "--json").json()
    #expect(
      json["casts"] == [
        ["changed": 384, "elements": 768, "from": "F32", "tensors": 24, "to": "BF16"]
      ])
  }

  @Test("With the type of the tensors nothing is cast, and all comes back")
  func lossless() throws {
    let scratch = try Scratch()
    let folder = try wide(scratch)
    for dtype in ["F32", "float32", "torch.float32", "fp32", "float"] {
      let outcome = try Hymt2.run(
        "convert", "--to", "native", folder, scratch["native"], "--dtype", dtype, "--json")
      outcome.expectSuccess()
      #expect(try outcome.json()["casts"] == [])
      try convert("hf", scratch["native"], scratch["back"])
      #expect(try scratch.difference("wide", "back") == nil)
      try scratch.remove("native")
      try scratch.remove("back")
    }
  }

  @Test("A widening cast changes nothing and is told")
  func widening() throws {
    let scratch = try Scratch()
    let outcome = try Hymt2.run(
      "convert", "--to", "native", try scratch.tiny(), scratch["native"], "--dtype", "F32")
    #expect(outcome.status == 0)
    #expect(outcome.errors.hasSuffix("from BF16 to F32; no element changes its value\n"))
    #expect(outcome.outputLines.last == "  cast from BF16 to F32: 0 of 768 elements changed")
  }

  @Test("Tensors of another type than the layout's are named: a warning, and an error if asked for")
  func types() throws {
    let scratch = try Scratch()
    _ = try scratch.tiny("tiny")
    try scratch.rewrite("tiny", as: "bias") { name, tensor in
      guard tensor.dtype == .f32 else { return tensor }
      return try Tensor(.bf16, tensor.shape) { tensor.bits(at: $0) >> 16 }
    }
    let line = "2 tensors have another element type: expected F32, found BF16"
    for options in [[], ["--headers-only"]] {
      let text = try Hymt2.start(["verify", scratch["bias"]] + options).wait()
      text.expectSuccess()
      #expect(text.output.contains("! \(line)\n  model.layers.{1-2}.mlp.expert_bias (2)\n"))
      let strict = try Hymt2.start(["verify", scratch["bias"], "--strict"] + options).wait()
      #expect(strict.status == 1)
      #expect(strict.output.contains("✘ \(line)\n"))
      let json = try Hymt2.start(["verify", scratch["bias"], "--json"] + options).wait().json()
      #expect(json["ok"] == true)
      #expect(json["status"] == "other types")
      #expect(
        json["types"] == [
          [
            "count": 2, "expected": "F32", "found": "BF16",
            "tensors": ["model.layers.{1-2}.mlp.expert_bias (2)"],
          ]
        ])
      let failed = try Hymt2.start(["verify", scratch["bias"], "--strict", "--json"] + options)
        .wait().json()
      #expect(failed["ok"] == false)
      #expect(failed["status"] == "failed")
    }
    let held = try Hymt2.run("verify", scratch["tiny"], "--strict", "--json").json()
    #expect(held["status"] == "held")
    #expect(held["types"] == [])
  }

  @Test("Values that are no floating-point numbers are an error, and quantized weights none")
  func unusable() throws {
    let scratch = try Scratch()
    _ = try scratch.tiny("tiny")
    try scratch.rewrite("tiny", as: "integers") { name, tensor in
      name == "model.norm.weight" ? tensor.viewed(as: .i16) : tensor
    }
    let outcome = try Hymt2.run("verify", scratch["integers"])
    #expect(outcome.status == 1)
    #expect(
      outcome.output.contains("✘ 1 tensor has another element type: expected BF16, found I16"))
    let headers = try Hymt2.run("verify", scratch["integers"], "--headers-only")
    #expect(headers.status == 1)
  }

  @Test("Headers alone are read where no data are asked for")
  func headersOnly() throws {
    let scratch = try Scratch()
    let tiny = try scratch.tiny()
    let text = try Hymt2.run("verify", tiny, "--headers-only")
    text.expectSuccess()
    #expect(
      text.output == """
        ✔ 3 files are whole and agree with the index
        ✔ every tensor of the config is there with its shape
        ✔ every tensor has its element type
          no data were read
          64 tensors, 2,232 parameters
          8 F32 + 2,224 BF16 elements
          4,480 bytes

        """)
    let json = try Hymt2.run("verify", tiny, "--headers-only", "--json").json()
    #expect(json["headersOnly"] == true)
    #expect(json["ok"] == true)
    try scratch.replace("\"num_experts\": 4", by: "\"num_experts\": 3", in: "tiny/config.json")
    try Hymt2.run("verify", tiny, "--headers-only").expectFailure(naming: "surplus expert")
    let mixed = try Hymt2.run("verify", tiny, "--headers-only", "--adapter", "cat")
    #expect(mixed.status == 64)
  }
}
