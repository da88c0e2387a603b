// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import CheckpointGenerators
import Layouts
import Tensors

extension Diagnosis {
  /// What is special about a key that `isMTPKey` is asked about.
  public enum MTPKeyForm: String, Sendable, Hashable {
    /// A key of the model, or one outside all layers.
    case plain
    /// A key of the model under a prefix that is not understood, while others are.
    case prefix
    /// A key of another module in such a layer.
    case otherModule
    /// What should be a layer's number is none.
    case noNumber
    /// The number of the layer has leading zeros.
    case leadingZeros
    /// A second layer's number follows, as in `layers.0.layers.2.x`.
    case twoNumbers
  }
}

/// A key that `isMTPKey` is asked about, whether on disk or not, and what it should say.
///
/// Upstream says yes to what `(?:model\.)?layers\.(\d+)\.` matches at the start of a key, if the number is at
/// least `num_hidden_layers`; the model's own prefix counts here, too.
struct AskedKey {
  let name: TensorName
  /// What is before the layer of a plain key.
  var prefix = ""
  /// The number that a reader should see.
  let layer: Int?
  let isMTP: Bool
  let form: Diagnosis.MTPKeyForm
}

extension CheckpointSpec {
  /// What keys of the model may start with.
  var modelPrefixes: [String] { [prefix, config.layout.prefixes[0], ""].unique }

  /// Keys of decoder layers and of those after them, of other modules and of none, and keys that look like those.
  var askedKeys: [AskedKey] {
    let layout = config.layout
    let count = config.hiddenLayerCount
    let rest = layout.tensors.first { $0.kinds != nil && !$0.isOfExperts }?.name.start ?? "weight"
    var keys = [AskedKey(layout.layerStart + "weight", nil, false, .plain)]
    for layer in [0, count - 1, count, count + 1, 10 * count + 10].unique {
      for prefix in modelPrefixes {
        let name = layout.start(ofLayer: layer, under: prefix) + rest
        keys.append(AskedKey(name, prefix: prefix, layer, layer >= count, .plain))
      }
      let name = layout.start(ofLayer: layer, under: "vision.") + "weight"
      keys.append(AskedKey(name, layer, false, .otherModule))
    }
    let first = layout.prefixes[0]
    for prefix in ["vision.\(first)", "vision_\(first)", "\(first.dropLast())_"] {
      let name = layout.start(ofLayer: count, under: prefix) + rest
      keys.append(AskedKey(name, count, false, .otherModule))
    }
    let block = layout.name(layout.layerStart, under: prefix)
    let ends = ["+\(count)", " \(count)", "\(count)x", "x\(count)", "\(count)_0"].map {
      "\($0).\(rest)"
    }
    for name in (ends + ["\(count)"]).map({ block + $0 }) + ["\(block.dropLast())_\(count).\(rest)"]
    {
      keys.append(AskedKey(name, nil, false, .noNumber))
    }
    for layer in [count - 1, count] {
      keys.append(AskedKey("\(block)0\(layer).\(rest)", layer, layer >= count, .leadingZeros))
    }
    for (layer, other) in [(0, count), (count, 0)] {
      let name = "\(block)\(layer).\(layout.block)\(other).\(rest)"
      keys.append(AskedKey(name, layer, layer >= count, .twoNumbers))
    }
    return keys
  }
}

extension AskedKey {
  fileprivate init(
    _ name: String, prefix: String = "", _ layer: Int?, _ isMTP: Bool, _ form: Diagnosis.MTPKeyForm
  ) {
    self.init(name: TensorName(name), prefix: prefix, layer: layer, isMTP: isMTP, form: form)
  }
}
