// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import CheckpointGenerators
import Dispatch
import ExternalAdapters
import Files
import Layouts
import PropertyEngine
import Synchronization
import Tensors
import Testing

@Suite("An adapter in another process")
struct ExternalAdapterTests {
  @Test("says its name and version, and which values it supports")
  func hello() throws {
    let plain = try Scripted.adapter()
    #expect(plain.name == "scripted")
    #expect(plain.version == "1.2")
    #expect(plain.supports == [])
    #expect(plain.invalidInputContract == .losesNothing)
    let limited = try Scripted.adapter("supports@hello")
    #expect(
      limited.supports == [
        AxisSelection("LoRA", ["none"]), AxisSelection("activation", ["swiglu"]),
      ])
  }

  @Test("gives what the same adapter in this process gives, bit for bit and key for key")
  func bitEqual() throws {
    let adapter = try Scripted.adapter()
    for spec in Sample.specs(40) {
      let (here, there) = (
        ReferenceAdapter().session(for: spec.setup), adapter.session(for: spec.setup)
      )
      let onDisk = try Checkpoint(spec).stateDict()
      let native = try here.fromHF(onDisk, nil)
      let foundNative = try there.fromHF(onDisk, nil)
      #expect(Mismatch(expected: native, found: foundNative)?.summary == nil)
      let pattern = spec.exclusion.pattern(in: spec.config.layout)
      let saved = try here.toHF(native, excluding: pattern, nil)
      let foundSaved = try there.toHF(native, excluding: pattern, nil)
      #expect(Mismatch(expected: saved, found: foundSaved)?.summary == nil)
    }
  }

  @Test("obeys all laws on hundreds of random checkpoints")
  func laws() throws {
    let adapter = try Scripted.adapter(children: 2)
    let property = Property(Sample.small) { (spec: CheckpointSpec, _) in
      let trial = CheckpointUnderTest(spec, adapter)
      for law in Laws.all {
        if case .broken(let violation) = law.verdict(on: trial) {
          return .fail(FailureKey(law: law.name), violation.summary)
        }
      }
      return .pass
    }
    var settings = Settings(examples: 200)
    settings.threads = 2
    let report = property.run(settings)
    #expect(report.counterexamples.first?.message == nil)
    #expect(report.passed == 200)
  }

  @Test("refuses to start where the command is none, and says what helps")
  func commandNotFound() {
    let error = #expect(throws: ExternalAdapterError.self) {
      try ExternalAdapter(command: "hymt2-no-such-command", incidents: Folder.shared)
    }
    #expect(error?.code == .commandNotFound)
    #expect(error?.description.contains("check its spelling") == true)
    #expect(error?.found.contains("exited with status 127") == true)
  }

  @Test(
    "refuses to start where hello has no good answer",
    arguments: [
      (
        "refuse@hello", ExternalAdapterError.Code.helloRefused,
        "RuntimeError: Expert weights missing"
      ),
      ("wrong-protocol@hello", .wrongProtocol, "'hymt2-adapter/9'"),
      ("exit@start", .noHello, "exited with status 3"),
      ("complain@start", .noHello, "KeyError: 'model.embed'"),
      ("print@start", .noHello, "'Loading checkpoint shards: 100%"),
      ("bad-supports@hello", .noHello, "'[]'"),
      ("bad-accepts@hello", .noHello, "'all'"),
      ("sleep@hello", .noHello, "within 400 ms"),
    ])
  func noHello(rule: String, code: ExternalAdapterError.Code, found: String) {
    let error = #expect(throws: ExternalAdapterError.self) {
      try Scripted.adapter(
        rule,
        limits: ExternalLimits(startTime: .milliseconds(rule.hasPrefix("sleep") ? 400 : 30000)))
    }
    #expect(error?.code == code)
    #expect(error?.description.contains(found) == true, "\(String(describing: error))")
  }

  @Test(
    "says what a child wrote that exits before it is asked, however busy the machine is",
    arguments: [
      "echo no such model; exit 3", "printf oops; exit 3", "echo no such model >&2; exit 3",
      "printf oops >&2; sleep 0.01; exit 3", "echo oops; exec >&-; sleep 0.02; exit 3",
    ])
  func earlyExit(command: String) {
    let complaints = Mutex<[String]>([])
    DispatchQueue.concurrentPerform(iterations: 40) { index in
      let pause = ["", "sleep 0.005; ", "sleep 0.02; "][index % 3]
      do throws(ExternalAdapterError) {
        _ = try ExternalAdapter(command: pause + command, incidents: Folder.shared)
        complaints.withLock { $0.append("it was taken for an adapter") }
      } catch {
        let isTold =
          error.code == .noHello
          && error.found.contains(command.contains("oops") ? "oops" : "no such")
          && (error.found.contains("exited with status 3") || !command.contains(">&2"))
        if !isTold { complaints.withLock { $0.append(error.found) } }
      }
    }
    #expect(complaints.withLock { $0 } == [])
  }

  @Test("is given no invalid input if it or its user says that it takes any")
  func acceptsInvalidInput() throws {
    let stated = try Scripted.adapter("accepts@hello")
    #expect(stated.invalidInputContract == .accepts)
    #expect(stated.supports == [AxisSelection("LoRA", ["none"])])
    let told = try ExternalAdapter(
      command: Scripted.command(), limits: Scripted.patient, incidents: Folder.shared,
      acceptsInvalidInput: true)
    #expect(told.invalidInputContract == .accepts && told.supports == [])
  }

  @Test("tells once that the answer to hello takes long, and how long it may take")
  func slow() {
    let told = Mutex<[Duration]>([])
    let limits = ExternalLimits(startTime: .milliseconds(5300))
    let error = #expect(throws: ExternalAdapterError.self) {
      try ExternalAdapter(
        command: Scripted.command("sleep@hello"), limits: limits, incidents: Folder.shared,
        isSlow: { longest in told.withLock { $0.append(longest) } })
    }
    #expect(error?.found.contains("within 5300 ms") == true)
    #expect(told.withLock { $0 } == [.milliseconds(5300)])
  }

  @Test("reads tensors at any address, in pieces of any size")
  func unaligned() throws {
    let cases = (0..<8).flatMap { padding in [1, 3, 8, 4093].map { (padding, $0) } }
    let rules = cases.enumerated().map { "'odd-\($1.0)-\($1.1)@\($0 + 1)'" }
    let adapter = try ExternalAdapter(
      command: "exec '\(Scripted.program)' " + rules.joined(separator: " "),
      limits: Scripted.patient,
      incidents: Folder.shared)
    let specs = Sample.specs(12, seed: 3)
    for number in cases.indices {
      let spec = specs[number % specs.count]
      let onDisk = try Checkpoint(spec).stateDict()
      let expected = try ReferenceAdapter().session(for: spec.setup).fromHF(onDisk, nil)
      let found = try adapter.session(for: spec.setup).fromHF(onDisk, nil)
      #expect(Mismatch(expected: expected, found: found)?.summary == nil, "\(cases[number])")
      // Casts and transposes read elements, too, not bytes alone.
      let saved = try ReferenceAdapter().session(for: spec.setup).toHF(found, excluding: "", nil)
      let right = try ReferenceAdapter().session(for: spec.setup).toHF(expected, excluding: "", nil)
      #expect(Mismatch(expected: right, found: saved)?.summary == nil, "\(cases[number])")
    }
  }

  @Test("answers many requests at once that fill the pipes both ways")
  func pipelining() throws {
    let adapter = try Scripted.adapter()
    let session = adapter.session(for: Sample.plainest.setup)
    // Each is larger than a pipe, and all of them than what both sides could hold.
    let tensors = try StateDict(
      (0..<12).map { index in
        (
          TensorName("model.embed_tokens.part\(index)"),
          try Tensor(.u8, Shape([1 << 20])) { UInt64($0 ^ index) & 255 }
        )
      })
    let found = Result { try session.convertTensorsToHF(tensors, excluding: "", nil) }
    switch found {
    case .success(let pairs):
      let isSame = pairs.map(\.tensor) == tensors.tensors
      #expect(isSame)
    case .failure(let error):
      // The reference adapter may refuse such keys, but each of them has been answered.
      #expect(error is ExternalRefusal, "\(error)")
    }
    let keys = (0..<3000).map { TensorName("model.layers.\($0).input_layernorm.weight") }
    let answers = try session.areMTPKeys(keys)
    #expect(answers.count == keys.count)
  }

  @Test("serves threads that share its sessions and children")
  func threads() throws {
    let adapter = try Scripted.adapter(children: 3)
    let specs = Sample.specs(24, seed: 5)
    let differing = Mutex<[Int]>([])
    DispatchQueue.concurrentPerform(iterations: specs.count) { index in
      let spec = specs[index]
      guard let onDisk = try? Checkpoint(spec).stateDict(),
        let expected = try? ReferenceAdapter().session(for: spec.setup).fromHF(onDisk, nil),
        let found = try? adapter.session(for: spec.setup).fromHF(onDisk, nil), found == expected
      else { return differing.withLock { $0.append(index) } }
    }
    #expect(differing.withLock { $0 } == [])
  }
}
