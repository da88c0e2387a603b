// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Tensors

/// The tensors on disk by the addresses of their elements.
struct AddressBook {
  let schema: [TensorInfo]
  let subjects: [TensorSubject]
  /// The position in the schema of the tensor that each address belongs to.
  private let owners: [Int]
  private let starts: [Int]

  init(_ schema: [TensorInfo]) {
    self.schema = schema
    subjects = schema.map { TensorSubject($0.name) }
    var owners: [Int] = []
    var starts: [Int] = []
    for (position, info) in schema.enumerated() {
      starts.append(owners.count)
      owners += repeatElement(position, count: info.shape.elementCount)
    }
    self.owners = owners
    self.starts = starts
  }

  /// The tensor and the row-major place in it of an origin, or nil for none of their elements.
  func locate(_ origin: Origin) -> (tensor: Int, element: Int)? {
    guard let address = origin.address, owners.indices.contains(address) else { return nil }
    return (owners[address], address - starts[owners[address]])
  }

  /// The origin that an element of a tensor is.
  func origin(_ tensor: Int, _ element: Int) -> Origin {
    .element(starts[tensor] + element)
  }

  /// The tensors that origins lie in.
  func tensors(of origins: [Origin]) -> Set<Int> {
    Set(origins.compactMap { locate($0)?.tensor })
  }

  /// An element in words, such as `up_proj[0, 1] of expert 2 in layer 3`.
  func text(_ tensor: Int, _ element: Int) -> String {
    let subject = subjects[tensor]
    let indices = schema[tensor].shape.indices(at: element).map(String.init)
    let place = indices.isEmpty ? "" : "[\(indices.joined(separator: ", "))]"
    return subject.word + place + (subject.expert.map { " of expert \($0)" } ?? "")
      + (subject.layer.map { " in layer \($0)" } ?? "")
  }
}
