// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Adapters
import HDF5
import Layouts
import OrderedCollections
import StrictJSON
import Tensors

#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

/// How fast one large tensor is written to an HDF5 file, synced, and read.
struct HDF5Bench {
  private let byteCount: Int
  private let write: Double
  private let read: Double

  /// Measures in a file that is removed afterwards; gives the medians of the runs.
  init(byteCount size: Int, runs: Int, folder: String) throws {
    let path = "\(folder)/hymt2-bench-\(getpid()).h5"
    // The path is a string of this process.
    defer { unsafe unlink(path) }
    let name: TensorName = "tensor"
    let tensor = try SyntheticTensor.make(TensorInfo(name, .bf16, Shape([size / 2])))
    let group = HDF5Group<Tensor>(datasets: [name: HDF5Dataset(tensor)])
    byteCount = tensor.byteCount
    var times: (write: [Double], read: [Double]) = ([], [])
    for _ in 0...runs {
      unsafe unlink(path)
      times.write.append(try Self.seconds { try group.write(to: path) })
      times.read.append(
        try Self.seconds {
          let file = try InspectedFile(path: path)
          _ = try file.readTensor(at: [name], as: .bf16)
          try file.close()
        })
    }
    write = times.write.dropFirst().sorted()[runs / 2]
    read = times.read.dropFirst().sorted()[runs / 2]
  }

  private static func seconds(_ work: () throws -> Void) rethrows -> Double {
    let start = ContinuousClock.now
    try work()
    return (.now - start) / .seconds(1)
  }

  func report(to console: Console) {
    let rate = { (seconds: Double) in byteText(Int(Double(byteCount) / seconds)) }
    console.print(
      "one tensor of \(byteText(byteCount)) in HDF5: written and synced at \(rate(write))/s, "
        + "read at \(rate(read))/s")
  }

  var json: [(String, JSONValue)] {
    [
      (
        "hdf5",
        [
          "bytes": JSONValue(byteCount), "writeSeconds": JSONValue(write),
          "readSeconds": JSONValue(read),
        ]
      )
    ]
  }
}
