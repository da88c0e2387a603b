// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import CheckpointGenerators
import Dispatch
import ExternalAdapters
import Synchronization
import Tensors
import Testing

/// What a script does, and what it is to be reported for.
struct Misdeed: Sendable, CustomTestStringConvertible {
  let script: String
  let kind: Misbehaviour.Kind
  let account: String
  /// Whether it can only be noticed by waiting.
  var takesTime = false

  var testDescription: String { script }

  static let all: [Misdeed] = [
    Misdeed(script: "sleep", kind: .hung, account: "within 300 ms, found nothing", takesTime: true),
    Misdeed(script: "late", kind: .hung, account: "within 300 ms, found nothing", takesTime: true),
    Misdeed(script: "stall", kind: .hung, account: " bytes; ", takesTime: true),
    Misdeed(
      script: "close", kind: .crashed,
      account: "the process closed its standard output while from_hf was open"),
    Misdeed(
      script: "exit", kind: .crashed,
      account: "the process exited with status 3 while from_hf was open"),
    Misdeed(script: "exit-clean", kind: .crashed, account: "exited with status 0"),
    Misdeed(script: "segfault", kind: .crashed, account: "was ended by SIGSEGV"),
    Misdeed(script: "abort", kind: .crashed, account: "was ended by SIGABRT"),
    Misdeed(
      script: "complain", kind: .crashed,
      account: "; standard error: Traceback (most recent call last): | KeyError: 'model.embed'"),
    Misdeed(script: "grandchild-exit", kind: .crashed, account: "exited with status 5"),
    Misdeed(script: "eat", kind: .outOfMemory, account: "expected at most 160 MiB of memory"),
    Misdeed(script: "random", kind: .garbage, account: "expected a frame, found a5 32 8b"),
    Misdeed(script: "half", kind: .garbage, account: "which ended after "),
    Misdeed(
      script: "print", kind: .garbage,
      account:
        "expected a frame, found 'Loading checkpoint shards: 100%…' where a frame's size should be"),
    Misdeed(script: "short-print", kind: .garbage, account: "expected a frame, found 'hi…' where"),
    Misdeed(script: "wrong-id", kind: .wrongID, account: "found 'someone else'"),
    Misdeed(script: "twice", kind: .unaskedAnswer, account: "expected "),
    Misdeed(
      script: "print-after", kind: .unaskedAnswer,
      account: "expected nothing after the answer to from_hf, found 'done"),
    Misdeed(
      script: "oversize", kind: .oversized,
      account: "expected a frame of at most 4 GiB, found a size of 1099511627776 bytes"),
    Misdeed(script: "no-id", kind: .malformedAnswer, account: "expected a member 'id'"),
    Misdeed(script: "no-ok", kind: .malformedAnswer, account: "expected a member 'ok'"),
    Misdeed(
      script: "bad-ok", kind: .malformedAnswer,
      account: "expected 'true' or 'false' as 'ok', found 'True'"),
    Misdeed(
      script: "wrong-protocol", kind: .malformedAnswer, account: "found 'hymt2-adapter/9'"),
    Misdeed(script: "bad-changes", kind: .malformedAnswer, account: "a list in 'changed_inputs'"),
    Misdeed(script: "no-keys", kind: .malformedAnswer, account: "expected 'keys' beside"),
    Misdeed(script: "keys-not-list", kind: .malformedAnswer, account: "expected JSON in 'keys'"),
    Misdeed(
      script: "other-tensor", kind: .malformedAnswer,
      account: "expected a tensor for each of 'keys', found none for '"),
    Misdeed(script: "bad-dtype", kind: .malformedAnswer, account: "found 'BF61'"),
  ]

  var limits: ExternalLimits {
    ExternalLimits(
      requestTime: takesTime ? .milliseconds(300) : .seconds(20), startTime: .seconds(30),
      memory: 160 << 20)
  }

  /// Does it at the n-th request and tells what was not reported as it should be.
  func complaint(at number: Int) -> String? {
    do {
      let adapter = try Scripted.adapter("\(script)@\(number)", limits: limits)
      defer { adapter.shutdown(after: .zero) }
      for _ in 1..<number { try adapter.load() }
      // What comes after an answer may be read with the next request only.
      let found = misbehaviour { for _ in 0..<2 { try adapter.load() } }
      guard let found else { return "\(script): no misbehaviour" }
      let isRight =
        found.kind == kind
        && (found.account.contains(account) || kind == .unaskedAnswer)
        && found.account.contains("kept in '")
      return isRight ? nil : "\(script): \(found)"
    } catch {
      return "\(script): \(error)"
    }
  }
}

@Suite("What a child does instead of answering")
struct MisbehaviourTests {
  @Test("is reported by its kind, with what was expected and found", arguments: Misdeed.all)
  func kinds(misdeed: Misdeed) {
    #expect(misdeed.complaint(at: 1) == nil)
  }

  @Test("Each of fifty misbehaving children in one run is reported for what it did")
  func fiftyChildren() {
    let complaints = Mutex<[String]>([])
    DispatchQueue.concurrentPerform(iterations: 50) { index in
      let misdeed = Misdeed.all[index % Misdeed.all.count]
      if let complaint = misdeed.complaint(at: 1 + index % 3) {
        complaints.withLock { $0.append(complaint) }
      }
    }
    #expect(complaints.withLock { $0 } == [])
  }

  @Test("A flood on standard error keeps no child from answering")
  func flood() throws {
    let adapter = try Scripted.adapter("flood@always")
    let native = try adapter.load()
    #expect(!native.isEmpty)
  }

  @Test("An answer that is neither true nor false is none to is_mtp_key")
  func neitherTrueNorFalse() throws {
    let adapter = try Scripted.adapter("maybe@2")
    let session = adapter.session(for: Sample.plainest.setup)
    #expect(try session.isMTPKey("model.layers.0.x") == false)
    let found = misbehaviour { _ = try session.isMTPKey("model.layers.0.x") }
    #expect(found?.kind == .malformedAnswer)
    #expect(
      found?.account.contains("expected 'true' or 'false' as 'is_mtp', found 'maybe'") == true)
  }

  @Test("A refusal is an error with the adapter's words, on one line")
  func refusal() throws {
    let adapter = try Scripted.adapter("refuse@1")
    let error = #expect(throws: ExternalRefusal.self) { try adapter.load() }
    #expect(error?.description == "RuntimeError: Expert weights missing: layer 1")
    #expect(error?.message == "Expert weights missing:\nlayer 1")
    #expect(try !adapter.load().isEmpty)
  }

  @Test("Inputs that the adapter says it changed are known to the session")
  func changedInputs() throws {
    let adapter = try Scripted.adapter("changes@2", "changes@3")
    let session = adapter.session(for: Sample.plainest.setup)
    for expected in [[], ["model.norm.weight"], ["model.norm.weight"]] {
      _ = try session.isMTPKey("x")
      #expect(session.changedInputs.map(\.text) == expected)
    }
  }
}
