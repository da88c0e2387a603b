// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Tensors

/// Keys of other layouts on disk; comments say where such faults come from.
extension CheckpointFaultCatalogue {
  static let foreignLayouts: [CheckpointFaultKind] = [
    // Two keys that land on one name; upstream lets the last one win.
    beside("native-router-beside", \.router),
    beside("native-bias-beside", \.routerBias),
    // Quantized exports that write the shared expert under its native name.
    beside("native-shared-expert-beside", \.sharedUp),
    instead("native-shared-expert-instead", \.sharedUp),
    // Savers that do not undo the renames of loading.
    instead("native-router-instead", \.router),
    // Exports with the fused and the split form of the same experts.
    CheckpointFaultKind("grouped-beside-experts") { checkpoint, site in
      guard let layer = site.pick(checkpoint.sparseLayers),
        let native = site.pick(checkpoint.nativeExperts(layer)),
        let info = checkpoint.info(native, layer),
        checkpoint.add(info, .foreignLayout, .nameCollision)
      else { return nil }
      return "layer \(layer) has \(info.name) beside its experts"
    },
    // Savers that write the names of the training framework.
    CheckpointFaultKind("grouped-instead-of-experts") { checkpoint, site in
      guard let layer = site.pick(checkpoint.sparseLayers) else { return nil }
      checkpoint.dropExperts(layer)
      for native in checkpoint.nativeExperts(layer) {
        guard let info = checkpoint.info(native, layer), checkpoint.add(info, .foreignLayout)
        else { return nil }
      }
      return "layer \(layer) has native tensors in place of its experts"
    },
    // Internal names that transformers once saved; vendors' own outer format.
    CheckpointFaultKind("transformers-fused-experts") { checkpoint, site in
      guard let layer = site.pick(checkpoint.sparseLayers),
        !checkpoint.layout.foreignGroups.isEmpty
      else { return nil }
      checkpoint.dropExperts(layer)
      let shapes = checkpoint.nativeExperts(layer).map(\.extents)
      for (fused, extents) in zip(checkpoint.layout.foreignGroups, shapes) {
        // The other framework keeps matrices as [output, input].
        guard let shape = try? Shape(extents.exchangingLast),
          checkpoint.add(TensorInfo(checkpoint.key(layer, fused), .bf16, shape), .foreignLayout)
        else { return nil }
      }
      return "layer \(layer) has fused experts"
    },
    // Files saved with internal names, of which loaders then drop nearly all.
    CheckpointFaultKind("native-throughout") { checkpoint, _ in
      guard checkpoint.hasBase, checkpoint.spec.lora == nil else { return nil }
      let native = NativeTensors(checkpoint.spec).infos(of: Checkpoint(checkpoint.spec))
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
    _ name: String, _ rule: @escaping @Sendable (Layout) -> TensorRule?
  ) -> CheckpointFaultKind {
    CheckpointFaultKind(name) { checkpoint, site in
      guard let rule = rule(checkpoint.layout), let native = checkpoint.layout.nativeName(of: rule),
        let layer = site.pick(checkpoint.sparseLayers),
        let info = checkpoint.info(checkpoint.key(layer, rule)),
        checkpoint.add(
          TensorInfo(checkpoint.key(layer, native), info.dtype, info.shape), .foreignLayout,
          .nameCollision)
      else { return nil }
      return "layer \(layer) has \(native) beside \(rule.name.start)"
    }
  }

  private static func instead(
    _ name: String, _ rule: @escaping @Sendable (Layout) -> TensorRule?
  ) -> CheckpointFaultKind {
    .renamed(name) { checkpoint, site in
      guard let rule = rule(checkpoint.layout), checkpoint.layout.nativeName(of: rule) != nil,
        let layer = site.pick(checkpoint.sparseLayers)
      else { return nil }
      return FaultPlace(
        layer: layer, expert: nil, rule: rule, name: checkpoint.key(layer, rule))
    } to: { checkpoint, place in
      checkpoint.layout.nativeName(of: place.rule).map {
        (
          checkpoint.key(place.layer, $0), [.foreignLayout],
          "layer \(place.layer) has \($0) in place of \(place.rule.name.start)"
        )
      }
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
