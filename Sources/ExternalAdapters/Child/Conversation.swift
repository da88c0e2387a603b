// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import AdapterLaws
internal import Tensors

/// A child process with what has been read of it and not yet used.
struct Conversation: ~Copyable {
  var process: ChildProcess
  var reader: FrameReader
  var errorTail: StandardErrorTail
  let terms: ChildTerms
  var nextSample: ContinuousClock.Instant
  /// When to tell that the answer to hello takes long, nil if nobody is to be told.
  private var slowTime: ContinuousClock.Instant?
  private var readsErrors = true

  /// Starts a shell command.
  ///
  /// - Parameter isFirst: Whether to tell if the answer to hello takes long.
  /// - Throws: `ExternalAdapterError` if the system cannot.
  init(_ terms: ChildTerms, isFirst: Bool) throws(ExternalAdapterError) {
    let limits = terms.limits
    process = try ChildProcess.start(terms.command)
    reader = FrameReader(limit: limits.frameByteCount)
    errorTail = StandardErrorTail(capacity: limits.keptErrorByteCount)
    self.terms = terms
    nextSample = .now + Self.sampleInterval
    slowTime = isFirst ? .now + Self.patience : nil
  }

  private static let sampleInterval = Duration.milliseconds(50)
  private static let patience = Duration.seconds(5)

  /// Tells once that the answer to hello takes long.
  mutating func tellIfSlow() {
    guard let time = slowTime, .now >= time else { return }
    slowTime = nil
    terms.isSlow(terms.limits.startTime)
  }

  /// The descriptor to wait for, -1 when standard error has ended.
  var errorDescriptor: Int32 { readsErrors ? process.errors.descriptor : -1 }

  /// Reads what is there of standard error, so that no child waits for that.
  mutating func drainErrors() {
    // A child that writes without pause gets no more than this in one go.
    var rounds = 64
    unsafe withUnsafeTemporaryAllocation(byteCount: 1 << 16, alignment: 8) { buffer in
      while readsErrors, rounds > 0 {
        rounds -= 1
        // What is read lies within the buffer.
        switch unsafe process.errors.read(into: buffer) {
        case .bytes(let count): unsafe errorTail.append(buffer[..<count])
        case .wouldBlock: return
        case .end: readsErrors = false
        }
      }
    }
  }

  /// Checks the memory of the process and its descendants if it is time to.
  mutating func checkMemory() throws(ChildFault) {
    let start = ContinuousClock.now
    guard start >= nextSample else { return }
    let used = ProcessTable.residentMemory(of: process.identifier)
    let end = ContinuousClock.now
    // Looking must not take more than a small part of the time.
    nextSample = end + max(Self.sampleInterval, (end - start) * 20)
    guard used > terms.limits.memory else { return }
    throw ChildFault(
      .outOfMemory,
      "expected at most \(DisplayText.size(terms.limits.memory)) of memory, found \(DisplayText.size(used))"
    )
  }

  /// Checks that nothing has been written that was not asked for.
  func checkSilence(_ time: String) throws(ChildFault) {
    let bytes = process.output.available(64)
    guard !bytes.isEmpty else { return }
    throw ChildFault(.unaskedAnswer, "expected nothing \(time), found \(DisplayText.bytes(bytes))")
  }

  /// Ends the process with all its descendants, having read what it said last.
  consuming func end() -> ChildEnd {
    process.end()
  }
}
