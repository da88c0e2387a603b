// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Tensors
import Testing

@Suite("Element types")
struct DTypeTests {
  @Test("Names are those of the safetensors format and are read back")
  func names() {
    let names = [
      "BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0", "I16", "U16", "F16", "BF16", "I32",
      "U32", "F32", "F64", "I64", "U64",
    ]
    #expect(DType.allCases.map(\.description) == names)
    #expect(names.map(DType.init(rawValue:)) == DType.allCases)
    #expect(DType(rawValue: "bf16") == nil)
  }

  @Test("The size in a type's name is the size of its elements")
  func sizes() {
    for type in DType.allCases where type != .bool {
      let digits = type.rawValue.drop { !$0.isNumber }.prefix { $0.isNumber }
      #expect(Int(digits) == 8 * type.byteCount, "\(type)")
    }
    #expect(DType.bool.byteCount == 1)
  }

  @Test("Floating-point types are told from others, and those of eight bits from E8M0")
  func kinds() {
    for type in DType.allCases {
      #expect(type.isFloatingPoint == type.rawValue.contains("F"), "\(type)")
    }
  }
}
