// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Foundation
import Layouts
import Safetensors
import StrictJSON
import Tensors
import Testing

@Suite("The library is used as the README says")
struct LibraryExampleTests {
  @Test("The example goes to native form and back, without what it excludes")
  func example() throws {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    let path = root.appending(path: "SafetensorsTests/Fixtures/tiny-hyv3").path()
    let folder = try CheckpointFolder(path: path)
    let config = try ModelConfig(json: JSONValue(parsing: folder.config))
    let adapter = StateDictAdapter(config: config)
    let native = try adapter.fromHF(folder.stateDict())
    let onDisk = try adapter.toHF(native, excluding: "lm_head")
    #expect(native["model.layers.1.mlp.experts.gate_and_up_projs"]?.shape == [4, 8, 8])
    #expect(onDisk.count == folder.tensorCount - 1)
    let differing = onDisk.filter { folder.tensor(named: $0.name) != $0.tensor }
    #expect(differing.map(\.name.text) == [])
  }
}
