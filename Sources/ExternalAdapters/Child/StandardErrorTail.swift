// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// The last bytes that a child wrote to standard error.
struct StandardErrorTail {
  private let capacity: Int
  private var bytes: [UInt8] = []
  private var writtenCount = 0
  private var markedCount = 0

  /// Creates a tail of at most a number of bytes.
  init(capacity: Int) {
    self.capacity = max(1, capacity)
  }

  /// What is kept.
  var kept: ArraySlice<UInt8> { bytes.suffix(capacity) }

  /// Adds what was written.
  mutating func append(_ new: some Collection<UInt8>) {
    writtenCount += new.count
    bytes += new.suffix(capacity)
    if bytes.count >= 2 * capacity { bytes.removeFirst(bytes.count - capacity) }
  }

  /// Lets `lastLines` begin with what is written from now on.
  mutating func mark() { markedCount = writtenCount }

  /// The last lines since the mark that are not blank, on one line; nil if there are none.
  var lastLines: String? {
    let recent = kept.suffix(writtenCount - markedCount)
    let lines = recent.split { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }
      .map { Legible.text(String(decoding: $0, as: UTF8.self), atMost: 200) }
      .filter { line in line.contains { $0 != " " } }
    return lines.isEmpty ? nil : lines.suffix(2).joined(separator: " | ")
  }
}
