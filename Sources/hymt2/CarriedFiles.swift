// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Campaigns
import Files
import Safetensors

/// What of a folder goes with its weights: configs, tokenizer, templates, code and licences.
struct CarriedFiles {
  /// The names of the files that go along.
  let taken: [String]
  /// The names of all else, those of folders with a slash, those of links that lead nowhere with an arrow.
  let left: [String]

  private static let suffixes = [
    ".json", ".jinja", ".txt", ".model", ".tiktoken", ".py", ".md", ".vocab", ".bpe", ".spm",
    ".yaml",
    ".yml",
  ]
  private static let stems = ["LICENSE", "LICENCE", "NOTICE", "README", "COPYING", "USE_POLICY"]
  /// What training and the indexes of other weights leave behind.
  private static let strangers = [".index.json", "trainer_state.json", "zero_to_fp32.py"]

  init(of folder: CheckpointFolder) {
    let weights = Set(folder.shards.map(\.name) + [CheckpointFolder.indexFileName])
    var (taken, left): ([String], [String]) = ([], [])
    for name in folderNames(in: folder.path) ?? []
    where !weights.contains(name) && name != ConversionRecord.fileName {
      let kind = FileSystem.kind(of: "\(folder.path)/\(name)", followingLinks: true)
      switch kind {
      case .file where Self.isNeeded(name): taken.append(name)
      case .folder: left.append(name + "/")
      case nil: left.append(name + " -> nowhere")
      case .file, .other: left.append(name)
      }
    }
    (self.taken, self.left) = (taken, left)
  }

  private static func isNeeded(_ name: String) -> Bool {
    !name.hasPrefix(".") && !strangers.contains { name.hasSuffix($0) }
      && (suffixes.contains { name.hasSuffix($0) } || stems.contains { name.hasPrefix($0) })
  }

  /// Says what does not go along.
  func report(to console: Console) {
    guard !left.isEmpty else { return }
    let shown = left.prefix(8).joined(separator: ", ")
    let rest = left.count > 8 ? " and \(grouped(left.count - 8)) more" : ""
    console.note("not taken along, because no checkpoint needs it: \(shown)\(rest)")
  }
}
