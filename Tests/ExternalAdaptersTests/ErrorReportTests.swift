// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Testing

@testable import ExternalAdapters

/// What a runtime writes to standard error when a program fails, and what of it is told.
struct Complaint: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let text: String
  let account: String?

  init(_ runtime: String, _ text: String, _ account: String?) {
    (testDescription, self.text, self.account) = (runtime, text, account)
  }

  static let all = [
    Complaint(
      "Python",
      """
      loading 3 shards
      Traceback (most recent call last):
        File "/opt/adapter.py", line 9, in <module>
          main()
        File "/opt/adapter.py", line 45, in from_hf
          raise Unfit("no such layer")
          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      adapter.Unfit: no such layer
      done
      """, "adapter.Unfit: no such layer (/opt/adapter.py:45)"),
    Complaint(
      "Python, an error that another led to",
      """
      Traceback (most recent call last):
        File "a.py", line 2, in f
          d["x"]
      KeyError: 'x'

      During handling of the above exception, another exception occurred:

      Traceback (most recent call last):
        File "a.py", line 4, in g
          raise ValueError("bad") from None
      ValueError: bad
      """, "ValueError: bad (a.py:4)"),
    Complaint(
      "Python, a file that it cannot read",
      """
        File "/opt/adapter.py", line 3
          def f(:
                ^
      SyntaxError: invalid syntax
      """, "SyntaxError: invalid syntax (/opt/adapter.py:3)"),
    Complaint(
      "Node",
      """
      /opt/adapter.js:12
          throw new RangeError('start offset of Uint16Array should be a multiple of 2');
          ^

      RangeError: start offset of Uint16Array should be a multiple of 2
          at new Uint16Array (<anonymous>)
          at read (/opt/adapter.js:12:11)
          at node:internal/main/run_main_module:23:47

      Node.js v20.11.1
      """, "RangeError: start offset of Uint16Array should be a multiple of 2 (/opt/adapter.js:12)"),
    Complaint(
      "Node, with a code",
      """
      node:internal/modules/cjs/loader:1143
        throw err;
        ^

      Error: Cannot find module './codec'
      Require stack:
      - /opt/adapter.js
          at Module._resolveFilename (node:internal/modules/cjs/loader:1140:15)
        code: 'MODULE_NOT_FOUND',

      Node.js v20.11.1
      """, "Error: Cannot find module './codec'"),
    Complaint(
      "Rust",
      """
      thread 'main' panicked at src/main.rs:7:9:
      index out of bounds: the len is 3 but the index is 3
      note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace
      """,
      "thread 'main' panicked at src/main.rs:7:9: index out of bounds: the len is 3 but the index is 3"
    ),
    Complaint(
      "Go",
      """
      panic: runtime error: index out of range [5] with length 3

      goroutine 1 [running]:
      main.load(...)
      \t/opt/adapter/main.go:31 +0x1d
      exit status 2
      """, "panic: runtime error: index out of range [5] with length 3 (/opt/adapter/main.go:31)"),
    Complaint(
      "Java",
      """
      Exception in thread "main" java.lang.IllegalStateException: no layer
      \tat Adapter.load(Adapter.java:17)
      Caused by: java.io.IOException: closed
      \tat Pipe.read(Pipe.java:8)
      \t... 1 more
      """, "Caused by: java.io.IOException: closed (Pipe.java:8)"),
    Complaint(
      "C++",
      """
      terminate called after throwing an instance of 'std::out_of_range'
        what():  map::at
      """,
      "terminate called after throwing an instance of 'std::out_of_range' what():  map::at"),
    Complaint(
      "Swift", "Adapter/Load.swift:12: Fatal error: Index out of range\n",
      "Adapter/Load.swift:12: Fatal error: Index out of range"),
    Complaint(
      "Ruby", "adapter.rb:3:in `load': no layer (RuntimeError)\n\tfrom adapter.rb:9:in `<main>'\n",
      "adapter.rb:3:in `load': no layer (RuntimeError)"),
    Complaint(
      "a shell", "sh: 1: adapter: not found\n", "sh: 1: adapter: not found"),
    Complaint("nothing known", "one\ntwo\nthree\n", "two | three"),
    Complaint("blank lines", " \n\n", nil),
  ]
}

@Suite("Of what a child wrote to standard error")
struct ErrorReportTests {
  @Test("the line that looks like the error is told, with its place", arguments: Complaint.all)
  func account(complaint: Complaint) {
    var tail = StandardErrorTail(capacity: 1 << 16)
    tail.append(Array("ValueError: of an earlier request\n".utf8))
    tail.mark()
    tail.append(Array(complaint.text.utf8))
    #expect(tail.account == complaint.account)
  }
}
