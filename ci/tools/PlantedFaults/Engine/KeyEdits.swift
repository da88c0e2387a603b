// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import CheckpointGenerators
import Layouts
import Tensors

extension LenientKey {
  /// The key with another text after the layer.
  func with(rest: String) -> String { "\(name.text.dropLast(self.rest.count))\(rest)" }

  /// The key under another prefix; as it is outside layers.
  func with(prefix: String) -> String {
    layerText == nil ? name.text : prefix + name.text.dropFirst(self.prefix.count)
  }

  /// The key with another text for the layer's number, if it has one.
  func with(layer: String) -> String {
    guard let layerText else { return name.text }
    return "\(name.text.dropLast(rest.count + 1 + layerText.count))\(layer).\(rest)"
  }

  /// The key with another number of the layer, if a parser would read the one that it has.
  func with(layer change: (Int) -> Int) -> String {
    layer.map { with(layer: "\(change($0))") } ?? name.text
  }

  /// The key with another text for the expert's number, if it has one.
  func with(expert: String) -> String {
    var parts = rest.split(separator: ".", omittingEmptySubsequences: false).map { String($0) }
    guard let expertText, let place = parts.firstIndex(of: expertText) else { return name.text }
    parts[place] = expert
    return with(rest: parts.joined(separator: "."))
  }

  /// The key with another number of the expert, if a parser would read the one that it has.
  func with(expert change: (Int) -> Int) -> String {
    expert.map { with(expert: "\(change($0))") } ?? name.text
  }

  /// What the key has up to the expert's number; all of it if there is none.
  var expertStart: String {
    let parts = name.text.split(separator: ".", omittingEmptySubsequences: false)
    guard let expertText, let place = parts.lastIndex(of: expertText[...]) else { return name.text }
    return parts[...place].joined(separator: ".")
  }

  /// The name that the key has on disk, if it is the native one of a renamed tensor.
  func onDisk(in layout: Layout) -> String {
    guard case .renamed(let tensor) = subject else { return layout.toDisk(name.text) }
    return layout.toDisk(with(rest: layout.tensors[tensor].name.name(expert: expert ?? 0)))
  }

  /// The native name of a tensor on disk or of the group that it is a part of.
  func native(in layout: Layout) -> String {
    guard case .tensor(let tensor) = subject else { return layout.toNative(name.text) }
    switch layout.tensors[tensor].native {
    case .kept: return layout.toNative(name.text)
    case .renamed(let native): return layout.toNative(with(rest: native.name(expert: expert ?? 0)))
    case .part(let group, _): return layout.toNative(with(rest: layout.groups[group].name))
    }
  }
}

extension FaultyAdapter.Call {
  /// The layout of the config.
  var layout: Layout { setup.config.layout }

  /// What keys of the model start with natively.
  var nativePrefix: String {
    String(layout.toNative(setup.prefix + layout.block).dropLast(layout.block.count))
  }

  /// A key, taken apart.
  func key(_ name: TensorName) -> LenientKey { LenientKey(name, layout) }

  /// The number of a key's layer.
  func layer(_ name: TensorName) -> Int? { key(name).layer }

  /// Whether experts have gates.
  var isGated: Bool { !layout.hasGateOption || setup.options.activation.isGated }

  /// Whether a key is of a site.
  func has(_ name: TensorName, _ site: FaultSite) -> Bool { site.contains(key(name), in: layout) }

  /// The keys of a site outside layers under the stated prefix or another one.
  func outsideKeys(_ site: FaultSite, under prefix: String? = nil) -> [String] {
    site.rules(in: layout).filter { $0.kinds == nil }.map {
      layout.name($0.name.start, under: prefix ?? setup.prefix)
    }
  }
}

/// Edits of state dicts by what tensors are in a layout.
extension StateDict {
  /// The tensors of a site, edited; the others as they are.
  func editing(
    _ site: FaultSite, _ call: FaultyAdapter.Call, _ edit: (Tensor) throws -> Tensor
  ) throws -> StateDict {
    try editing(where: { call.has($0, site) }, edit)
  }

  /// The tensors without those of a site.
  func without(_ site: FaultSite, _ call: FaultyAdapter.Call) -> StateDict {
    filter { !call.has($0, site) }
  }

  /// The tensors of a site.
  func only(_ site: FaultSite, _ call: FaultyAdapter.Call) -> StateDict {
    filter { call.has($0, site) }
  }

  /// Edited names; the last of a name wins.
  func renaming(
    _ call: FaultyAdapter.Call, _ rename: (LenientKey) -> String
  ) throws -> StateDict {
    try renaming { rename(call.key(TensorName($0))) }
  }
}
