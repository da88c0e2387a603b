// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
public import PropertyEngine

extension Generator<CheckpointSpec> {
  /// Plain checkpoints of evenly distributed sizes, to compare the speed of tools on the same work:
  /// 1 to 16 experts, hidden size 1 to 32, MoE intermediate size 1 to 16, 1 to 4 layers, of which up
  /// to 2 are dense, and 0 to 2 MTP layers; random bfloat16.
  public static var published: Generator<CheckpointSpec> {
    Generator { source in
      func draw(_ range: ClosedRange<Int>) -> Int {
        Int(truncatingIfNeeded: source.draw(.integer(range, towards: range.lowerBound)))
      }
      let experts = draw(1...16)
      let layers = draw(1...4)
      let dense = min(draw(0...2), layers)
      let mtpLayers = draw(0...2)
      let hidden = draw(1...32)
      let intermediate = draw(1...16)
      let seed = source.draw(.integer(0...65535))
      let config = try? ModelConfig(
        vocabularySize: 16, hiddenSize: hidden, denseIntermediateSize: 8,
        moeIntermediateSize: intermediate, expertCount: experts,
        layerKinds: (0..<layers).map { $0 < dense ? .dense : .sparse }, mtpLayerCount: mtpLayers,
        attentionHeadCount: 2, keyValueHeadCount: 1, headSize: 4)
      guard let config else { return .plainest }
      return CheckpointSpec(
        AdapterSetup(config, AdapterOptions(mtpPolicy: .preserve)),
        contents: TensorContents(.random, seed: seed))
    }
  }
}
