// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts

/// Something that a layout must have for a fault to have a place in it.
public struct FaultNeed: Sendable {
  /// Why a layout has it not, or nil if it has.
  let absence: @Sendable (Layout) -> String?

  private init(_ absence: @escaping @Sendable (Layout) -> String?) { self.absence = absence }

  private init(_ absence: String, unless holds: @escaping @Sendable (Layout) -> Bool) {
    self.absence = { holds($0) ? nil : absence }
  }

  /// Tensors of a site.
  static func has(_ site: FaultSite) -> FaultNeed {
    FaultNeed { site.positions(in: $0).isEmpty ? "it has no \(site.words)" : nil }
  }

  /// Two tensors of a site, to be taken for each other.
  static func pair(_ site: FaultSite) -> FaultNeed {
    FaultNeed { site.positions(in: $0).count < 2 ? "it has no two \(site.words)" : nil }
  }

  /// Tensors of a site with another name in native form.
  static func renamed(_ site: FaultSite) -> FaultNeed {
    FaultNeed { layout in
      let rules = site.rules(in: layout)
      return rules.isEmpty
        ? "it has no \(site.words)"
        : rules.contains(where: \.isRenamed) ? nil : "\(site.words): the native name is the same"
    }
  }

  /// A tensor of a site with the same element type in every checkpoint.
  static func typed(_ site: FaultSite, _ isTyped: Bool) -> FaultNeed {
    FaultNeed { layout in
      let rules = site.rules(in: layout)
      return rules.isEmpty
        ? "it has no \(site.words)"
        : rules.contains { ($0.dtype != nil) == isTyped }
          ? nil : "\(site.words): the type is \(isTyped ? "the config's" : "always the same")"
    }
  }

  /// Matrices of a part that are transposed on load.
  static func transposed(_ site: FaultSite) -> FaultNeed {
    FaultNeed { layout in
      site.rules(in: layout).isEmpty
        ? "it has no \(site.words)"
        : layout.transposes(site.positions(in: layout))
          ? nil : "\(site.words): not transposed in native form"
    }
  }

  /// A flag of its configs.
  static func flag(_ name: String) -> FaultNeed {
    FaultNeed { $0.position(ofFlag: name) == nil ? "its configs have no '\(name)'" : nil }
  }

  /// Experts that each have tensors of their own on disk.
  static let singleExperts = FaultNeed("its experts are grouped on disk") { layout in
    layout.tensors.contains { $0.name.hasExpert }
  }
  /// Native tensors that are made of parts, sliced by ranks and cast.
  static let groups = FaultNeed("nothing is grouped, cast or sliced") { !$0.groups.isEmpty }
  /// Groups of several tensors on disk.
  static let joins = FaultNeed("no native tensor is made of several") { layout in
    layout.groups.contains { group in
      group.parts.count > 1 || group.parts.contains { layout.tensors[$0].name.hasExpert }
    }
  }
  /// Gate and up that stand one after the other.
  static let halves = FaultNeed("gate and up are one tensor on disk") { $0.halvesAxis != nil }
  /// Low-rank factors that are converted.
  static let lora = FaultNeed("low-rank factors pass unchanged") { !$0.lora.isEmpty }
  /// Another prefix than the usual one.
  static let otherPrefixes = FaultNeed("all keys have one prefix") { $0.prefixes.count > 1 }
  /// Scales beside weights.
  static let companions = FaultNeed("it has no scales beside weights") { !$0.companions.isEmpty }
  /// Experts with or without gates, as an option says.
  static let gateOption = FaultNeed("its experts always have gates") { $0.hasGateOption }
  /// Multi-token prediction layers.
  static let mtp = FaultNeed("it has no MTP layers") { $0.layers.prediction != nil }
  /// MTP layers with experts.
  static let mtpExperts = FaultNeed("its MTP layers, if any, have no experts") {
    $0.layers.prediction?.kind == .sparse
  }
  /// MTP layers that are dropped on load.
  static let mtpDropped = FaultNeed("it has no MTP layers that are dropped on load") {
    $0.layers.prediction?.isDroppedOnLoad == true
  }
  /// Layers with experts and layers without.
  static let denseLayers = FaultNeed("all of its layers have experts") { layout in
    layout.layers.patterns.contains { $0 != .all }
  }
}
