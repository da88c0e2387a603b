// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import ArgumentParser

#if canImport(Glibc)
import Glibc
#else
import Musl
#endif

struct GoldenProposeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "propose",
    abstract: "Make a new set with upstream's adapter, outside the tree.",
    discussion: """
      Runs `python3 -m hymt2 golden-produce`. The new folder appears when it is complete; the \
      set in the tree does not change.
      """)

  @Argument(help: "The folder to make.")
  var out: String

  @Option(
    help: "The Python that has nemo-automodel. Default: that of .venv in the tree, or python3.")
  var python: String?

  @OptionGroup var set: GoldenSetArguments

  func run() throws {
    try runOrExit {
      let tree = OutputPlace(set.path).parent
      let place = OutputPlace(out)
      try place.checkOutside(of: tree)
      let package = "\(tree)/Generators/python"
      guard folderNames(in: package) != nil else {
        throw CommandError("\(package): expected the Python package, found none; name the --set")
      }
      let inTree = "\(tree)/.venv/bin/python"
      let python =
        // A mere name is looked for among the system's programs. Links tell Python which environment is meant.
        python.map { $0.contains("/") ? absolutePath($0) : $0 }
        ?? (unsafe access(inTree, X_OK) == 0 ? inTree : "python3")
      try Self.become(
        python, ["-m", "hymt2", "golden-produce", "--out", place.fullPath], in: package)
    }
  }

  /// Goes on as another program.
  private static func become(
    _ program: String, _ arguments: [String], in folder: String
  ) throws -> Never {
    guard unsafe chdir(folder) == 0 else {
      throw CommandError("\(folder): \(unsafe String(cString: strerror(errno)))")
    }
    // The copies live until the process becomes another, or else ends with the error.
    var words = unsafe ([program] + arguments).map { unsafe strdup($0) } + [nil]
    _ = unsafe execvp(program, &words)
    throw CommandError(
      "\(program): cannot be run: \(unsafe String(cString: strerror(errno))); name it by --python")
  }
}
