// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import ArgumentParser
import Campaigns
import StrictJSON
import Synchronization
import Tensors

#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

/// Where results and what is beside them go.
struct ToolOutput: ParsableArguments {
  @Flag(help: "Print one JSON document with a schemaVersion instead of text.")
  var json = false

  @Flag(name: .shortAndLong, help: "Print no progress.")
  var quiet = false

  /// Writes lines of the result; a JSON document has no others.
  func print(_ lines: [ReportLine]) {
    guard !json else { return }
    for line in lines {
      Swift.print((line.verdict.map { $0 ? "✔ " : "✘ " } ?? "") + line.text)
    }
  }

  /// Writes the JSON document.
  func printDocument(holds: Bool, _ members: [(String, JSONValue)]) {
    guard json else { return }
    let head: [(String, JSONValue)] = [
      ("schemaVersion", 1), ("command", "planted-faults"), ("ok", .bool(holds)),
    ]
    Swift.print(JSONValue.object(JSONObject(head + members)).text(.python), terminator: "")
  }

  /// Writes a line to standard error.
  static func note(_ line: String) {
    var line = line + "\n"
    // The bytes live as long as the closure.
    line.withUTF8 { unsafe _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
  }

  /// Writes an error.
  static func report(_ error: String) { note("error: \(error)") }
}

/// How much is done, told twice a minute.
final class ToolProgress: Sendable {
  private let total: Int
  private let isQuiet: Bool
  private let state = Mutex((done: 0, told: ContinuousClock.now))

  init(_ total: Int, _ output: ToolOutput) {
    self.total = total
    isQuiet = output.quiet
  }

  /// Counts one more; may be called from any thread.
  @Sendable func advance() {
    let done: Int? = state.withLock { state in
      state.done += 1
      guard !isQuiet, state.told + .seconds(30) <= .now else { return nil }
      state.told = .now
      return state.done
    }
    if let done { ToolOutput.note("\(grouped(done)) of \(grouped(total))") }
  }
}

/// The bytes of a file.
func fileBytes(_ path: String) throws -> [UInt8] {
  let storage = try TensorStorage.mapping(path)
  let bytes = storage.bytes
  return (0..<bytes.byteCount).map { bytes.byte(at: $0) }
}
