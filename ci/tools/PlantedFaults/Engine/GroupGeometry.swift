// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts

/// How parts of experts stand in native groups.
extension Layout {
  /// The native name of a tensor or of the group that it is a part of, of expert 0 if it has one.
  func nativeName(of rule: TensorRule) -> String {
    switch rule.native {
    case .kept: rule.name.name(expert: 0)
    case .renamed(let name): name.name(expert: 0)
    case .part(let group, _): groups[group].name
    }
  }

  /// The start of the last component of native low-rank factors of a tensor.
  func nativeFactor(of position: Int) -> String {
    lora.first { groups[$0.group].parts.contains(position) }?.native ?? ""
  }

  /// The axis along which gate and up stand one after the other, each in one piece, in their group
  /// or in the second of its low-rank factors; nil where there is no such group.
  var halvesAxis: Int? {
    let gate = FaultSite.gate.rules(in: self).first
    let up = FaultSite.up.rules(in: self).first
    guard case .part(let group, let terms)? = gate?.native,
      case .part(let other, let others)? = up?.native, group == other
    else { return nil }
    return terms.indices.first {
      terms[$0].offset != others[$0].offset && terms[$0].coefficient == 1
    }
  }

  /// Whether matrices of experts are transposed on load.
  func transposes(_ positions: [Int]) -> Bool {
    !positions.isEmpty
      && positions.allSatisfy { position in
        let rule = tensors[position]
        guard case .part(let group, let terms) = rule.native, rule.axes.count > 1 else {
          return false
        }
        let expertAxis = groups[group].expertAxis
        let axes = terms.indices.filter { $0 != expertAxis }.compactMap { terms[$0].axis }
        return axes == [rule.axes.count - 1, rule.axes.count - 2]
      }
  }
}

extension String {
  /// The text after its last dot.
  var lastComponent: String { String(split(separator: ".").last ?? "") }
}
