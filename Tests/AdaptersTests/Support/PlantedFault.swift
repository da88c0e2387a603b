// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import Layouts
import Tensors
import Testing

/// The code and the subject of a finding, in an order for printing.
struct Offence: Hashable, Comparable, CustomStringConvertible {
  let code: Problem.Code
  let subject: TensorName

  init(_ code: Problem.Code, _ subject: TensorName) {
    self.code = code
    self.subject = subject
  }

  static func < (lhs: Offence, rhs: Offence) -> Bool {
    (lhs.subject, lhs.code.rawValue) < (rhs.subject, rhs.code.rawValue)
  }

  var description: String { "\(code.rawValue) '\(subject)'" }
}

/// A valid state dict with something made wrong, and everything that must be said about it.
struct PlantedFault {
  let name: String
  var config: ModelConfig
  var options = AdapterOptions()
  var parallelism: ExpertParallelism?
  var stateDict: StateDict
  var offences: Set<Offence>

  /// What is named although nothing is wrong with it, and what is not named although it is wrong.
  func misjudged(by convert: (PlantedFault) throws -> StateDict) -> String? {
    do {
      let result = try convert(self)
      return "accepted, \(result.count) tensors came of it"
    } catch let error as AdapterError {
      let found = Set(error.problems.map { Offence($0.code, $0.subject) })
      let surplus = found.subtracting(offences).sorted()
      let missing = offences.subtracting(found).sorted()
      guard error.problems.count == found.count else {
        return "\(error.problems.count) problems, \(found.count) of them different"
      }
      guard !surplus.isEmpty || !missing.isEmpty else { return nil }
      return "\(surplus.count) named in error: \(surplus.prefix(4)), "
        + "\(missing.count) not named: \(missing.prefix(4))"
    } catch {
      return "unexpected error \(error)"
    }
  }
}

extension Set<Offence> {
  /// The same complaint about several keys.
  static func all(_ code: Problem.Code, _ subjects: some Sequence<TensorName>) -> Set<Offence> {
    Set(subjects.map { Offence(code, $0) })
  }
}

extension StateDict {
  /// The same without some keys.
  func without(_ names: TensorName...) -> StateDict { filter { !names.contains($0) } }

  /// The same in the order of another's keys, and after them those that the other has not.
  func ordered(as other: StateDict) throws -> StateDict {
    let common = other.compactMap { name, _ in self[name].map { (name, $0) } }
    return try StateDict(common + Array(filter { other[$0] == nil }))
  }

  /// The same with one more tensor at the end, whose elements do not matter.
  func adding(_ name: TensorName, _ shape: Shape, _ dtype: DType = .bf16) throws -> StateDict {
    var result = self
    try result.insert(Tensor(dtype, shape) { UInt64($0) }, named: name)
    return result
  }

  /// The same with other names, in their places.
  func renaming(_ rename: (TensorName) -> TensorName) throws -> StateDict {
    try StateDict(map { (rename($0.name), $0.tensor) })
  }

  func renaming(_ old: TensorName, to new: TensorName) throws -> StateDict {
    try renaming { $0 == old ? new : $0 }
  }

  /// The same with another tensor of another shape or type under a name.
  func reshaping(_ name: TensorName, _ shape: Shape, _ dtype: DType? = nil) throws -> StateDict {
    try StateDict(
      map { key, tensor in
        guard key == name else { return (key, tensor) }
        return (key, try Tensor(dtype ?? tensor.dtype, shape) { UInt64($0) })
      })
  }
}
