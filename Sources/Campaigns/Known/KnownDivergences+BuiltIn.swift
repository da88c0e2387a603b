// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

extension KnownDivergences {
  /// The files that this version comes with, by name.
  private static let files: [(name: String, bytes: [UInt8])] = [
    ("nemo-automodel-0.7.0.json", PackageResources.nemo_automodel_0_7_0_json)
  ]

  private static let parsed = Result<[KnownDivergences], KnownDivergencesError> {
    () throws(KnownDivergencesError) in
    var lists: [KnownDivergences] = []
    for (name, bytes) in files { lists.append(try KnownDivergences(parsing: bytes, path: name)) }
    return lists
  }

  /// What this version of the harness knows, adapter by adapter.
  ///
  /// - Throws: `KnownDivergencesError` if a file that it comes with is wrong.
  public static func builtIn() throws(KnownDivergencesError) -> [KnownDivergences] {
    try parsed.get()
  }
}
