// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import StrictJSON

extension Failure {
  /// The failure on one screen, with the replay token, as `hymt2 check` prints it.
  public var screen: String {
    FailureScreen(failure: self).lines.map(\.description)
      .joined(separator: "\n")
  }

  /// The failure as reports in JSON have it.
  public var document: JSONValue { json(group: nil) }
}

/// All that matters of a failure within 40 lines of 100 columns.
struct FailureScreen {
  static let width = 100
  static let height = 40

  let failure: Failure

  /// The lines.
  var lines: [ReportLine] {
    var lines = heading
    let fixed = [checkpoint, others, reproduction]
    let room = Self.height - fixed.reduce(lines.count + 4) { $0 + $1.count }
    for section in [checkpoint, differences(room), others, reproduction] where !section.isEmpty {
      lines.append("")
      lines += section.map { ReportLine(nil, $0) }
    }
    return lines
  }

  private var heading: [ReportLine] {
    // Marks take two columns.
    let statement = Self.clipped(
      wrapped("\(failure.law.name): \(failure.law.statement)", width: Self.width - 2), to: 2)
    let diagnosis = failure.sentences.flatMap { wrapped($0, width: Self.width - 2) }
    let flakiness = failure.flakiness.map { wrapped("flaky: \($0)", width: Self.width - 2) } ?? []
    return [ReportLine(false, statement[0])]
      + (statement.dropFirst() + Self.clipped(flakiness, to: 3) + Self.clipped(diagnosis, to: 6))
      .map { ReportLine(nil, "  \($0)") }
  }

  private var checkpoint: [String] {
    let config = wrapped(Self.spaced(failure.config), width: Self.width - 4)
    let lines = wrapped(failure.checkpoint, width: Self.width - 4)
    return wrapped(headline, width: Self.width)
      + Self.indented(Self.clipped(lines, to: 4)) + Self.indented(Self.clipped(config, to: 8))
  }

  private var headline: String {
    failure.title + (failure.story.map { " (\($0))" } ?? "")
  }

  /// What differs, with the heat map if both fit into so many lines.
  private func differences(_ room: Int) -> [String] {
    let lines = failure.mismatch.flatMap { wrapped($0, width: Self.width - 4) }
    guard !lines.isEmpty, room > 1 else { return [] }
    let drawing = failure.heatMap?.text ?? []
    let fits =
      drawing.allSatisfy { $0.count <= Self.width - 4 } && lines.count + drawing.count < room
    return ["where it differs"] + Self.indented(Self.clipped(lines, to: room - 1))
      + (fits ? Self.indented(drawing) : [])
  }

  private var others: [String] {
    let names = failure.brokenLaws.filter { $0.law != failure.law.name }.map { other in
      other.known.map { "\(other.law) (known: \($0))" } ?? other.law
    }
    let also =
      names.isEmpty
      ? "no other law is broken on it"
      : "also broken on it: \(names.joined(separator: ", "))"
    let reason = wrapped("why it must hold: \(failure.law.reason)", width: Self.width)
    return Self.clipped(wrapped(also, width: Self.width), to: 2) + Self.clipped(reason, to: 2)
  }

  private var reproduction: [String] {
    let command = continued(failure.replayCommand, width: Self.width - 8)
    return (failure.token.map { ["token   \($0)"] } ?? []).filter { $0.count <= Self.width }
      + command.enumerated().map { ($0.offset == 0 ? "replay  " : "        ") + $0.element }
  }

  /// JSON on lines that break at spaces.
  private static func spaced(_ value: JSONValue) -> String {
    "config.json: " + value.text(.compact).replacing(",\"", with: ", \"")
  }

  private static func indented(_ lines: [String]) -> [String] { lines.map { "    \($0)" } }

  static func clipped(_ lines: [String], to limit: Int) -> [String] {
    guard lines.count > limit else { return lines }
    let left = lines.count - limit + 1
    return lines.prefix(limit - 1) + ["… \(counted(left, "more line")), all of them with --json"]
  }
}
