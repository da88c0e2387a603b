// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Synchronization

#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

/// The progress of long work: a bar on a terminal, a line now and then elsewhere.
final class Progress: Sendable {
  private let title: String
  private let total: Int
  private let style: Style
  private let state = Mutex(State())
  private let started = ContinuousClock.now

  private enum Style { case none, lines, bar }

  private struct State {
    var done = 0
    var lastShown: ContinuousClock.Instant?
  }

  /// Starts work of a size in bytes.
  init(_ title: String, totalByteCount: Int, _ console: Console) {
    self.title = title
    total = max(1, totalByteCount)
    let isTerminal =
      isatty(STDERR_FILENO) == 1 && Console.environment("TERM") != "dumb"
      && Console.environment("CI") == nil
    style = console.isQuiet ? .none : isTerminal ? .bar : .lines
  }

  /// Adds bytes that are done; may be called from any thread.
  func advance(_ byteCount: Int) {
    guard style != .none else { return }
    let now = ContinuousClock.now
    let interval = style == .bar ? Duration.milliseconds(100) : .seconds(30)
    let done: Int? = state.withLock { state in
      state.done += byteCount
      guard (state.lastShown ?? started) + interval <= now else { return nil }
      state.lastShown = now
      return state.done
    }
    if let done { show(done, now) }
  }

  /// Ends the progress.
  func finish() {
    guard style == .bar, state.withLock({ $0.lastShown }) != nil else { return }
    show(state.withLock { $0.done }, .now)
    Console.put("\n", to: STDERR_FILENO)
  }

  private func show(_ done: Int, _ now: ContinuousClock.Instant) {
    let share = min(100, done * 100 / total)
    let rate = Int(Double(done) / max(0.001, (now - started) / .seconds(1)))
    let counts = "\(byteText(done)) of \(byteText(total)), \(byteText(rate))/s"
    if style == .bar {
      let filled = share * 30 / 100
      let bar = String(repeating: "█", count: filled) + String(repeating: "·", count: 30 - filled)
      Console.put("\r\(title) \(share)% \(bar) \(counts)\u{1b}[K", to: STDERR_FILENO)
    } else {
      Console.put("\(title) \(share)%: \(counts)\n", to: STDERR_FILENO)
    }
  }
}

/// A size as people read it, such as `1.5 GB`.
func byteText(_ count: Int) -> String {
  var value = Double(count)
  for unit in ["B", "KB", "MB", "GB", "TB"] {
    if value < 1000 || unit == "TB" {
      let tenths = Int((value * 10).rounded())
      return unit == "B" ? "\(count) B" : "\(tenths / 10).\(tenths % 10) \(unit)"
    }
    value /= 1000
  }
  return "\(count) B"
}

/// A count with its digits in groups of three, such as `47,138`.
func countText(_ count: Int) -> String {
  var digits = String(count.magnitude)
  var groups: [String] = []
  while digits.count > 3 {
    groups.insert(String(digits.suffix(3)), at: 0)
    digits = String(digits.dropLast(3))
  }
  return (count < 0 ? "-" : "") + ([digits] + groups).joined(separator: ",")
}
