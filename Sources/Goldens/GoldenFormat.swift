// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// Names and numbers of the file format that Golden/README.md describes.
public enum GoldenFormat {
  /// The only version of files and manifests that is known; any other is refused.
  public static let version = 1
  /// The name of the manifest of a set.
  public static let manifestName = "manifest.json"
  /// The name of the text beside the manifest.
  public static let readmeName = "README.md"
  static let fileFormat = "hymt2-golden"
  static let setFormat = "hymt2-golden-set"
  static let fileSuffix = ".h5"
  /// The greatest size of a manifest in bytes.
  static let maximumManifestByteCount = 4 << 20
  /// The greatest size of one golden file in bytes: all of a set is a few mebibytes.
  static let maximumFileByteCount = 64 << 20

  /// Whether a text may name a case: lower-case letters, digits and hyphens, so that it is one file
  /// name on any system.
  static func isValid(id: String) -> Bool {
    let bytes = Array(id.utf8)
    let isPlain = bytes.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
        UInt8(ascii: "-"):
        true
      default: false
      }
    }
    return isPlain && !bytes.isEmpty && bytes.count <= 100 && bytes.first != UInt8(ascii: "-")
  }
}
