// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import Adapters
import CheckpointGenerators
import Layouts
import Tensors

/// Checks that are missing: invalid input is repaired or thrown away without a word.
extension FaultBank {
  static let validation: [PlantedFault] = missing + surplus + wrong + reports

  /// What becomes of invalid tensors: the input made valid, and tensors added to the result.
  private typealias Repair =
    @Sendable ([Problem], StateDict, FaultyAdapter.Call) throws -> (
      input: StateDict, passed: StateDict
    )

  /// An adapter that lacks a check, on load and on save.
  private static func unchecked(
    _ code: Problem.Code,
    where isConcerned: @escaping @Sendable (Problem, FaultyAdapter.Call) -> Bool = { _, _ in true },
    _ repair: @escaping Repair
  ) -> FaultyAdapter {
    let convert:
      @Sendable (StateDict, FaultyAdapter.Call, (StateDict) throws -> StateDict) throws -> StateDict =
        { dict, call, convert in
          do {
            return try convert(dict)
          } catch let error as AdapterError {
            let ignored = error.problems.filter { $0.code == code && isConcerned($0, call) }
            let others = error.problems.filter { $0.code != code || !isConcerned($0, call) }
            guard !ignored.isEmpty else { throw error }
            guard others.isEmpty else { throw AdapterError(others) }
            let (input, passed) = try repair(ignored, dict, call)
            return try convert(input).appending(passed)
          }
        }
    return FaultyAdapter(
      fromHF: { session, dict, call in
        try convert(dict, call) { try session.fromHF($0, call.rank) }
      },
      toHF: { session, dict, call in
        try convert(dict, call) {
          try session.toHF($0, excluding: call.excluding, call.rank)
        }
      })
  }

  /// The offending tensors are thrown away.
  private static let dropping: Repair = { findings, dict, _ in
    let names = Set(findings.map(\.subject))
    return (dict.filter { !names.contains($0) }, StateDict())
  }

  /// The offending tensors come out as they went in.
  private static let passing: Repair = { findings, dict, _ in
    let names = Set(findings.map(\.subject))
    return (dict.filter { !names.contains($0) }, dict.filter { names.contains($0) })
  }

  /// Tensors of the schema that are missing, made of zeros.
  private static let zeros: Repair = { findings, dict, call in
    let schema = ModelSchema(
      call.setup.config, prefix: call.setup.options.prefix,
      activation: call.setup.options.activation
    ).tensors(includingMTP: true)
    let missing = Set(findings.map(\.subject))
    let dtype =
      dict.first { call.has($0.name, .allOfExperts) }?.tensor.dtype ?? call.setup.config.dtype
    let made = try StateDict(
      schema.filter { missing.contains($0.name) }.map { info in
        (
          info.name,
          try Tensor(call.has(info.name, .allOfExperts) ? dtype : info.dtype, info.shape) { _ in 0 }
        )
      })
    return (try dict.appending(made), StateDict())
  }

  @Sendable private static func isOfExpert(
    _ finding: Problem, _ call: FaultyAdapter.Call
  ) -> Bool { call.has(finding.subject, .experts) }

  private static let missing: [PlantedFault] = [
    PlantedFault(
      "unchecked-missing-experts", .validation, "experts that are missing become zeros",
      cause: .unnamed(.missingTensor), smallest: "fault empty",
      unchecked(.missingTensor, where: isOfExpert, zeros)),
    PlantedFault(
      "unchecked-missing-others", .validation, "tensors beside experts may be missing",
      cause: .unnamed(.missingTensor), smallest: "fault empty",
      FaultyAdapter(setup: { setup in
        var setup = setup
        setup.options.completeness = .presentGroups
        return setup
      })),
    PlantedFault(
      "unchecked-missing-last-expert", .validation,
      "the largest number on disk tells how many experts there are", needs: [.singleExperts],
      cause: .unnamed(.missingTensor), smallest: "fault *",
      unchecked(
        .missingTensor,
        where: { isOfExpert($0, $1) && $1.key($0.subject).expert != 0 },
        zeros)),
    PlantedFault(
      "unchecked-incomplete-factors", .validation,
      "low-rank factors of an incomplete group are thrown away", needs: [.lora],
      cause: .unnamed(.incompleteLoRA), smallest: withFactors(behind: "; fault *"),
      unchecked(.incompleteLoRA) { _, dict, call in
        (dict.without(.factors, call), StateDict())
      }),
  ]

  private static let surplus: [PlantedFault] = [
    PlantedFault(
      "unchecked-surplus-experts", .validation, "experts beyond num_experts are thrown away",
      needs: [.singleExperts], cause: .unnamed(.surplusExpert), smallest: "fault *",
      unchecked(.surplusExpert, dropping)),
    PlantedFault(
      "unchecked-surplus-layers", .validation, "layers beyond the config's are thrown away",
      cause: .unnamed(.surplusLayer), smallest: "fault *", unchecked(.surplusLayer, dropping)),
    PlantedFault(
      "unchecked-dense-layers", .validation, "experts in dense layers are passed through",
      needs: [.denseLayers], cause: .unnamed(.expertsInDenseLayer), smallest: "fault *",
      unchecked(.expertsInDenseLayer, passing)),
    PlantedFault(
      "unchecked-gates", .validation, "gate projections of experts without gate are thrown away",
      needs: [.gateOption], cause: .unnamed(.gateOfNonGatedExpert), smallest: "fault *",
      unchecked(.gateOfNonGatedExpert, dropping)),
    PlantedFault(
      "unchecked-prediction-tensors", .validation,
      "tensors of prediction layers are passed through in decoder layers", needs: [.mtp],
      cause: .unnamed(.predictionTensorInDecoderLayer),
      smallest: "MTP layers 1; MTP policy preserve; fault *",
      unchecked(.predictionTensorInDecoderLayer, passing)),
    PlantedFault(
      "unchecked-expert-keys", .validation, "keys of experts that no rule knows are thrown away",
      cause: .unnamed(.unknownExpertKey), smallest: "fault *",
      unchecked(.unknownExpertKey, dropping)),
    PlantedFault(
      "unchecked-foreign-layouts", .validation, "keys of another layout are passed through",
      cause: .unnamed(.foreignLayout), smallest: "fault *", unchecked(.foreignLayout, passing)),
    PlantedFault(
      "unchecked-prefixes", .validation, "keys under a foreign prefix are passed through",
      cause: .unnamed(.unknownPrefix), smallest: "fault *", unchecked(.unknownPrefix, passing)),
    PlantedFault(
      "unchecked-scales", .validation, "scales without a weight are thrown away",
      needs: [.companions], cause: .unnamed(.scaleWithoutWeight), smallest: "fault *",
      unchecked(.scaleWithoutWeight, dropping)),
  ]

