// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import CheckpointGenerators
import Layouts
import Tensors

/// Patterns that are ignored or tested on the wrong text, and tensors saved one at a time.
extension FaultBank {
  static let exclusion: [PlantedFault] = patterns + places
  static let streaming: [PlantedFault] = whole + parts

  /// Whether a key on disk is left out, by mistake.
  private typealias Excludes =
    @Sendable (_ pattern: String, _ name: TensorName, FaultyAdapter.Call) throws -> Bool

  /// Decides otherwise than by `re.match` what is left out, of whole state dicts.
  private static func deciding(_ excludes: @escaping Excludes) -> FaultyAdapter {
    FaultyAdapter(toHF: { session, dict, call in
      let all = try session.toHF(dict, excluding: "", call.rank)
      guard !call.excluding.isEmpty else { return all }
      let isExcluded = try Dictionary(
        uniqueKeysWithValues: all.names.map { ($0, try excludes(call.excluding, $0, call)) })
      return all.filter { isExcluded[$0] != true }
    })
  }

  static func matches(_ pattern: String, _ name: TensorName) throws -> Bool {
    try ExclusionPattern(pattern)?.matches(name) ?? false
  }

  private static let patterns: [PlantedFault] = [
    PlantedFault(
      "exclude-search", .exclusion, "the pattern is looked for anywhere in the key",
      cause: .toHF(.exclusionSearchesAnywhere), smallest: "excluding mlp",
      deciding { pattern, name, _ in try matches(".*(?:\(pattern))", name) }),
    PlantedFault(
      "exclude-fullmatch", .exclusion, "the pattern must match the whole key",
      cause: .toHF(.exclusionMatchesWholeKey), smallest: "excluding {stem head}\\.",
      deciding { pattern, name, _ in try matches("(?:\(pattern))$", name) }),
    PlantedFault(
      "exclude-ignored", .exclusion, "the pattern is ignored", cause: .toHF(.exclusionIgnored),
      smallest: "excluding {stem head}\\.", deciding { _, _, _ in false }),
    PlantedFault(
      "exclude-inverted", .exclusion, "only what the pattern matches is saved",
      cause: .toHF(.exclusionInverted), smallest: "excluding {stem head}\\.",
      deciding { pattern, name, _ in try !matches(pattern, name) }),
    PlantedFault(
      "exclude-literal", .exclusion, "the pattern is taken for the plain start of a key",
      cause: .toHF(.exclusionKeeps, .stored), smallest: "excluding .*\\.mlp\\.experts\\.",
      deciding { pattern, name, _ in name.text.hasPrefix(pattern.replacing(#"\"#, with: "")) }),
    PlantedFault(
      "exclude-experts-kept", .exclusion, "experts are saved whatever the pattern",
      cause: .toHF(.exclusionKeeps, .experts), smallest: "excluding model\\.layers\\.0\\.",
      deciding { try !$2.has($1, .allOfExperts) && matches($0, $1) }),
    PlantedFault(
      "exclude-experts-only", .exclusion, "the pattern is tested for experts only",
      cause: .toHF(.exclusionKeeps), smallest: "excluding {stem head}\\.",
      deciding { try $2.has($1, .allOfExperts) && matches($0, $1) }),
  ]

  private static let places: [PlantedFault] = [
    PlantedFault(
      "exclude-native-name", .exclusion, "the pattern is matched before keys are renamed and split",
      needs: [.joins], cause: .toHF(.exclusionTestsNativeName),
      smallest: "excluding .*\\.mlp\\.experts\\.0\\.",
      FaultyAdapter(toHF: { session, dict, call in
        guard !call.excluding.isEmpty else {
          return try session.toHF(dict, excluding: "", call.rank)
        }
        return try StateDict(
          dict.flatMap { name, tensor in
            try matches(call.excluding, name)
              ? [] : session.convertSingleTensorToHF(name, tensor, excluding: "", call.rank)
          }.map { ($0.name, $0.tensor) })
      })),
    PlantedFault(
      "exclude-ends-saving", .exclusion, "nothing is saved after the first key that is left out",
      cause: .toHF(.exclusionRemoves), smallest: "excluding model\\.layers\\.0\\.",
      FaultyAdapter(toHF: { session, dict, call in
        let all = try session.toHF(dict, excluding: "", call.rank)
        let kept = try session.toHF(dict, excluding: call.excluding, call.rank)
        let first = all.names.firstIndex { kept[$0] == nil } ?? all.count
        return try StateDict(all.prefix(first).map { ($0.name, $0.tensor) })
      })),
    PlantedFault(
      "exclude-whole-group", .exclusion,
      "a group is left out if the pattern matches any of its parts", needs: [.joins],
      cause: .toHF(.exclusionRemoves, .experts),
      smallest: "excluding .*\\.mlp\\.experts\\.\\d+\\.gate_proj\\.weight$",
      FaultyAdapter(toHF: { session, dict, call in
        guard !call.excluding.isEmpty else {
          return try session.toHF(dict, excluding: "", call.rank)
        }
        return try StateDict(
          dict.flatMap { name, tensor -> [(name: TensorName, tensor: Tensor)] in
            let parts = try session.convertSingleTensorToHF(name, tensor, excluding: "", call.rank)
            return try parts.contains { try matches(call.excluding, $0.name) } ? [] : parts
          }.map { ($0.name, $0.tensor) })
      })),
    PlantedFault(
      "exclude-remembered", .exclusion, "the pattern of one call is used in the next without one",
      cause: .toHF(.dependsOnEarlierCalls), smallest: "excluding model\\.layers\\.0\\.",
      FaultyAdapter(toHF: { session, dict, call in
        let before = call.memory.kept("pattern")?.names.first?.text ?? ""
        let pattern = call.excluding.isEmpty ? before : call.excluding
        if !call.excluding.isEmpty {
          call.memory.keep(
            try StateDict([(TensorName(pattern), Tensor(.u8, [0]) { _ in 0 })]), as: "pattern")
        }
        return try session.toHF(dict, excluding: pattern, call.rank)
      })),
    PlantedFault(
      "exclude-ignored-single", .exclusion,
      "the pattern is ignored when tensors are saved one by one",
      cause: .streaming(.exclusionIgnored), smallest: "excluding {stem head}\\.",
      FaultyAdapter(
        nativeIn: { dict, call in
          call.memory.keep(dict, as: "input")
          return dict
        },
        streamed: { _, call in
          guard let input = call.memory.kept("input") else { return StateDict() }
          return try saved(input, call)
        })),
    PlantedFault(
      "exclude-search-single", .exclusion,
      "the pattern is looked for anywhere when tensors are saved one by one",
      cause: .streaming(.exclusionSearchesAnywhere), smallest: "excluding mlp",
      FaultyAdapter(streamed: { dict, call in
        guard !call.excluding.isEmpty else { return dict }
        let pattern = try ExclusionPattern(".*(?:\(call.excluding))")
        return dict.filter { pattern?.matches($0) != true }
      })),
  ]

  /// What saving gives of one native tensor without a pattern.
  private static func saved(_ native: StateDict, _ call: FaultyAdapter.Call) throws -> StateDict {
    let session = ReferenceAdapter().session(for: call.setup)
    return try StateDict(
      native.flatMap { name, tensor in
        try session.convertSingleTensorToHF(name, tensor, excluding: "", call.rank)
      }.map { ($0.name, $0.tensor) })
  }

  private static let whole: [PlantedFault] = [
    PlantedFault(
      "single-not-renamed", .streaming, "names are not replaced when tensors are saved one by one",
      needs: [.renamed(.renamedRouting)], cause: .streaming(.notRenamed, .renamedRouting),
      smallest: "", FaultyAdapter(streamed: keepingNativeNames(.besideExperts))),
    PlantedFault(
      "single-not-transposed", .streaming, "experts are not transposed when saved one by one",
      needs: [.transposed(.experts)], cause: .streaming(.notTransposed(isSquare: false), .experts),
      smallest: "MoE intermediate size 2",
      FaultyAdapter(streamed: { dict, call in
        try dict.editing(.experts, call) { try $0.transposed() }
      })),
    PlantedFault(
      "single-not-split", .streaming, "groups are not split when tensors are saved one by one",
      needs: [.joins], cause: .streaming(.notRenamed, .down), smallest: "",
      FaultyAdapter(
        nativeIn: { dict, call in
          call.memory.keep(dict, as: "input")
          return dict
        },
        streamed: { dict, call in
          guard !dict.isEmpty, let input = call.memory.kept("input"), input.count == 1,
            input.names.contains(where: { call.has($0, .experts) })
          else { return dict }
          return input
        })),
    PlantedFault(
      "single-bias-cast", .streaming, "the router's bias is cast when saved by itself",
      needs: [.typed(.routerBias, true)],
      cause: .streaming(.cast(from: .f32, to: .bf16), .routerBias), smallest: "",
      FaultyAdapter(streamed: casting(.routerBias, to: .bf16))),
    PlantedFault(
      "single-outside-lost", .streaming, "tensors outside layers are lost when saved one by one",
      cause: .streaming(.keysDropped, .outside), smallest: "",
      FaultyAdapter(streamed: { dict, call in dict.filter { call.layer($0) != nil } })),
    PlantedFault(
      "single-prefix-lost", .streaming, "keys lose the prefix when tensors are saved one by one",
      cause: .streaming(.wrongPrefix("", insteadOf: "{prefix}")), smallest: "",
      FaultyAdapter(streamed: { dict, call in
        let prefix = call.setup.prefix
        return try dict.renaming(call) { key in
          key.layerText != nil && key.prefix == prefix ? key.with(prefix: "") : key.name.text
        }
      })),
    PlantedFault(
      "single-factors-lost", .streaming, "low-rank factors are lost when saved one by one",
      needs: [.lora], cause: .streaming(.keysDropped, .factors), smallest: withFactors(),
      FaultyAdapter(streamed: { dict, call in dict.without(.factors, call) })),
    PlantedFault(
      "single-router-first", .streaming,
      "experts saved one by one are lost if their layer's router has not come before them",
      cause: .streaming(.dependsOnOrder), smallest: "keys sorted",
      FaultyAdapter(streamed: { dict, call in
        let layers = dict.only(.router, call).names.compactMap(call.layer)
        for layer in layers { _ = call.memory.count("router \(layer)") }
        return dict.filter { name in
          !call.has(name, .allOfExperts)
            || call.layer(name).map { call.memory.has("router \($0)") } ?? true
        }
      })),
    PlantedFault(
      "single-needs-load", .streaming,
      "tensors saved one by one keep their native names until a checkpoint was loaded",
      needs: [.renamed(.renamedRouting)], cause: .streaming(.dependsOnEarlierCalls), smallest: "",
      breaks: "streaming-afresh",
      FaultyAdapter(
        nativeOut: { dict, call in
          _ = call.memory.count("load")
          return dict
        },
        streamed: { dict, call in
          call.memory.has("load") ? dict : try keepingNativeNames(.besideExperts)(dict, call)
        })),
  ]

  private static let parts: [PlantedFault] = [
    PlantedFault(
      "single-last-lost", .streaming, "the last part of a group is lost when saved by itself",
      needs: [.halves], cause: .streaming(.keysDropped, .up), smallest: "",
      FaultyAdapter(streamed: { dict, _ in
        guard dict.count > 1 else { return dict }
        return try StateDict(dict.dropLast().map { ($0.name, $0.tensor) })
      })),
    PlantedFault(
      "single-text-order", .streaming,
      "parts of a group are in the order of text when saved singly", needs: [.singleExperts],
      cause: .streaming(.keyOrder(.other(first: "{key experts 10}"))), smallest: "experts 11",
      FaultyAdapter(streamed: { dict, _ in try dict.arranged { $0.sorted() } })),
    PlantedFault(
      "single-halves-swapped", .streaming,
      "gate and up are exchanged when a group is saved by itself", needs: [.halves],
      cause: .streaming(.halvesExchanged), smallest: "contents tracer 0",
      FaultyAdapter(streamed: { dict, call in
        let halves = FaultSite.halves.rules(in: call.layout)
        return try dict.taking { name in
          let key = call.key(TensorName(name))
          guard case .tensor(let tensor) = key.subject,
            let place = halves.firstIndex(of: call.layout.tensors[tensor]), halves.count == 2
          else { return name }
          return key.with(rest: halves[1 - place].name.name(expert: key.expert ?? 0))
        }
      })),
    PlantedFault(
      "single-local-numbers", .streaming,
      "every expert is number 0 when a group is saved by itself", needs: [.singleExperts],
      cause: .streaming(.expertsMissing([1])), smallest: "experts 2",
      FaultyAdapter(streamed: { dict, call in
        try dict.renaming(call) { $0.with(expert: { _ in 0 }) }
      })),
  ]
}
