// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Tensors

/// What is wrong with an HDF5 file, where, what the library said, and what helps.
public struct HDF5Error: Error, Hashable, CustomStringConvertible {
  /// The kind of a fault.
  public enum Code: String, Sendable, CaseIterable {
    /// A system call failed.
    case file
    /// A call of the HDF5 library failed.
    case library
    /// The system has no memory for a tensor.
    case outOfMemory

    /// A group, tensor or attribute may not have this name.
    case invalidName
    /// Two members of a group have one name.
    case duplicateName
    /// An object has more attributes than the format of the files allows.
    case tooManyAttributes
    /// An attribute is not a short text or one 64-bit number.
    case invalidAttribute
    /// A tensor has too many axes or its size overflows.
    case invalidShape

    /// The file does not begin with an HDF5 superblock that may be read.
    case invalidSuperblock
    /// The superblock and the system disagree on the size of the file.
    case wrongFileSize
    /// The file was replaced while it was opened.
    case fileChanged
    /// A size or a number is over a limit.
    case overLimit

    /// A link is not a hard link.
    case forbiddenLink
    /// An object is reached twice.
    case sharedObject
    /// A group lies deeper than is allowed.
    case tooDeep
    /// An object is neither a group nor a dataset.
    case forbiddenObject
    /// The header of an object holds what these files never need.
    case forbiddenHeader
    /// The elements are not unsigned little-endian integers of 1, 2, 4 or 8 bytes.
    case forbiddenType
    /// The dataspace has no extents, or they can grow.
    case forbiddenDataspace
    /// The data are not stored in one piece.
    case forbiddenLayout
    /// The data pass through filters.
    case forbiddenFilter
    /// The data are in another file.
    case externalStorage
    /// The size of the stored data is not that of the shape.
    case wrongStorageSize
    /// The data lie outside the file or within those of another dataset.
    case wrongStoragePlace

    /// The file has no dataset of this name.
    case missingDataset
    /// The elements have another width than the type they are read as.
    case wrongElementType
  }

  /// One entry of the library's error stack.
  public struct Frame: Sendable, Hashable {
    /// The function of the library that reports.
    public let function: String
    /// What it reports.
    public let message: String
  }

  /// The kind of the fault.
  public let code: Code
  /// The file concerned.
  public let path: String
  /// The names that lead from the root group to the object concerned.
  public let object: [TensorName]
  /// The attribute concerned, if it is one.
  public let attribute: TensorName?
  /// The function of the library that failed, if one did.
  public let call: String?
  /// The library's error stack, outermost function first.
  public let libraryStack: [Frame]
  /// What would have been right.
  public let expected: String
  /// What is there.
  public let found: String
  /// What helps.
  public let remedy: String

  init(
    _ code: Code, at place: Place, call: String? = nil, libraryStack: [Frame] = [],
    expected: String, found: String, remedy: String
  ) {
    self.code = code
    self.path = place.path
    self.object = place.object
    self.attribute = place.attribute
    self.call = call
    self.libraryStack = libraryStack
    self.expected = expected
    self.found = found
    self.remedy = remedy
  }

  /// The text shown to people.
  public var description: String {
    "\(Place(path: path, object: object, attribute: attribute)): expected \(expected), found "
      + "\(found); \(remedy)"
  }
}
