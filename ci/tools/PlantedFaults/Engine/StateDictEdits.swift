// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Tensors

/// Edits of state dicts that make an adapter faulty.
extension StateDict {
  /// The tensors whose names contain a text, edited; the others as they are.
  public func editing(_ text: String, _ edit: (Tensor) throws -> Tensor) throws -> StateDict {
    try editing(where: { $0.text.contains(text) }, edit)
  }

  /// The tensors of some names, edited; the others as they are.
  public func editing(
    where isConcerned: (TensorName) -> Bool, _ edit: (Tensor) throws -> Tensor
  ) throws -> StateDict {
    try StateDict(map { ($0.name, isConcerned($0.name) ? try edit($0.tensor) : $0.tensor) })
  }

  /// Edited names; tensors whose names become nil are dropped, and the last of a name wins.
  public func renaming(_ rename: (String) -> String?) throws -> StateDict {
    var names: [TensorName] = []
    var tensors: [TensorName: Tensor] = [:]
    for (name, tensor) in self {
      guard let text = rename(name.text) else { continue }
      let renamed = TensorName(text)
      if tensors[renamed] == nil { names.append(renamed) }
      tensors[renamed] = tensor
    }
    return try StateDict(names.compactMap { name in tensors[name].map { (name, $0) } })
  }

  /// The contents of each tensor taken from that of another name, types and shapes too.
  public func taking(_ source: (String) -> String) throws -> StateDict {
    try StateDict(map { ($0.name, self[TensorName(source($0.name.text))] ?? $0.tensor) })
  }

  /// The tensors in another order; names that are left out are dropped.
  public func arranged(_ arrange: ([TensorName]) -> [TensorName]) throws -> StateDict {
    try StateDict(arrange(Array(names)).compactMap { name in self[name].map { (name, $0) } })
  }

  /// The tensors with others after them, of which those under taken names are left out.
  func appending(_ others: StateDict) throws -> StateDict {
    var result = self
    for (name, tensor) in others where result[name] == nil {
      try result.insert(tensor, named: name)
    }
    return result
  }
}
