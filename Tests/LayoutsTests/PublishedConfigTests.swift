// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Foundation
import Layouts
import Safetensors
import StrictJSON
import Tensors
import Testing

@Suite("Tables against published and saved models")
struct PublishedConfigTests {
  /// A row of the table in Generators/configs/README.md.
  struct Figures: Sendable, CustomTestStringConvertible {
    let file: String
    let layout: String
    let tensors: Int
    let parameters: Int
    let mtp: (tensors: Int, parameters: Int)?

    var testDescription: String { file }

    static func all() throws -> [Figures] {
      func number(_ text: Substring) -> Int? { Int(text.filter { $0 != "," && $0 != " " }) }
      return try Repository.text("Generators/configs/README.md").split(separator: "\n")
        .filter { $0.hasPrefix("| `") }
        .map { line in
          let cells = line.split(separator: "|")
          let mtp = cells.count > 5 ? cells[5].split(separator: ":") : []
          return Figures(
            file: String(cells[0].filter { $0 != "`" && $0 != " " }),
            layout: String(cells[2].filter { $0 != " " }), tensors: number(cells[3]) ?? 0,
            parameters: number(cells[4]) ?? 0,
            mtp: mtp.count == 2 ? (number(mtp[0]) ?? 0, number(mtp[1]) ?? 0) : nil)
        }
    }
  }

  @Test(
    "Each published config has the tensors and parameters of the page", arguments: try Figures.all()
  )
  func figures(_ figures: Figures) throws {
    let config = try ModelConfig(json: Repository.json("Generators/configs/\(figures.file)"))
    #expect(config.layout.name == figures.layout)
    let listing = try config.listing()
    #expect(listing.count == figures.tensors)
    #expect(listing.reduce(0) { $0 + $1.info.shape.elementCount } == figures.parameters)
    let mtp = listing.filter { $0.layer.map { $0 >= config.hiddenLayerCount } == true }
    #expect(mtp.count == figures.mtp?.tensors ?? 0)
    #expect(mtp.reduce(0) { $0 + $1.info.shape.elementCount } == figures.mtp?.parameters ?? 0)
  }

  @Test(
    "There are figures of every published config, and a config of every table but one that extends another"
  )
  func complete() throws {
    let figures = try Figures.all()
    let folder = Repository.path.appending(path: "Generators/configs").path(percentEncoded: false)
    let files = try FileManager.default.contentsOfDirectory(atPath: folder)
    #expect(Set(figures.map(\.file)) == Set(files.filter { $0.hasSuffix(".json") }))
    #expect(Set(figures.map(\.layout)).union(["hy_mt2"]) == Set(Layout.knownNames))
  }

  static let saved = [
    "hy_v3", "qwen3_moe", "glm4_moe", "deepseek_v3", "deepseek_v32", "glm_moe_dsa",
    "glm4_moe_lite", "minimax_m2", "gpt_oss", "qwen3_vl_moe", "qwen3_omni_moe", "qwen3_omni",
    "minimax_m3_vl",
  ]

  @Test(
    "A checkpoint that transformers saved has the names, types and shapes of the table",
    arguments: saved)
  func fixture(_ name: String) throws {
    let folder = Bundle.module.bundleURL.appending(path: "Fixtures/\(name)")
    let text = try String(contentsOf: folder.appending(path: "config.json"), encoding: .utf8)
    var json = try #require(try JSONValue(parsing: Array(text.utf8)).objectValue)
    // transformers has no modules for prediction layers and saves none.
    json["num_nextn_predict_layers"] = nil
    let config = try ModelConfig(json: .object(json))
    #expect(config.layout.name == name)
    let file = try SafetensorsFile(
      path: folder.appending(path: "model.safetensors").path(percentEncoded: false))
    func sorted(_ infos: [TensorInfo]) -> [String] { infos.map(\.description).sorted() }
    // The tables of Qwen3-VL-MoE and Qwen3-Omni do not speak of towers.
    let towers =
      ["visual.", "audio_tower."].flatMap { [$0, "model.\($0)", "thinker.\($0)"] }
      + ["vision_tower.", "multi_modal_projector.", "patch_merge_mlp."]
    let saved = file.infos.filter { info in !towers.contains { info.name.text.hasPrefix($0) } }
    #expect(sorted(saved) == sorted(try config.listing().map(\.info)))
    #expect(saved.count > 30)
  }
}
