// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import ArgumentParser
import StrictJSON

#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

/// When output is colored.
enum ColorChoice: String, CaseIterable {
  case auto, always, never
}

/// The options that every command has.
struct OutputOptions: ParsableArguments {
  @Flag(help: "Print one JSON document with a schemaVersion instead of text.")
  var json = false

  @Option(
    help: "Color the text: auto, always or never. NO_COLOR turns auto off.", transform: word)
  var color = ColorChoice.auto

  @Flag(name: .shortAndLong, help: "Print no progress and no warnings.")
  var quiet = false

  /// Where the command writes.
  var console: Console { Console(self) }
}

extension JSONObject {
  /// The members of one after those of another.
  static func + (one: JSONObject, other: JSONObject) -> JSONObject {
    JSONObject(Array(one.members) + Array(other.members))
  }
}

/// Standard output for results, standard error for all else.
struct Console: Sendable {
  let isJSON: Bool
  let isQuiet: Bool
  private let isColored: Bool

  init(_ options: OutputOptions) {
    isJSON = options.json
    isQuiet = options.quiet
    isColored =
      switch options.color {
      case .always: !options.json
      case .never: false
      case .auto: !options.json && isatty(STDOUT_FILENO) == 1 && Self.environment("NO_COLOR") == nil
      }
  }

  /// Writes a line of the result; a JSON document has no others.
  func print(_ line: String) {
    if !isJSON { Self.put(Self.escaped(line) + "\n", to: STDOUT_FILENO) }
  }

  /// Writes a line that says whether something held, nil of what is to be looked at.
  func printVerdict(_ holds: Bool?, _ line: String) {
    guard !isJSON else { return }
    let (mark, color) = holds.map { $0 ? ("✔", 32) : ("✘", 31) } ?? ("!", 33)
    let colored = isColored ? "\u{1b}[\(color)m\(mark)\u{1b}[0m" : mark
    Self.put("\(colored) \(Self.escaped(line))\n", to: STDOUT_FILENO)
  }

  /// Writes the JSON document of a command.
  func printDocument(_ command: String, holds: Bool, _ members: JSONObject) {
    guard isJSON else { return }
    let head: JSONObject = [
      "schemaVersion": 1, "command": .string(command), "ok": .bool(holds),
    ]
    Self.put(JSONValue.object(head + members).text(.python), to: STDOUT_FILENO)
  }

  /// Writes a warning.
  func warn(_ line: String) {
    note("warning: \(line)")
  }

  /// Writes a line about what is being done.
  func note(_ line: String) {
    if !isQuiet { Self.put(Self.escaped(line, keepsLines: true) + "\n", to: STDERR_FILENO) }
  }

  /// Writes an error.
  static func report(_ error: String) {
    put("error: \(escaped(error, keepsLines: true))\n", to: STDERR_FILENO)
  }

  /// The text without control characters, which in names from files could deceive a terminal.
  private static func escaped(_ text: String, keepsLines: Bool = false) -> String {
    text.unicodeScalars.map { scalar in
      scalar.properties.generalCategory == .control && !(keepsLines && scalar == "\n")
        ? scalar.escaped(asASCII: true) : String(scalar)
    }.joined()
  }

  /// The value of an environment variable, or nil if it is not set or empty.
  static func environment(_ name: String) -> String? {
    // The value is copied at once, and nothing here changes the environment.
    guard let value = unsafe getenv(name) else { return nil }
    let text = unsafe String(cString: value)
    return text.isEmpty ? nil : text
  }

  /// Writes all bytes of a text, whatever pieces the system takes them in.
  ///
  /// A result that cannot be written ends the process with exit status 2.
  static func put(_ text: String, to descriptor: Int32) {
    var text = text
    text.withUTF8 { bytes in
      var start = 0
      while start < bytes.count {
        // The rest of the buffer, which lives as long as the closure.
        let written = unsafe write(
          descriptor, bytes.baseAddress.map { unsafe $0 + start }, bytes.count - start)
        if written > 0 {
          start += written
        } else if errno != EINTR {
          guard descriptor == STDOUT_FILENO else { return }
          report("cannot write the result: \(unsafe String(cString: strerror(errno)))")
          exit(2)
        }
      }
    }
  }
}
