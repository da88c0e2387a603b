// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Tensors
import Testing

@testable import CheckpointGenerators

@Suite("Generated checkpoints of every layout")
struct LayoutSpecsTests {
  static let layouts = Layout.knownNames.compactMap { Layout.known($0) }

  @Test("Configs are valid, of the layout, and read back equal", arguments: layouts)
  func configs(layout: Layout) throws {
    let drawn = specs(CheckpointSpace(layout: layout), count: 2000)
    #expect(drawn.count == 2000)
    for config in Set(drawn.map(\.config)) {
      #expect(config.layout == layout)
      #expect(try ModelConfig(json: config.json, layout: layout) == config, "\(config.json)")
    }
    for spec in drawn {
      let values = AxisValues(spec)
      let beyond = ConfigAxis.allCases.filter { axis in
        !layout.values(of: axis).contains(values.assignment[axis])
      }
      #expect(beyond == [], "\(spec)")
    }
  }

  @Test("The reference adapter accepts them in both directions", arguments: layouts)
  func valid(layout: Layout) {
    #expect(specs(CheckpointSpace(layout: layout), count: 60).compactMap(refusal) == [])
    #expect(refusal(of: .plainest(of: layout)) == nil)
  }

  @Test("All flags take both values, sizes vary, and so do the kinds of layers", arguments: layouts)
  func variety(layout: Layout) {
    let drawn = specs(CheckpointSpace(layout: layout), count: 1000)
    for (position, rule) in layout.flags.enumerated() {
      #expect(Set(drawn.map { $0.config.flags[position] }).count == 2, "\(rule.name)")
    }
    for position in layout.ownSizes {
      let sizes = Set(drawn.map { $0.config.sizes[position] })
      #expect(sizes.min() == layout.sizes[position].least, "\(layout.sizes[position].field)")
      #expect(sizes.count == 7)
    }
    let kinds = Set(drawn.flatMap { $0.config.layerKinds })
    #expect(kinds == (layout.values(of: .densePrefix).count > 1 ? [.dense, .sparse] : [.sparse]))
    let hasVariants = drawn.contains { !$0.config.variant.layers.isEmpty }
    #expect(hasVariants == (layout.variant != nil))
    let share = drawn.count { $0.bystanders != .none }
    #expect(50...200 ~= share)
    #expect(Set(drawn.map(\.bystanders)).count == 3)
  }

  @Test("The plainest checkpoint has the least of everything", arguments: layouts)
  func plainest(layout: Layout) {
    let spec = CheckpointSpec.plainest(of: layout)
    #expect(spec.config.expertCount == 1 && spec.config.hiddenSize == 1)
    #expect(spec.config.layerKinds == [.sparse])
    #expect(spec.description.contains("layout \(layout.name)") == (layout.name != "hy_v3"))
  }

  @Test(
    "Unknown keys stand beside what the layout knows and are none of its names", arguments: layouts)
  func bystanders(layout: Layout) {
    for value in 1...2 {
      let space = CheckpointSpace(layout: layout, pinned: [.bystanders: value])
      for spec in specs(space, count: 20) {
        let checkpoint = Checkpoint(spec)
        #expect(!checkpoint.bystanders.isEmpty)
        #expect(Set(checkpoint.infos.map(\.name)).isSuperset(of: checkpoint.bystanders))
        #expect(Set(checkpoint.infos.map(\.name)).count == checkpoint.infos.count)
        for name in checkpoint.bystanders {
          let key = LenientKey(name, layout)
          #expect(key.subject == .unknown, "\(name)")
        }
        if value == 2 {
          let infos = checkpoint.infos.filter { checkpoint.bystanders.contains($0.name) }
          #expect(infos.allSatisfy { $0.shape.elementCount == 0 })
        }
      }
    }
  }

  @Test("Unknown keys pass through the reference adapter unchanged, both ways", arguments: layouts)
  func passThrough(layout: Layout) throws {
    for value in 1...2 {
      let space = CheckpointSpace(layout: layout, pinned: [.bystanders: value, .exclusion: 0])
      for spec in specs(space, count: 10) {
        let checkpoint = Checkpoint(spec)
        let planner = AdapterPlanner(spec.config, spec.options)
        let native = try planner.fromHF(checkpoint.infos).destinations
        let back = try planner.toHF(native).destinations
        let passing = checkpoint.bystanders
        let natively = Set(passing.map { layout.toNative($0) })
        #expect(Set(native.map(\.name)).isSuperset(of: natively), "\(spec)")
        #expect(Set(back.map(\.name)).isSuperset(of: passing), "\(spec)")
      }
    }
  }
}
