// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import CHDF5
public import Tensors

/// A file open for reading whose every object was found to be of the few allowed kinds.
///
/// Opening looks at links, headers, types, layouts and sizes and reads no data. Only hard links to
/// groups and to contiguous datasets of unsigned little-endian integers pass. It guards against
/// files that point elsewhere or claim sizes that they do not have, and against accidental damage of
/// metadata. Damage of data is for a digest to find. So is metadata forged together with its
/// checksums, which can crash libhdf5 1.10.8 itself: of a file from elsewhere, compare a digest with
/// one that is trusted before opening it.
///
/// A file that is rewritten in place while it is open shows a mixture of old and new.
public struct InspectedFile: ~Copyable, Sendable {
  /// The path as given.
  public let path: String
  /// The size of the file in bytes.
  public let byteCount: Int
  /// The names, attributes, widths and shapes of everything in the file.
  public let root: HDF5Group<StoredTensor>
  private let file: FileHandle

  /// Opens a file and inspects it, without reading data.
  ///
  /// The result takes memory in proportion to the file, up to the limits; the library's caches take
  /// a few mebibytes.
  ///
  /// - Throws: `HDF5Error` for the first object that is not allowed.
  /// - Complexity: O(n log n) for n objects.
  public init(path: String, limits: HDF5Limits = HDF5Limits()) throws(HDF5Error) {
    let superblock = try Superblock(path: path, limits: limits)
    let file = try FileHandle(reading: path)
    let id = file.id
    root = try Library.locked { library throws(HDF5Error) in
      try superblock.checkIdentity(of: chdf5_file_descriptor(id), path: path)
      var inspection = Inspection(
        file: id, fileByteCount: superblock.fileByteCount, limits: limits)
      return try inspection.run(library, at: Place(path: path))
    }
    self.path = path
    self.byteCount = superblock.fileByteCount
    self.file = file
  }

  /// Reads the data of a dataset as a tensor, bits unchanged.
  ///
  /// - Parameters:
  ///   - names: the dataset's name, after those of the groups that lead to it.
  ///   - dtype: the type of the elements, as wide as those stored.
  /// - Throws: `HDF5Error`.
  /// - Complexity: O(bytes).
  public func readTensor(
    at names: [TensorName], as dtype: DType
  ) throws(HDF5Error) -> Tensor {
    let place = Place(path: path, object: names)
    guard let stored = root.dataset(at: names)?.data else {
      throw HDF5Error(
        .missingDataset, at: place, expected: "a dataset", found: "none",
        remedy: "look at the names in the file")
    }
    guard stored.elementByteCount == dtype.byteCount else {
      throw HDF5Error(
        .wrongElementType, at: place, expected: "elements of \(dtype.byteCount) bytes for \(dtype)",
        found: "elements of \(stored.elementByteCount)",
        remedy: "read it as a type of that width")
    }
    let storage = try read(stored, at: place)
    do throws(TensorError) {
      return try Tensor(dtype, stored.shape, storage: storage)
    } catch {
      throw .tensor(error, at: place)
    }
  }

  /// Reads into memory that becomes the tensor's.
  private func read(_ stored: StoredTensor, at place: Place) throws(HDF5Error) -> TensorStorage {
    var buffer: ByteBuffer
    do throws(TensorError) {
      buffer = try ByteBuffer(count: stored.byteCount)
    } catch {
      throw .tensor(error, at: place)
    }
    let id = file.id
    if stored.byteCount > 0 {
      try Library.locked { library throws(HDF5Error) in
        let dataset = try Handle(library, "H5Oopen_by_addr", at: place) {
          H5Oopen_by_addr(id, haddr_t(stored.address))
        }
        let type = ElementType.id(byteCount: stored.elementByteCount)
        let all = hid_t(H5S_ALL)
        try library.call("H5Dread", at: place) {
          // The inspection found that the dataset has as many bytes as the buffer.
          unsafe buffer.withUnsafeMutableBytes { bytes in
            unsafe H5Dread(dataset.id, type, all, all, hid_t(H5P_DEFAULT), bytes.baseAddress)
          }
        }
        return
      }
    }
    return buffer.freeze()
  }

  /// Closes the file now; the end of the value's life does so too, without an error.
  ///
  /// - Throws: `HDF5Error`.
  public consuming func close() throws(HDF5Error) {
    try file.close(at: Place(path: path))
  }
}
