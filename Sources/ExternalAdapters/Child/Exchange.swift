// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import AdapterLaws
internal import Glibc
internal import Tensors

extension Conversation {
  /// Writes requests while it reads the answers to them, in order.
  ///
  /// - Parameter time: How long each answer may take from when the one before it has come.
  mutating func exchange(
    _ requests: [EncodedRequest], within time: Duration
  ) throws(ChildFault) -> [ProtocolAnswer] {
    var exchange = Exchange(requests, time)
    do throws(ChildFault) {
      try begin(requests)
      while !exchange.isComplete {
        let hasExited = wait(for: exchange)
        drainErrors()
        exchange.write(to: process)
        try read(&exchange, hasExited: hasExited)
        try checkMemory()
        if terms.isCancelled(), !exchange.isComplete { throw .cancelled }
        tellIfSlow()
      }
      try checkSilence("after the answer to \(requests.last?.operation.rawValue ?? "")")
      drainErrors()
      errorTail.mark()
      return exchange.answers
    } catch {
      drainErrors()
      var fault = error
      fault.index = min(exchange.answers.count, requests.count - 1)
      throw fault
    }
  }

  private mutating func begin(_ requests: [EncodedRequest]) throws(ChildFault) {
    let time = "before \(requests.first?.operation.rawValue ?? "") was asked"
    // Of a process that has ended, all that it wrote is there.
    let hasExited = process.hasEnded()
    drainErrors()
    do {
      try checkSilence(time)
    } catch {
      throw hasExited ? error.besideEnd : error
    }
    guard !hasExited else { throw .end(time) }
  }

  /// Waits for something to do; tells whether the process has ended.
  private func wait(for exchange: Exchange) -> Bool {
    let until = min(exchange.deadline, nextSample)
    let milliseconds = (until - .now) / .milliseconds(1)
    let inputDescriptor =
      exchange.hasMoreToWrite ? process.input.descriptorOrNone : -1
    var entries = [
      pollfd(fd: process.output.descriptor, events: Int16(POLLIN), revents: 0),
      pollfd(fd: errorDescriptor, events: Int16(POLLIN), revents: 0),
      pollfd(fd: inputDescriptor, events: Int16(POLLOUT), revents: 0),
    ]
    // The array holds as many entries as it says.
    _ = unsafe poll(
      &entries, nfds_t(entries.count), Int32(min(1000, max(0, milliseconds.rounded(.up)))))
    return process.hasEnded()
  }

  private mutating func read(
    _ exchange: inout Exchange, hasExited: Bool
  ) throws(ChildFault) {
    while !exchange.isComplete {
      switch try reader.read(from: process.output) {
      case .frame(let storage):
        try exchange.accept(storage)
      case .end:
        throw ended(exchange)
      case .needsMore:
        if hasExited { throw ended(exchange) }
        guard ContinuousClock.now < exchange.deadline else {
          throw ChildFault(
            .hung,
            "expected an answer to \(exchange.operation) within "
              + "\(DisplayText.duration(exchange.time)), found \(reader.account ?? "nothing")")
        }
        return
      }
    }
  }

  private mutating func ended(_ exchange: Exchange) -> ChildFault {
    // What it said last is worth waiting for.
    let hasExited = process.hasEnded(within: .seconds(2))
    guard let account = reader.account else {
      return .end("while \(exchange.operation) was open", hasExited: hasExited)
    }
    let fault =
      reader.begun.map { .garbage($0, process.output) }
      ?? ChildFault(
        .garbage, "expected a whole answer to \(exchange.operation), which ended after \(account)")
    return hasExited ? fault.besideEnd : fault
  }
}

/// Requests that are being written and answers that have come.
private struct Exchange {
  let time: Duration
  private(set) var answers: [ProtocolAnswer] = []
  private(set) var deadline: ContinuousClock.Instant
  private let requests: [EncodedRequest]
  /// The request that is being written.
  private var writing = 0
  private var writtenByteCount = 0
  private var isInputBroken = false

  init(_ requests: [EncodedRequest], _ time: Duration) {
    self.requests = requests
    self.time = time
    deadline = .now + time
    answers.reserveCapacity(requests.count)
  }

  var isComplete: Bool { answers.count == requests.count }
  var hasMoreToWrite: Bool { writing < requests.count && !isInputBroken }
  /// What is to be answered next.
  var operation: String { requests[answers.count].operation.rawValue }

  /// Writes as much as the pipe takes.
  mutating func write(to process: borrowing ChildProcess) {
    while hasMoreToWrite {
      let start = writtenByteCount
      // The buffer does not leave the closure.
      let transfer = unsafe requests[writing].bytes.withUnsafeBytes { bytes in
        unsafe process.input?.write(UnsafeRawBufferPointer(rebasing: bytes[start...]))
      }
      switch transfer {
      case .bytes(let count): writtenByteCount += count
      case .wouldBlock: return
      case .end, nil: isInputBroken = true
      }
      if writtenByteCount == requests[writing].bytes.count {
        writing += 1
        writtenByteCount = 0
      }
    }
  }

  /// Takes a frame as the answer to the next request.
  mutating func accept(_ storage: TensorStorage) throws(ChildFault) {
    let request = requests[answers.count]
    guard writing > answers.count else {
      throw ChildFault(
        .unaskedAnswer, "expected nothing before \(operation) was asked, found an answer")
    }
    answers.append(try ProtocolAnswer(storage, to: request))
    deadline = .now + time
  }
}
