// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import CheckpointGenerators
import Layouts
import Tensors

/// The tensors on disk by the addresses of their elements; tensors that hold all experts are seen as one
/// for each.
struct AddressBook {
  let layout: Layout
  let schema: [TensorInfo]
  let subjects: [TensorSubject]
  /// The position in the schema of the tensor that each address belongs to.
  private let owners: [Int]
  private let starts: [Int]
  /// The place of each one's first element in the tensor on disk.
  private let offsets: [Int]

  init(_ tensors: [TensorInfo], _ layout: Layout) {
    self.layout = layout
    var schema: [TensorInfo] = []
    var subjects: [TensorSubject] = []
    var offsets: [Int] = []
    let edits = KeyEdits(layout: layout)
    for info in tensors {
      let subject = TensorSubject(info.name, layout)
      guard edits.expertAxis(info.name) == 0, info.shape.rank > 1,
        let ofOne = try? Shape(Array(info.shape.extents.dropFirst()))
      else {
        schema.append(info)
        subjects.append(subject)
        offsets.append(0)
        continue
      }
      for expert in 0..<info.shape[0] {
        schema.append(TensorInfo(info.name, info.dtype, ofOne))
        subjects.append(TensorSubject(subject, expert: expert))
        offsets.append(expert * ofOne.elementCount)
      }
    }
    var owners: [Int] = []
    var starts: [Int] = []
    for (position, info) in schema.enumerated() {
      starts.append(owners.count)
      owners += repeatElement(position, count: info.shape.elementCount)
    }
    (self.schema, self.subjects, self.offsets) = (schema, subjects, offsets)
    (self.owners, self.starts) = (owners, starts)
  }

  /// The tensor and the row-major place in it of an origin, or nil for none of their elements.
  func locate(_ origin: Origin) -> (tensor: Int, element: Int)? {
    guard let address = origin.address, owners.indices.contains(address) else { return nil }
    return (owners[address], address - starts[owners[address]])
  }

  /// The tensor on disk and the row-major place in it of an origin, or nil for none of their elements.
  func place(_ origin: Origin) -> (name: TensorName, element: Int)? {
    locate(origin).map { (schema[$0.tensor].name, offsets[$0.tensor] + $0.element) }
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
