// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Tensors
import Testing

@Suite("Exclusion patterns mean what Python's re.match means")
struct ExclusionPatternTests {
  private let names: [TensorName] = [
    "model.layers.1.mlp.experts.0.gate_proj.weight", "model.layers.10.mlp.expert_bias",
    "lm_head.weight", "aa.bb", "a\n", "a-b&c", "]x[", "n\u{e9}e\u{301}", "x\u{663}", "A~B",
  ]

  /// Patterns, and for each name an `x` where `re.match` of Python 3.11 finds a match.
  private let answers: [(pattern: String, matches: String)] = [
    (#"model"#, "xx........"),
    (#"weight"#, ".........."),
    (#".*weight"#, "x.x......."),
    (#".*weight$"#, "x.x......."),
    (#".*weight\Z"#, "x.x......."),
    (#"a$"#, "....x....."),
    (#"a\Z"#, ".........."),
    (#"\Aa"#, "...xxx...."),
    (#"model\.layers\.1\."#, "x........."),
    (#"model.layers.1\b"#, "x........."),
    (#".*\bexperts\b"#, "x........."),
    (#".*\bmlp\b.*\bbias\b"#, ".........."),
    (#"(?P<n>a)(?P=n)"#, "...x......"),
    (#"(?P<n>b)(?P=n)"#, ".........."),
    (#"(?:a|b)+\."#, "...x......"),
    (#"[]x]+$"#, ".........."),
    (#"[^]]"#, "xxxxxx.xxx"),
    (#"a$|lm"#, "..x.x....."),
    (#"[\[\]]x"#, "......x..."),
    (#"[\[\]a]+"#, "...xxxx..."),
    (#"[--a]+"#, "...xxxx..x"),
    (#"[^--a]"#, "xxx....xx."),
    (#"[a&&b]+"#, "...xxx...."),
    (#"[a[]+"#, "...xxx...."),
    (#"[a~~B]+"#, "...xxx...."),
    (#"[+--]"#, ".........."),
    (#"[a\-b&c]+$"#, "....xx...."),
    (#"[-a]+b"#, ".....x...."),
    (#".*[^a-z.]"#, "xxx.xxxxxx"),
    ("n\u{e9}e$", ".........."),
    ("n\u{e9}e.$", ".......x.."),
    (#"x\d$"#, "........x."),
    (#"x[0-9]$"#, ".........."),
    (#"(?i)LM_"#, "..x......."),
    (#"(?i:MODEL)\."#, "xx........"),
    (#"(?!model)"#, "..xxxxxxxx"),
    (#"(?=lm)lm_"#, "..x......."),
    (#"a{1,2}\.b{2}$"#, "...x......"),
    (#"a{,2}\."#, "...x......"),
    (#".*\.(gate|up)_proj\.weight"#, "x........."),
    (#".*\.\d{2}\."#, ".x........"),
    (#"a*?$"#, "....x....."),
    (#"(a)\1"#, "...x......"),
    (#""#, ".........."),
    (#"$^"#, ".........."),
    (#"lm|aa"#, "..xx......"),
  ]

  @Test("Each pattern matches the names that Python says it matches")
  func sameAsPython() throws {
    for (text, expected) in answers {
      let pattern = try ExclusionPattern(text)
      let found = names.map { pattern?.matches($0) == true ? "x" : "." }.joined()
      #expect(found == expected, "\(text)")
    }
  }

  @Test("What Python refuses is refused, with the pattern named")
  func invalid() {
    let invalid = [
      "(", "[", "[]", "a**", "*a", "(?P=x)", "\\", "a{2,1}", "[z-a]", ")", #"[\w--\d]"#,
      "(?P<n>a)(?P<n>b)",
    ]
    for text in invalid {
      let error = #expect(throws: AdapterError.self, "\(text)") { try ExclusionPattern(text) }
      let offences = error?.problems.map { Offence($0.code, $0.subject) }
      #expect(offences == [Offence(.invalidPattern, TensorName(text))], "\(text)")
    }
  }

  @Test("No text makes it crash")
  func anyText() {
    var state: UInt64 = 1
    let alphabet = Array("ab.[](){}?*+^$|\\-&~:=!<>P,0129dwbZ#\u{301}\n")
    var accepted = 0
    for _ in 0..<2000 {
      var text = ""
      for _ in 0..<8 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        text.append(alphabet[Int(state >> 33) % alphabet.count])
      }
      guard let pattern = try? ExclusionPattern(text) else { continue }
      accepted += 1
      _ = pattern.matches("ab.0")
    }
    #expect(accepted > 100)
  }

  @Test("An empty pattern excludes nothing")
  func empty() throws {
    #expect(try ExclusionPattern("") == nil)
  }
}
