// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// A number of bytes as people write it: `5GB`, `2GiB`, `1.5 MB`, `4096`.
public struct ByteSize: Sendable, Hashable {
  /// The number of bytes.
  public let byteCount: Int

  private static let units: [(name: String, byteCount: Int)] = [
    ("KIB", 1 << 10), ("MIB", 1 << 20), ("GIB", 1 << 30), ("TIB", 1 << 40),
    ("KB", 1000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000),
    ("B", 1), ("", 1),
  ]

  /// Reads a size; units are decimal or binary, in either case; fractions of a byte are cut off.
  ///
  /// - Throws: `SafetensorsError.Code.invalidByteSize`.
  public init(_ text: String) throws(SafetensorsError) {
    let spelled = text.uppercased()
    let failure = SafetensorsError(
      .invalidByteSize, path: "size", keys: [text],
      expected: "a number and one of B, KB, MB, GB, TB, KiB, MiB, GiB, TiB",
      found: "something else or a size beyond \(Int.max) bytes", remedy: "write it as in '5GB'")
    guard let unit = Self.units.first(where: { spelled.hasSuffix($0.name) }) else { throw failure }
    var number = spelled.dropLast(unit.name.count)
    while number.last == " " { number.removeLast() }
    let parts = number.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    guard let whole = Self.digits(parts[0]) else { throw failure }
    let (scaled, overflow) = whole.multipliedReportingOverflow(by: unit.byteCount)
    var fraction = 0
    if parts.count == 2 {
      // Six digits times the largest unit fit, and finer ones would not matter to anyone.
      guard parts[1].utf8.count <= 6, let numerator = Self.digits(parts[1]) else { throw failure }
      var denominator = 1
      for _ in 0..<parts[1].utf8.count { denominator *= 10 }
      fraction = numerator * unit.byteCount / denominator
    }
    let (sum, sumOverflow) = scaled.addingReportingOverflow(fraction)
    guard !overflow, !sumOverflow else { throw failure }
    byteCount = sum
  }

  private static func digits(_ text: Substring) -> Int? {
    text.utf8.allSatisfy { $0 &- UInt8(ascii: "0") < 10 } ? Int(text) : nil
  }
}
