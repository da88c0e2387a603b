// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Tensors

/// Keys of other layouts on disk.
extension CheckpointFaultCatalogue {
  static let foreignLayouts: [CheckpointFaultKind] = [
    beside(
      "native-router-beside", "The router is there under its native name, too.",
      source: "two keys that land on one name; upstream lets the last one win", \.router),
    beside(
      "native-bias-beside", "The router's bias is there under its native name, too.",
      source: "two keys that land on one name; upstream lets the last one win", \.routerBias),
    beside(
      "native-shared-expert-beside", "The shared expert is there under its native name, too.",
      source: "quantized exports that write the shared expert under its native name",
      \.sharedUp),
    instead(
      "native-shared-expert-instead", "The shared expert has its native name only.",
      source: "quantized exports that write the shared expert under its native name",
      \.sharedUp),
    instead(
      "native-router-instead", "The router has its native name only.",
      source: "savers that do not undo the renames of loading", \.router),
    CheckpointFaultKind(
      "grouped-beside-experts", "A grouped native tensor is there beside the experts.",
      source: "exports with the fused and the split form of the same experts"
    ) { checkpoint, site in
      guard let layer = site.pick(checkpoint.sparseLayers),
        let native = site.pick(checkpoint.nativeExperts(layer)),
        let info = checkpoint.info(native, layer), checkpoint.add(info)
      else { return nil }
      checkpoint.offend(info.name, .foreignLayout, .nameCollision)
      return "layer \(layer) has \(info.name) beside its experts"
    },
    CheckpointFaultKind(
      "grouped-instead-of-experts", "A layer has grouped native tensors in place of experts.",
      source: "savers that write the names of the training framework"
    ) { checkpoint, site in
      guard let layer = site.pick(checkpoint.sparseLayers) else { return nil }
      checkpoint.dropExperts(layer)
      for native in checkpoint.nativeExperts(layer) {
        guard let info = checkpoint.info(native, layer), checkpoint.add(info) else { return nil }
        checkpoint.offend(info.name, .foreignLayout)
      }
      return "layer \(layer) has native tensors in place of its experts"
    },
    CheckpointFaultKind(
      "transformers-fused-experts", "A layer has the fused experts of transformers' memory.",
      source: "internal names that transformers once saved; vendors' own outer format"
    ) { checkpoint, site in
      guard let layer = site.pick(checkpoint.sparseLayers),
        !checkpoint.layout.foreignGroups.isEmpty
      else { return nil }
      checkpoint.dropExperts(layer)
      let shapes = checkpoint.nativeExperts(layer).map(\.extents)
      for (fused, extents) in zip(checkpoint.layout.foreignGroups, shapes) {
        let name = checkpoint.key(layer, fused)
        // The other framework keeps matrices as [output, input].
        guard let shape = try? Shape(extents.exchangingLast),
          checkpoint.add(TensorInfo(name, .bf16, shape))
        else { return nil }
        checkpoint.offend(name, .foreignLayout)
      }
      return "layer \(layer) has fused experts"
    },
    CheckpointFaultKind(
      "native-throughout", "The native form is given as a checkpoint on disk.",
      source: "files saved with internal names, of which loaders then drop nearly all"
    ) { checkpoint, _ in
      guard checkpoint.hasBase, checkpoint.spec.lora == nil else { return nil }
      let native = NativeTensors(checkpoint.spec).infos
      let onDisk = Set(checkpoint.infos.map(\.name))
      let foreign = native.map(\.name).filter { !onDisk.contains($0) }
      guard !foreign.isEmpty else { return nil }
      checkpoint.infos = native
      for name in foreign { checkpoint.offend(name, .foreignLayout) }
      checkpoint.touchAll()
      return "keys are those of the native form"
    },
  ]

  private static func beside(
    _ name: String, _ statement: String, source: String,
    _ rule: @escaping @Sendable (Layout) -> TensorRule?
  ) -> CheckpointFaultKind {
    CheckpointFaultKind(name, statement, source: source) { checkpoint, site in
      guard let rule = rule(checkpoint.layout), let native = checkpoint.layout.nativeName(of: rule),
        let layer = site.pick(checkpoint.sparseLayers),
        let info = checkpoint.info(checkpoint.key(layer, rule))
      else { return nil }
      let added = checkpoint.key(layer, native)
      guard checkpoint.add(TensorInfo(added, info.dtype, info.shape)) else { return nil }
      checkpoint.offend(added, .foreignLayout, .nameCollision)
      return "layer \(layer) has \(native) beside \(rule.name.start)"
    }
  }

  private static func instead(
    _ name: String, _ statement: String, source: String,
    _ rule: @escaping @Sendable (Layout) -> TensorRule?
  ) -> CheckpointFaultKind {
    CheckpointFaultKind(name, statement, source: source) { checkpoint, site in
      guard let rule = rule(checkpoint.layout), let native = checkpoint.layout.nativeName(of: rule),
        let layer = site.pick(checkpoint.sparseLayers)
      else { return nil }
      let (old, new) = (checkpoint.key(layer, rule), checkpoint.key(layer, native))
      guard checkpoint.rename(old, to: new) else { return nil }
      checkpoint.offend(new, .foreignLayout)
      if checkpoint.isWhole { checkpoint.offend(old, .missingTensor) }
      return "layer \(layer) has \(native) in place of \(rule.name.start)"
    }
  }
}

extension FaultyCheckpoint {
  /// The native tensors of all experts of a layer.
  fileprivate func nativeExperts(_ layer: Int) -> [NativeExperts] {
    NativeTensors(spec).experts(layer, count: config.expertCount)
  }

  fileprivate func info(_ native: NativeExperts, _ layer: Int) -> TensorInfo? {
    (try? Shape(native.extents)).map { TensorInfo(key(layer, native.rest), native.dtype, $0) }
  }
}

extension [Int] {
  /// The extents of a shape with its last two axes exchanged.
  var exchangingLast: [Int] { count < 2 ? self : dropLast(2) + [self[count - 1], self[count - 2]] }

  /// The extents with another number of indices on the axis at a place from the end.
  func adding(_ step: Int, fromEnd place: Int) -> [Int] {
    indices.map { self[$0] + ($0 == count - place ? step : 0) }
  }
}
