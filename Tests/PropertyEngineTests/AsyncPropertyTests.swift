// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Testing

@testable import PropertyEngine

private struct Refused: Error {}

private enum Local {
  @TaskLocal static var mark = 0
}

@Suite("Properties that suspend") struct AsyncPropertyTests {
  @Test("A body that suspends shrinks as others do, in the caller's task")
  func suspends() async {
    let property = AsyncProperty(Generator<Int>.integer().array())
    let report = await Local.$mark.withValue(7) {
      await property.run(Settings(examples: 300)) { value, context in
        await Task.yield()
        context.label("marked", if: Local.mark == 7)
        return .holds(value.count < 3)
      }
    }
    #expect(report.findings.first?.choices?.description == "T,0,T,0,T,0,F")
    #expect(report.labels.first?.count == report.passed)
  }

  @Test("A thrown error is a failure of its type")
  func throwing() async {
    let report = await AsyncProperty(Generator<Int>.integer()).run(Settings(examples: 200)) {
      value, _ in
      if value > 20 { throw Refused() }
      return .pass
    }
    #expect(report.findings.first?.key.kind == "threw Refused")
    #expect(report.findings.first?.choices?.description == "21")
  }
}
