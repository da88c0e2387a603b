// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Campaigns
import Synchronization

#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

/// The progress of long work: a bar on a terminal, a line now and then elsewhere.
final class Progress: Sendable {
  /// What is counted.
  enum Unit {
    case bytes
    case items
    case seconds

    fileprivate func text(_ count: Int) -> String {
      switch self {
      case .bytes: byteText(count)
      case .items: grouped(count)
      case .seconds: "\(grouped(count)) s"
      }
    }
  }

  private let title: String
  private let total: Int
  private let unit: Unit
  private let style: Style
  private let state = Mutex(State())
  private let started = ContinuousClock.now

  private enum Style { case none, lines, bar }

  private struct State {
    var done = 0
    /// What is being done instead of counting, if anything.
    var phase: String?
    /// What is to be said beside how much is done, instead of the rate.
    var remark: String?
    var lastShown: ContinuousClock.Instant?
  }

  /// Starts work of a size.
  init(_ title: String, total: Int, in unit: Unit, _ console: Console) {
    self.title = title
    self.total = max(1, total)
    self.unit = unit
    let isTerminal =
      isatty(STDERR_FILENO) == 1 && Console.environment("TERM") != "dumb"
      && Console.environment("CI") == nil
    style = console.isQuiet ? .none : isTerminal ? .bar : .lines
  }

  /// Adds what is done; may be called from any thread.
  func advance(_ count: Int) {
    update { $0.done += count }
  }

  /// Says how much is done by now; may be called from any thread.
  func reach(_ count: Int) {
    update {
      $0.done = count
      $0.phase = nil
    }
  }

  /// Says what is being done of which no total is known; may be called from any thread.
  func enter(_ phase: String) {
    update { $0.phase = phase }
  }

  /// Says something beside how much is done; may be called from any thread.
  func tell(_ remark: String) {
    state.withLock { $0.remark = remark }
  }

  /// Writes lines between those of the progress.
  func interrupt(_ write: () -> Void) {
    if style == .bar { Console.put("\r\u{1b}[K", to: STDERR_FILENO) }
    write()
  }

  /// Ends the progress.
  func finish() {
    guard style == .bar, state.withLock({ $0.lastShown }) != nil else { return }
    show(state.withLock { $0 }, .now)
    Console.put("\n", to: STDERR_FILENO)
  }

  private func update(_ change: (inout State) -> Void) {
    guard style != .none else { return }
    let now = ContinuousClock.now
    let interval = style == .bar ? Duration.milliseconds(100) : .seconds(10)
    let current: State? = state.withLock { state in
      change(&state)
      guard (state.lastShown ?? started) + interval <= now else { return nil }
      state.lastShown = now
      return state
    }
    if let current { show(current, now) }
  }

  private func show(_ state: State, _ now: ContinuousClock.Instant) {
    let share = state.done < total ? Int(Double(state.done) * 100 / Double(total)) : 100
    let elapsed = max(0.001, (now - started) / .seconds(1))
    let rate = Int(Double(state.done) / elapsed)
    let left = elapsed * Double(total - state.done) / Double(max(1, state.done))
    let end =
      state.done > 0 && state.done < total
      ? ", \(grouped(Int(left.rounded()))) s left" : ""
    let counts =
      state.phase
      ?? "\(unit.text(state.done)) of \(unit.text(total)), "
      + (state.remark ?? "\(unit.text(rate))/s") + end
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
