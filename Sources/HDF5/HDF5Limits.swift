// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// How much of a file is looked at before it is refused.
public struct HDF5Limits: Sendable, Hashable {
  /// The greatest number of axes of a dataset.
  public static let maximumRank = 8

  /// The greatest size of a file in bytes.
  public var fileByteCount: Int
  /// The greatest size of one dataset in bytes.
  public var datasetByteCount: Int
  /// The greatest number of groups and datasets, the root group among them.
  public var objectCount: Int
  /// How many groups may lie within each other, the root group not counted.
  public var groupDepth: Int

  /// Creates limits; those given by default suit files of one level of groups.
  public init(
    fileByteCount: Int = 64 << 30, datasetByteCount: Int = 16 << 30, objectCount: Int = 65_536,
    groupDepth: Int = 1
  ) {
    self.fileByteCount = fileByteCount
    self.datasetByteCount = datasetByteCount
    self.objectCount = objectCount
    self.groupDepth = groupDepth
  }
}
