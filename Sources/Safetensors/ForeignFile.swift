// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import Files

/// What files and folders are that are not what their names say.
extension SafetensorsError {
  private static let beginnings: [(bytes: [UInt8], what: String, remedy: String)] = [
    (
      Array("version https://git-lfs".utf8), "a Git LFS pointer instead of the file",
      "fetch the files themselves by 'git lfs pull'"
    ),
    (Array("PK\u{3}\u{4}".utf8), "a zip archive, as torch.save makes it", "save it as safetensors"),
    ([0x80, 2], "a Python pickle", "save it as safetensors"),
    (Array("GGUF".utf8), "a GGUF file", "take the checkpoint that it was made from"),
    (
      Array("\u{89}HDF".unicodeScalars.map { UInt8($0.value) }), "an HDF5 file",
      "save it as safetensors"
    ),
    (Array("{\"".utf8), "a JSON text", "download the file itself"),
    (
      [UInt8](repeating: 0, count: 16), "zeros",
      "download the file again; its space was reserved only"
    ),
  ]

  private static let pages = ["<!doctype", "<html"].map { text in
    (
      bytes: Array(text.utf8), what: "a web page",
      remedy: "download the file itself; the server may want a login"
    )
  }

  /// The error of a file whose first bytes are those of another format, nil if they tell nothing.
  static func otherFormat(_ path: String) -> SafetensorsError? {
    guard let head = try? FileSystem.contents(of: path, atMost: 64),
      let known = beginnings.first(where: { head.starts(with: $0.bytes) })
        ?? pages.first(where: {
          String(decoding: head, as: UTF8.self).lowercased().utf8.starts(with: $0.bytes)
        })
    else { return nil }
    return SafetensorsError(
      .otherFormat, path: path, expected: "a safetensors file", found: known.what,
      remedy: known.remedy)
  }

  /// The same error for all files of a folder that are of one other format.
  static func together(_ errors: [(name: String, error: SafetensorsError)], folder: String)
    -> SafetensorsError?
  {
    guard let first = errors.first?.error, errors.count > 1 else { return errors.first?.error }
    let alike = errors.filter { $0.error.found == first.found }
    return SafetensorsError(
      first.code, path: folder, keys: alike.map(\.name), expected: "safetensors files",
      found: "\(first.found) in \(alike.count) of them", remedy: first.remedy)
  }
}

/// Why files are not in a folder.
struct MissingFiles {
  let found: String
  let remedy: String

  /// - Parameters:
  ///   - missing: The files that must be there.
  ///   - unlisted: Weights that are there and belong to nothing.
  init(_ missing: [String], unlisted: [String], in path: String) {
    let names = (try? FileSystem.names(in: path)) ?? []
    let links = missing.filter {
      let file = "\(path)/\($0)"
      return FileSystem.kind(of: file) == .other
        && FileSystem.kind(of: file, followingLinks: true) == nil
    }
    let halves = names.filter { name in
      [".incomplete", ".aria2", ".part", ".crdownload", ".download"].contains { name.hasSuffix($0) }
    }
    if let link = links.first {
      found =
        "\(links.count == 1 ? "a link that leads" : "\(links.count) links that lead") nowhere, '\(link)'"
      remedy = "copy what they lead to, or download the missing files"
    } else if let half = halves.first {
      found = "downloads that did not end, '\(half)'"
      remedy = "finish the download"
    } else if let other = unlisted.first, !missing.isEmpty {
      found = "shards of another save, '\(other)'"
      remedy = "take the index and the shards of one save; the missing shards are of an older one"
    } else {
      found = Self.otherWeights(names) ?? "none of these"
      remedy = "download the missing files"
    }
  }

  /// Weights in other formats.
  private static func otherWeights(_ names: [String]) -> String? {
    let kinds: [(ends: [String], what: String)] = [
      ([".distcp"], "a distributed checkpoint of PyTorch"),
      (
        [".bin", ".pt", ".pth", ".ckpt"],
        "pickles of PyTorch, which are to be saved as safetensors first"
      ),
      ([".gguf"], "a GGUF file"), ([".h5"], "an HDF5 file"), ([".msgpack"], "weights of Flax"),
    ]
    for (ends, what) in kinds {
      if let name = names.first(where: { name in ends.contains { name.hasSuffix($0) } }) {
        return "\(what) ('\(name)')"
      }
    }
    return nil
  }
}
