// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import CKnownDivergences

extension KnownDivergences {
  private static let parsed = Result<[KnownDivergences], KnownDivergencesError> {
    () throws(KnownDivergencesError) in
    var lists: [KnownDivergences] = []
    for (name, bytes) in files {
      lists.append(try KnownDivergences(parsing: bytes, path: name))
    }
    return lists
  }

  /// What this version of the harness knows, adapter by adapter.
  ///
  /// - Throws: `KnownDivergencesError` if a file that it comes with is wrong.
  public static func builtIn() throws(KnownDivergencesError) -> [KnownDivergences] {
    try parsed.get()
  }

  /// The files of the folder `KnownDivergences`, which are part of the program.
  private static var files: [(name: String, bytes: [UInt8])] {
    var files: [(name: String, bytes: [UInt8])] = []
    // Constants of the program, which no one changes.
    while let file = unsafe known_divergences_file_at(files.count)?.pointee {
      let bytes = unsafe UnsafeBufferPointer(start: file.bytes, count: file.count)
      files.append((unsafe String(cString: file.name), unsafe Array(bytes)))
    }
    return files
  }
}
