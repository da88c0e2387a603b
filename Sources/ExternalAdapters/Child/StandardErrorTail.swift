// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// The last bytes that a child wrote to standard error.
struct StandardErrorTail {
  /// How much of the end is searched for the error.
  private static let searchedByteCount = 64 << 10

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

  /// Lets `account` begin with what is written from now on.
  mutating func mark() { markedCount = writtenCount }

  /// What was written since the mark, on one line: the error with its place, or else the last lines; nil if
  /// nothing was.
  var account: String? {
    let recent = kept.suffix(min(writtenCount - markedCount, Self.searchedByteCount))
    let lines = recent.split { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }
      .map { String(decoding: $0, as: UTF8.self) }
      .filter { line in line.contains { !$0.isWhitespace } }
    guard !lines.isEmpty else { return nil }
    return ErrorReport(lines)?.text
      ?? lines.suffix(2).map { DisplayText.text($0, atMost: 200) }.joined(separator: " | ")
  }
}

/// What a program that failed says of its error among other lines, as runtimes of many languages write it.
struct ErrorReport {
  /// The error and where it was.
  let text: String

  /// Finds the error in lines that are not blank; nil if none looks like one.
  init?(_ lines: [String]) {
    guard let error = Self.traced(lines) ?? lines.lastIndex(where: Self.isError) else { return nil }
    var words = [lines[error]]
    if lines[error].hasSuffix(":") || lines[error].hasPrefix("terminate called") {
      words += lines[(error + 1)...].prefix(1)
    }
    let text = words.map { DisplayText.text(String($0.trimmed), atMost: 300) }.joined(
      separator: " ")
    let place = text.contains(Self.place) ? nil : Self.place(of: error, lines)
    self.text = text + (place.map { " (\(DisplayText.text($0, atMost: 200)))" } ?? "")
  }

  /// The line after the last traceback of Python, whatever the error is called.
  private static func traced(_ lines: [String]) -> Int? {
    lines.lastIndex { $0.hasPrefix("Traceback (most recent call last)") }
      .flatMap { start in
        lines[(start + 1)...].firstIndex { $0.first?.isWhitespace == false }
      }
  }

  private static func isError(_ line: String) -> Bool {
    line.contains(Self.named) || line.contains(Self.told)
  }

  /// Such as `ValueError: …`, `java.lang.IllegalStateException: …` or `Uncaught TypeError [CODE]: …`.
  private static var named: Regex<Substring> {
    /^(?:Exception in thread "[^"]*" |Unhandled exception\. |Uncaught |Caused by: |ERROR: )?[\w.$]*(?:Error|Exception|Interrupt|Exit)(?: \[\w+\])?(?::|$)/
  }

  /// What begins or marks a line that says why a program ended.
  private static var told: Regex<Substring> {
    /^(?:panic|fatal error|error|ERROR): |^terminate called|^thread '.*' .*panicked at|Fatal error: |Assertion .*failed|Segmentation fault|\(\w*(?:Error|Exception)\)$/
  }

  /// A file's name and a line of it.
  private static var place: Regex<Substring> { /[^\s()'"<>]+\.[A-Za-z]\w*:\d+/ }

  private static func place(of error: Int, _ lines: [String]) -> String? {
    if let frame = lines[..<error].last(where: { $0.contains(/^\s*File ".*", line \d+/) }),
      let match = frame.firstMatch(of: /File "(.*)", line (\d+)/)
    {
      return "\(match.1):\(match.2)"
    }
    // Other runtimes write the calls after the error, and Node the line itself before it.
    let near = lines[(error + 1)...].prefix(8) + lines[..<error].suffix(4).reversed()
    return near.lazy.compactMap { $0.firstMatch(of: place)?.0 }.first.map(String.init)
  }
}

extension String {
  fileprivate var trimmed: Substring {
    let start = drop(while: \.isWhitespace)
    return start.lastIndex { !$0.isWhitespace }.map { start[...$0] } ?? ""
  }
}
