// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Safetensors
import StrictJSON
import Tensors
import Testing

@Suite("Damaged safetensors files")
struct SafetensorsFuzzTests {
  @Test("Of all replacements of one header byte, only those the original library reads are read")
  func replacements() throws {
    let fixture = try Fixtures.json("replacements.json")
    let base = Fixtures.fromHex(try #require(fixture["base"]?.stringValue))
    let accepted = try #require(fixture["accepted"]?.arrayValue)
    /// How this reader is stricter, as its documentation says.
    let stricter: Set<SafetensorsError.Code> = [
      .invalidPadding, .unsupportedDType, .invalidHeaderStart,
    ]
    var acceptedCount = 0
    for (position, bytes) in accepted.enumerated() {
      let legal = Set(bytes.arrayValue?.compactMap(\.integerValue) ?? [])
      for byte in UInt8.min...UInt8.max {
        var damaged = base
        damaged[position] = byte
        do throws(SafetensorsError) {
          try checkConsistency(damaged)
          acceptedCount += 1
          #expect(legal.contains(Int(byte)), "byte \(byte) at \(position) is accepted")
        } catch {
          #expect(
            !legal.contains(Int(byte)) || stricter.contains(error.code),
            "byte \(byte) at \(position) is rejected: \(error)")
        }
      }
    }
    #expect(acceptedCount > accepted.count)
  }

  @Test("Every truncation of a file and every extension by one byte is an error")
  func truncations() throws {
    let bytes = try Fixtures.bytes("names.safetensors")
    for length in bytes.indices {
      let storage = try TensorStorage.bytes(Array(bytes[..<length]))
      #expect(throws: SafetensorsError.self, "\(length)") { try SafetensorsFile(storage) }
    }
    let longer = try TensorStorage.bytes(bytes + [0])
    #expect(throws: SafetensorsError.self) { try SafetensorsFile(longer) }
  }

  @Test("Random mutations of headers never crash, and what is accepted covers the file exactly")
  func mutations() throws {
    let base = try Fixtures.bytes("names.safetensors")
    let dataOffset = try SafetensorsFile(.bytes(base)).dataOffset
    let header = Array(base[8..<dataOffset])
    let tokens = [
      "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u0000", "0", "-1", "9223372036854775807", "null",
      "\"shape\"", "\"F32\"", "\"__metadata__\":{},", " ", "\n", "\0", "\u{e9}",
    ].map { Array($0.utf8) }
    var random = SplitMix(state: 1)
    var acceptedCount = 0
    for _ in 0..<3000 {
      var mutated = header
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        let at = Int.random(in: 0...mutated.count, using: &random)
        let end = min(mutated.count, at + Int.random(in: 0...12, using: &random))
        switch Int.random(in: 0..<4, using: &random) {
        case 0: mutated.insert(contentsOf: tokens.randomElement(using: &random) ?? [], at: at)
        case 1: mutated.removeSubrange(at..<end)
        case 2: mutated.insert(contentsOf: Array(mutated[at..<end]), at: at)
        default:
          for index in at..<end { mutated[index] ^= 1 << UInt8.random(in: 0..<8, using: &random) }
        }
      }
      let length = (0..<8).map { UInt8(truncatingIfNeeded: mutated.count >> (8 * $0)) }
      do throws(SafetensorsError) {
        try checkConsistency(length + mutated + base[dataOffset...])
        acceptedCount += 1
      } catch {
        #expect(!error.description.isEmpty)
      }
    }
    #expect(acceptedCount > 0)
  }

  /// Reads a file and checks that sizes and offsets of its tensors add up to the file.
  private func checkConsistency(_ bytes: [UInt8]) throws(SafetensorsError) {
    guard let storage = try? TensorStorage.bytes(bytes) else { return }
    let file = try SafetensorsFile(storage)
    let size = file.stateDict.map(\.tensor.byteCount).reduce(0, +)
    #expect(file.dataOffset + size == bytes.count)
    let again = try SafetensorsFile.serialize(file.stateDict, metadata: file.metadata)
    let copy = (try? TensorStorage.bytes(again)).flatMap { try? SafetensorsFile($0) }
    #expect(copy?.stateDict.count == file.stateDict.count)
    let isSame = file.stateDict.allSatisfy { copy?.tensor(named: $0.name) == $0.tensor }
    #expect(isSame, "the tensors change when written and read")
  }
}