  private static let wrong: [PlantedFault] = [
    PlantedFault(
      "unchecked-shapes", .validation, "tensors of wrong shapes are forced into the right ones",
      cause: .unnamed(.wrongShape), smallest: "fault *",
      unchecked(.wrongShape) { findings, dict, _ in
        var extents: [TensorName: [Int]] = [:]
        for finding in findings {
          extents[finding.subject] = finding.expected.split { !$0.isNumber }.compactMap { Int($0) }
        }
        return (
          try StateDict(
            dict.map { name, tensor in
              guard let extents = extents[name] else { return (name, tensor) }
              return (name, try tensor.reshaped(Shape(extents)))
            }), StateDict()
        )
      }),
    PlantedFault(
      "unchecked-types", .validation, "the bits of integers are taken for those of experts",
      needs: [.groups], cause: .unnamed(.wrongDType), smallest: "fault *",
      unchecked(.wrongDType) { findings, dict, call in
        let names = Set(findings.map(\.subject))
        return (
          try dict.editing(where: names.contains) { tensor in
            try Tensor(call.setup.options.targetDType, tensor.shape) { tensor.bits(at: $0) }
          }, StateDict()
        )
      }),
    PlantedFault(
      "unchecked-padded-numbers", .validation, "numbers with leading zeros are read as others",
      cause: .unnamed(.nonCanonicalIndex), smallest: "fault *",
      unchecked(.nonCanonicalIndex) { findings, dict, call in
        let names = Set(findings.map(\.subject))
        return (
          try dict.renaming(call) { key in
            guard names.contains(key.name) else { return key.name.text }
            return call.key(TensorName(key.with(layer: { $0 }))).with(expert: { $0 })
          }, StateDict()
        )
      }),
    PlantedFault(
      "unchecked-different-factors", .validation,
      "of two factors A of gate and up that differ gate's is kept", needs: [.lora],
      cause: .unnamed(.differentLoRAFactors), smallest: withFactors(behind: "; fault *"),
      unchecked(.differentLoRAFactors) { _, dict, call in
        let gates = Dictionary(
          dict.names.filter { call.has($0, FaultSite.gate.factors(isA: true)) }.map { name in
            (call.key(name).expertStart, name.text)
          }, uniquingKeysWith: { first, _ in first })
        return (
          try dict.taking { text in
            let key = call.key(TensorName(text))
            return FaultSite.up.factors(isA: true).contains(key, in: call.layout)
              ? gates[key.expertStart] ?? text : text
          }, StateDict()
        )
      }),
    PlantedFault(
      "unchecked-fused-layout", .validation,
      "fused factors whose layout nothing tells are taken for PEFT 0.19.1's", needs: [.lora],
      cause: .unnamed(.ambiguousLoRALayout),
      smallest:
        "MoE intermediate size 2; LoRA ParamWrapper, rank 1, prefix \"base_model.model.model.\"; fault contradicted-layout",
      FaultyAdapter(fromHF: { session, dict, call in
        do {
          return try session.fromHF(dict, call.rank)
        } catch let error as AdapterError {
          guard error.problems.allSatisfy({ $0.code == .ambiguousLoRALayout }) else { throw error }
          var setup = call.setup
          setup.options.paramWrapperLayout = .modern
          return try ReferenceAdapter().session(for: setup).fromHF(dict, call.rank)
        }
      })),
  ]

  /// What becomes of an error.
  private static func answering(
    _ answer: @escaping @Sendable (AdapterError, StateDict) throws -> StateDict
  ) -> FaultyAdapter {
    FaultyAdapter(
      fromHF: { session, dict, call in
        do {
          return try session.fromHF(dict, call.rank)
        } catch let error as AdapterError {
          return try answer(error, dict)
        }
      },
      toHF: { session, dict, call in
        do {
          return try session.toHF(dict, excluding: call.excluding, call.rank)
        } catch let error as AdapterError {
          return try answer(error, dict)
        }
      })
  }

  private static let reports: [PlantedFault] = [
    PlantedFault(
      "errors-swallowed", .validation, "what cannot be converted is returned as it is",
      cause: .violation(kind: "empty", place: "accepted"), smallest: "fault empty",
      answering { _, dict in dict }),
    PlantedFault(
      "errors-emptied", .validation, "what cannot be converted becomes an empty state dict",
      cause: .violation(kind: "empty", place: "accepted"), smallest: "fault empty",
      answering { _, _ in StateDict() }),
    PlantedFault(
      "errors-first-only", .validation, "of several offending keys the first is named",
      cause: .violation(kind: "empty", place: "not named"), smallest: "fault empty",
      answering { error, _ in throw AdapterError(Array(error.problems.prefix(1))) }),
  ]
}
