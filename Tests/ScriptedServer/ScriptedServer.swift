// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import ExternalAdapters
import Safetensors

#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

/// Serves the reference adapter through the adapter protocol and misbehaves where it is told to.
///
/// Each argument is a rule such as `exit@3`, see `Rule`, or `pid-file=PATH` for what grandchildren
/// write their process number to.
@main
struct ScriptedServer {
  static func main() {
    var rules: [Rule] = []
    var pidFile = "/dev/null"
    for argument in CommandLine.arguments.dropFirst() {
      if argument.hasPrefix("pid-file=") {
        pidFile = String(argument.dropFirst(9))
      } else if let rule = Rule(argument) {
        rules.append(rule)
      } else {
        Channel.report("no such rule: \(argument)\n")
        exit(64)
      }
    }
    let misbehaviour = ScriptedMisbehaviour(pidFile: pidFile)
    for rule in rules where rule.time == .start { misbehaviour.perform(rule.kind) }
    var server = ReferenceServer()
    var number = 0
    while let frame = Channel.read() {
      let isHello = frame.metadata["op"] == "hello"
      if !isHello { number += 1 }
      let answer = server.answer(frame)
      let rule = rules.first { $0.applies(to: frame, number: number) }
      guard let rule else {
        Channel.write(answer)
        continue
      }
      misbehaviour.perform(rule.kind, answering: answer)
    }
  }
}

/// What to do and when: `KIND@start`, `KIND@hello`, `KIND@always`, `KIND@3` (the third request that is
/// not hello) or `KIND@experts=5`.
struct Rule {
  enum Time: Equatable {
    case start
    case hello
    case always
    case request(Int)
    case experts(Int)
  }

  let kind: String
  let time: Time

  init?(_ text: String) {
    let parts = text.split(separator: "@")
    guard parts.count == 2 else { return nil }
    kind = String(parts[0])
    switch parts[1] {
    case "start": time = .start
    case "hello": time = .hello
    case "always": time = .always
    case let text where text.hasPrefix("experts="):
      guard let count = Int(text.dropFirst(8)) else { return nil }
      time = .experts(count)
    case let text:
      guard let number = Int(text) else { return nil }
      time = .request(number)
    }
  }

  func applies(to frame: ProtocolFrame, number: Int) -> Bool {
    let isHello = frame.metadata["op"] == "hello"
    switch time {
    case .start: return false
    case .hello: return isHello
    case .always: return !isHello
    case .request(let wanted): return !isHello && number == wanted
    case .experts(let count): return ReferenceServer.expertCount(frame) == count
    }
  }
}
