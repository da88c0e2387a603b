// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Tensors

// The values of axes that no type of the adapter has already, the simplest first.

/// How many decoder layers are dense, and whether they are the first ones.
enum DensePrefix: String, CaseIterable {
  case nothing = "none"
  case one
  case several = "some"
  case everything = "all"
  /// Some, of which one at least comes after a sparse one.
  case scattered = "not the first"
}

enum MTPStorage: String, CaseIterable {
  case stored, absent
}

enum HiddenSizeClass: String, CaseIterable {
  case one = "1"
  case powerOfTwo = "power of two"
  case odd
  case otherEven = "other even"

  init(_ size: Int) {
    if size == 1 {
      self = .one
    } else if size & (size - 1) == 0 {
      self = .powerOfTwo
    } else {
      self = size.isMultiple(of: 2) ? .otherEven : .odd
    }
  }
}

/// How the MoE intermediate size relates to the hidden size; the first that holds.
enum IntermediateRelation: String, CaseIterable {
  case one = "1"
  case equal = "= hidden"
  case half = "half of hidden"
  case smaller = "smaller than hidden"
  case larger = "larger than hidden"

  init(_ size: Int, hidden: Int) {
    if size == 1 {
      self = .one
    } else if size == hidden {
      self = .equal
    } else if 2 * size == hidden {
      self = .half
    } else {
      self = size < hidden ? .smaller : .larger
    }
  }
}

enum HeadSharing: String, CaseIterable {
  case none = "MHA"
  case groups = "GQA"
  case one = "MQA"
}

enum BiasPlaces: String, CaseIterable {
  case none
  case attention
  case mlp = "MLP"
  case both

  var hasAttention: Bool { self == .attention || self == .both }
  var hasMLP: Bool { self == .mlp || self == .both }
}

enum ParallelismClass: String, CaseIterable {
  case none
  case dividing = "ranks divide experts"
  case uneven = "uneven ranks"
  case surplus = "more ranks than experts"
}

enum RankPosition: String, CaseIterable {
  case first, middle, last
}

/// The element type of expert weights, and whether scales stand beside them.
enum ExpertTypeClass: String, CaseIterable {
  case bf16, f16, f32
  case f8E4M3 = "f8e4m3"
  case f8E5M2 = "f8e5m2"
  case scaled = "f8e4m3 with scales"

  var dtype: DType { self == .scaled ? .f8E4M3 : DType(inWords: rawValue) ?? .bf16 }
}

/// The target type of a cast; one that is the experts' own counts as `same`.
enum TargetTypeClass: String, CaseIterable {
  case same = "as the experts"
  case bf16, f16, f32
  case f8E4M3 = "f8e4m3"
  case f8E5M2 = "f8e5m2"

  /// The type, or nil for that of the experts.
  var dtype: DType? { DType(inWords: rawValue) }
}

enum OtherTypeClass: String, CaseIterable {
  case bf16, f16, f32

  var dtype: DType { DType(inWords: rawValue) ?? .bf16 }
}

enum ExpertBiasClass: String, CaseIterable {
  case f32, absent, bf16
}

enum LoRAClass: String, CaseIterable {
  case none
  case perExpert = "per expert"
  case paramWrapper = "ParamWrapper"
  case legacyParamWrapper = "legacy ParamWrapper"

  var layout: LoRASpec.Layout? {
    switch self {
    case .none: nil
    case .perExpert: .perExpert
    case .paramWrapper: .paramWrapper
    case .legacyParamWrapper: .legacyParamWrapper
    }
  }
}

enum LoRAPrefixClass: String, CaseIterable {
  case peft = "base_model.model.model."
  case own = "the model's"
}

enum LoRALayoutHint: String, CaseIterable {
  case unstated = "left to the shapes"
  case stated
}

enum KeyOrderClass: String, CaseIterable {
  case schema, sorted, reversed, shuffled, sharded
}

enum ExclusionClass: String, CaseIterable {
  case none, head, layer, experts
  case expert = "one expert"
  case projection = "one projection"
  case expertBias = "expert bias"
  case nativeExpertBias = "native expert bias"
  case unanchored, everything
}

enum ContentsClass: String, CaseIterable {
  case constant, tracer, iota, random, special
}

extension CaseIterable where Self: Equatable {
  /// The position among all cases.
  var axisValue: UInt8 {
    var position: UInt8 = 0
    for candidate in Self.allCases {
      if candidate == self { return position }
      position += 1
    }
    return position
  }

  /// The case at a position, or the first one.
  static func at(axisValue: UInt8) -> Self where AllCases == [Self] {
    let cases = allCases
    return cases[Int(axisValue) < cases.count ? Int(axisValue) : 0]
  }
}

extension DType {
  /// The name in the spelling of reports.
  var inWords: String { rawValue.lowercased().filter { $0 != "_" } }

  /// The type of a name in the spelling of reports.
  init?(inWords name: String) {
    guard let type = Self.byWord[name] else { return nil }
    self = type
  }

  private static let byWord = Dictionary(
    uniqueKeysWithValues: allCases.map { ($0.inWords, $0) })
}
