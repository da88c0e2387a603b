// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import ArgumentParser
import Campaigns
import Layouts
import Tensors

/// The options that say what is known of the adapter under test.
struct KnownArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A list of known divergences of the adapter, which do not fail the run.", valueName: "file"))
  var known: String?

  @Flag(help: "Ignore known divergences.")
  var noKnown = false

  func validate() throws {
    guard known == nil || !noKnown else {
      throw ValidationError("--known and --no-known exclude each other")
    }
  }

  /// The list of the file given, or the one that this version has of the adapter with a layout, if it has
  /// one.
  func divergences(
    of adapter: any AdapterUnderTest, _ layout: Layout, _ console: Console
  ) throws -> KnownDivergences? {
    if noKnown { return nil }
    if let list = try given() {
      if list.adapter != adapter.name || list.version != adapter.version {
        let found = [adapter.name, adapter.version].compactMap(\.self).joined(separator: " ")
        console.warn("the known divergences are those of \(list.subject), not of \(found)")
      }
      if !list.layouts.contains(layout.name) {
        console.warn(
          "the known divergences are those of layout \(list.layouts.joined(separator: ", ")), not of "
            + layout.name)
      }
      return list
    }
    let ofAdapter = try KnownDivergences.builtIn().filter {
      $0.adapter == adapter.name && $0.layouts.contains(layout.name)
    }
    if let list = ofAdapter.first(where: { $0.version == adapter.version }) { return list }
    if let other = ofAdapter.first {
      console.warn(
        "nothing is known of \(adapter.name) \(adapter.version ?? "without a version"); "
          + "there is a list of \(other.subject)")
    }
    return nil
  }

  /// The list of the file given.
  func given() throws -> KnownDivergences? {
    try known.map { try KnownDivergences(parsing: fileBytes($0), path: $0) }
  }

  /// What says the same on a command line.
  var words: [String] { (known.map { ["--known", $0] } ?? []) + (noKnown ? ["--no-known"] : []) }
}

/// The bytes of a file.
func fileBytes(_ path: String) throws -> [UInt8] {
  let storage = try TensorStorage.mapping(path)
  let bytes = storage.bytes
  return (0..<bytes.byteCount).map { bytes.byte(at: $0) }
}
