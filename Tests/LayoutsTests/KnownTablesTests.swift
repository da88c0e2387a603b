// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts
import Testing

@Suite("The tables that are part of the program")
struct KnownTablesTests {
  @Test("Every known table can be read, in each of its native forms")
  func readable() throws {
    #expect(Layout.knownNames.count >= 3)
    for name in Layout.knownNames {
      let layout = try Layout.named(name)
      for native in layout.natives {
        let form = try Layout.named(name, native: native)
        #expect(!form.tensors.isEmpty, "\(name), \(native)")
      }
    }
  }
}
