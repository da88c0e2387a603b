// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// What a child process may take before it is ended and started anew.
public struct ExternalLimits: Sendable, Hashable {
  /// How long one answer may take.
  public var requestTime: Duration
  /// How long it may take from the start of the process to the answer to `hello`.
  public var startTime: Duration
  /// The resident memory of the process and all its descendants, in bytes; what they share counts
  /// for each of them.
  public var memory: Int
  /// The size of a frame, in bytes.
  public var frameByteCount: Int
  /// How much of the end of standard error is kept, in bytes.
  public var keptErrorByteCount: Int

  /// Creates limits.
  public init(
    requestTime: Duration = .seconds(60), startTime: Duration = .seconds(120),
    memory: Int = 8 << 30, frameByteCount: Int = 4 << 30, keptErrorByteCount: Int = 16 << 10
  ) {
    self.requestTime = requestTime
    self.startTime = startTime
    self.memory = memory
    self.frameByteCount = frameByteCount
    self.keptErrorByteCount = keptErrorByteCount
  }
}
