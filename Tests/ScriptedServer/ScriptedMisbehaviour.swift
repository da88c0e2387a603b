// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import ExternalAdapters
import Safetensors
import Tensors

#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

/// What a bad adapter does instead of answering, or beside it.
struct ScriptedMisbehaviour {
  let pidFile: String

  func perform(_ kind: String, answering answer: ProtocolFrame = ProtocolFrame([:])) {
    if let malformed = Self.malformed(answer, kind) { return Channel.write(malformed) }
    let whole = Channel.encoded(answer)
    if kind.hasPrefix("odd-") { return writeOddly(whole, kind) }
    switch kind {
    case "sleep": sleep(3600)
    case "exit": exit(3)
    case "exit-clean": exit(0)
    case "segfault": end(by: SIGSEGV)
    case "abort": end(by: SIGABRT)
    case "complain":
      Channel.report("Traceback (most recent call last):\nKeyError: 'model.embed'\n")
      exit(1)
    case "random": Channel.write((0..<200).map { UInt8(truncatingIfNeeded: $0 * 151 ^ 0xa5) })
    case "twice": Channel.write(whole + whole)
    case "late":
      usleep(900_000)
      Channel.write(whole)
    case "half":
      Channel.write(Array(whole.prefix(whole.count / 2)))
      exit(0)
    case "stall":
      Channel.write(Array(whole.prefix(whole.count / 2)))
      sleep(3600)
    case "print": Channel.write(Array("Loading checkpoint shards: 100%\n".utf8) + whole)
    case "short-print": Channel.write(Array("hi\n".utf8) + whole)
    case "print-after": Channel.write(whole + Array("done\n".utf8))
    case "flood":
      let line = String(repeating: "warning: something is deprecated ", count: 2000) + "\n"
      for _ in 0..<200 { Channel.report(line) }
      Channel.write(whole)
    case "eat": eatMemory()
    case "oversize": Channel.write([0, 0, 0, 0, 0, 1, 0, 0])
    case "close": close(1); sleep(3600)
    case "grandchild": spawn("sleep 1000", whole)
    case "daemon": spawn("setsid sleep 1000", whole)
    case "grandchild-exit":
      spawn("sleep 1000", [])
      exit(5)
    default:
      Channel.report("no such misbehaviour: \(kind)\n")
      exit(64)
    }
  }

  /// Writes an answer whose header has more padding, in pieces, as in `odd-3-7`: three spaces, seven bytes.
  private func writeOddly(_ answer: [UInt8], _ kind: String) {
    let numbers = kind.split(separator: "-").compactMap { Int($0) }
    let (padding, piece) = (numbers[0], numbers[1])
    func size(_ bytes: ArraySlice<UInt8>) -> Int {
      bytes.reversed().reduce(0) { $0 << 8 | Int($1) }
    }
    func bytes(_ size: Int) -> [UInt8] {
      (0..<8).map { UInt8(truncatingIfNeeded: size >> (8 * $0)) }
    }
    let header = size(answer[8..<16])
    let frame =
      bytes(answer.count - 8 + padding) + bytes(header + padding) + answer[16..<16 + header]
      + [UInt8](repeating: UInt8(ascii: " "), count: padding) + answer[(16 + header)...]
    for start in stride(from: 0, to: frame.count, by: piece) {
      Channel.write(Array(frame[start..<min(frame.count, start + piece)]))
    }
  }

  private func end(by number: Int32) -> Never {
    _ = signal(number, SIG_DFL)
    raise(number)
    exit(67)
  }

  /// Starts a process that holds our pipes open and outlives us.
  private func spawn(_ command: String, _ answer: [UInt8]) {
    _ = unsafe system("(\(command) & echo $! > '\(pidFile)')")
    Channel.write(answer)
  }

  private func eatMemory() {
    var eaten: [[UInt8]] = []
    for part in 0..<2048 {
      eaten.append([UInt8](repeating: UInt8(truncatingIfNeeded: part), count: 1 << 20))
      usleep(1000)
    }
    sleep(3600)
    withExtendedLifetime(eaten) {}
  }

  private static func malformed(_ answer: ProtocolFrame, _ kind: String) -> [UInt8]? {
    var frame = answer
    switch kind {
    case "wrong-id": frame.metadata["id"] = "someone else"
    case "no-id": frame.metadata["id"] = nil
    case "no-ok": frame.metadata["ok"] = nil
    case "bad-ok": frame.metadata["ok"] = "True"
    case "wrong-protocol": frame.metadata["protocol"] = "hymt2-adapter/9"
    case "refuse":
      frame.metadata["ok"] = "false"
      frame.metadata["error_type"] = "RuntimeError"
      frame.metadata["error_message"] = "Expert weights missing:\nlayer 1"
    case "bad-changes": frame.metadata["changed_inputs"] = "{}"
    case "changes": frame.metadata["changed_inputs"] = #"["model.norm.weight"]"#
    case "maybe": frame.metadata["is_mtp"] = "maybe"
    case "bad-supports": frame.metadata["supports"] = "[]"
    case "accepts": frame.metadata["supports"] = #"{"LoRA":["none"],"invalid input":["none"]}"#
    case "other-layout": frame.metadata["layout"] = "qwen3_moe"
    case "file-layout": frame.metadata["layout"] = "./own.yaml"
    case "unknown-layout": frame.metadata["layout"] = "qwen3_mo"
    case "bad-accepts": frame.metadata["supports"] = #"{"invalid input":["all"]}"#
    case "supports": frame.metadata["supports"] = #"{"LoRA":["none"],"activation":["swiglu"]}"#
    default: return forged(answer, kind)
    }
    return Channel.encoded(frame)
  }

  /// Frames that an encoder does not make: `keys` is edited where it stands.
  private static func forged(_ answer: ProtocolFrame, _ kind: String) -> [UInt8]? {
    let replacement: (old: String, new: String)
    switch kind {
    case "no-keys": replacement = (#""keys":"#, #""yeks":"#)
    case "keys-not-list": replacement = (#""keys":"["#, #""keys":"{"#)
    case "other-tensor": replacement = ("norm.weight", "morn.weight")
    case "bad-dtype": replacement = ("BF16", "BF61")
    default: return nil
    }
    var bytes = Channel.encoded(answer)
    let (old, new) = (Array(replacement.old.utf8), Array(replacement.new.utf8))
    for start in 0...max(0, bytes.count - old.count)
    where bytes[start..<min(bytes.count, start + old.count)].elementsEqual(old) {
      bytes.replaceSubrange(start..<start + old.count, with: new)
      break
    }
    return bytes
  }
}
