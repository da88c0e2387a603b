// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Layouts
import Tensors

/// Causes that show in layers, experts and shapes.
extension RefusalCause {
  /// The experts of each layer that has some, as keys on disk number them.
  private var experts: [Int: Set<Int>] {
    var result: [Int: Set<Int>] = [:]
    for info in plan.sources {
      let key = LenientKey(info.name, context.layout)
      guard case .tensor = key.subject, let layer = key.layer, let expert = key.expert else {
        continue
      }
      result[layer, default: []].insert(expert)
    }
    return result
  }

  private var hasNumberedExperts: Bool {
    plan.direction == .fromHF && context.layout.tensors.contains { $0.name.hasExpert }
  }

  /// The rows of routers tell that experts are missing, and not that the config is another model's.
  func parallelRank() -> String? {
    let held = experts
    guard hasNumberedExperts, let own = held.values.first, own.count < config.expertCount,
      config.expertCount.isMultiple(of: own.count), held.values.allSatisfy({ $0 == own }),
      let first = own.min(), let last = own.max(), last - first == own.count - 1,
      first.isMultiple(of: own.count), problems(.wrongShape).isEmpty
    else { return nil }
    return
      "each layer has experts \(NameCensus.ranges(own.sorted())) of \(config.expertCount) only, as a "
      + "rank of expert parallelism saves them: gather the \(config.expertCount / own.count) ranks"
  }

  func expertCount() -> String? {
    let counts = Set(experts.values.compactMap { $0.max() }.map { $0 + 1 })
    guard hasNumberedExperts, counts.count == 1, let count = counts.first,
      count != config.expertCount
    else { return nil }
    return "the layers have \(count) \(count == 1 ? "expert" : "experts"), and "
      + stated(context.expertField, config.expertCount)
  }

  func layersWithoutExperts() -> String? {
    let held = experts
    let stored = config.hiddenLayerCount
    let sparse = (0..<stored).filter { config.isSparse(layer: $0) }
    let without = sparse.filter { held[$0] == nil }
    guard hasNumberedExperts, !without.isEmpty, !problems(.missingTensor).isEmpty else {
      return nil
    }
    let all = without.count == sparse.count
    return "\(Self.layers(without)) \(without.count == 1 ? "has" : "have") no experts"
      + (all ? " on disk: they were left out, or have other names" : "")
  }

  func predictionLayers() -> String? {
    guard let rule = context.layout.layers.prediction, config.mtpLayerCount > 0 else { return nil }
    let range = config.hiddenLayerCount..<config.storedLayerCount
    let stored = Set(plan.sources.compactMap { LenientKey($0.name, context.layout).layer })
    let absent = range.filter { !stored.contains($0) }
    guard !absent.isEmpty, plan.direction == .fromHF else { return nil }
    return
      "the prediction \(Self.layers(absent)) of the config (\(rule.field) \(config.mtpLayerCount)) "
      + "\(absent.count == 1 ? "is" : "are") not there: "
      + (rule.isDroppedOnLoad ? "--mtp drop does without, or " : "")
      + "set \(rule.field) to \(config.mtpLayerCount - absent.count)"
  }

  func surplusLayers() -> String? {
    let surplus = problems(.surplusLayer)
    let numbers = Set(surplus.compactMap { LenientKey($0.subject, context.layout).layer })
    guard !numbers.isEmpty else { return nil }
    let field = context.layout.layers.prediction?.field
    return "there \(numbers.count == 1 ? "is" : "are") \(Self.layers(numbers)), and "
      + stated(context.layout.layers.countField, config.hiddenLayerCount)
      + (field.map { " and \($0) \(config.mtpLayerCount)" } ?? "")
  }

  func denseLayers() -> String? {
    let numbers = Set(
      problems(.expertsInDenseLayer).compactMap { LenientKey($0.subject, context.layout).layer })
    guard !numbers.isEmpty else { return nil }
    let field = context.layout.layers.patterns.lazy.compactMap(\.field).first
    return
      "\(Self.layers(numbers)) \(numbers.count == 1 ? "has" : "have") experts, and the config says that "
      + "\(numbers.count == 1 ? "it is" : "they are") dense\(field.map { " (\($0))" } ?? "")"
  }

  /// The expected and found extents of tensors with a wrong shape.
  private var wrongShapes: [(name: TensorName, expected: [Int], found: [Int])] {
    var found: [(name: TensorName, expected: [Int], found: [Int])] = []
    for problem in problems(.wrongShape) {
      guard let source = plan.index[problem.subject],
        let number = plan.index.numbers[source],
        let expected = context.catalog.shape(ofSource: number, plan.direction)
      else { continue }
      found.append((problem.subject, expected.extents, plan.sources[source].shape.extents))
    }
    return found
  }

  func paddedVocabulary() -> String? {
    let (wrong, rows) = (wrongShapes, config.vocabularySize)
    let padded = wrong.filter {
      $0.expected.first == rows && $0.found.first ?? 0 > rows
        && $0.expected.dropFirst() == $0.found.dropFirst()
    }
    guard let first = padded.first, padded.count == wrong.count,
      let field = context.layout.position(of: .vocabulary).map({ context.layout.sizes[$0].field })
    else { return nil }
    return
      "the vocabulary has \(first.found[0]) rows, and \(stated(field, rows)): a trainer padded it; cut "
      + "the rows of '\(first.name)', or set \(field)"
  }

  func otherShapes() -> String? {
    let wrong = wrongShapes
    guard let first = wrong.first, wrong.count == problems.count else { return nil }
    if wrong.allSatisfy({ $0.found == $0.expected.reversed() }) {
      return "\(wrong.count) tensors are transposed, '\(first.name)' for one"
    }
    let shares = Set(wrong.map { Self.share($0.found, of: $0.expected) })
    guard shares.count == 1, let share = shares.first, let share else { return nil }
    return
      "\(wrong.count) tensors are 1/\(share) of what the config says, as a rank of tensor parallelism "
      + "saves them: gather the \(share) ranks"
  }

  /// How many times one extent of a shape is in that of another, all others being equal.
  private static func share(_ found: [Int], of expected: [Int]) -> Int? {
    guard found.count == expected.count else { return nil }
    let axes = found.indices.filter { found[$0] != expected[$0] }
    guard axes.count == 1, found[axes[0]] > 0, expected[axes[0]].isMultiple(of: found[axes[0]])
    else { return nil }
    return expected[axes[0]] / found[axes[0]]
  }
}
