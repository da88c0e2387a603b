// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Foundation

/// All mutants of some files, numbered from one.
public struct MutantCatalog: Sendable {
  let files: [MutatedFile]

  /// Finds the mutants of files whose paths start at a folder.
  ///
  /// - Throws: If a file cannot be read.
  public init(root: String, paths: [String]) throws {
    files = try paths.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.map { path in
      MutantFinder.file(path, try String(contentsOfFile: "\(root)/\(path)", encoding: .utf8))
    }
  }

  init(files: [MutatedFile]) {
    self.files = files
  }

  /// The mutants; number n stands at n - 1.
  public var mutants: [Mutant] { files.flatMap(\.mutants) }

  /// The files as a compiler sees them, with the place of the first mutant's number.
  func schemas(without dropped: Set<String>) -> [(path: String, schema: MutantSchema)] {
    var first = 1
    return files.map { file in
      let numbers = file.mutants.indices.filter { dropped.contains(file.mutants[$0].key) }
      let schema = MutantSchema(
        file, numberedFrom: first, without: Set(numbers.map { first + $0 }))
      first += file.mutants.count
      return (file.path, schema)
    }
  }

  /// Writes the files with all their mutants into a folder; those that would not change stay
  /// untouched, so that a build can leave them out.
  public func write(to folder: String, without dropped: Set<String>) throws {
    for (path, schema) in schemas(without: dropped) {
      let url = URL(filePath: "\(folder)/\(path)")
      let data = Data(schema.text)
      if (try? Data(contentsOf: url)) == data { continue }
      try data.write(to: url, options: .atomic)
    }
  }

  /// The keys of the mutants to give up because of a compiler's errors.
  public func culprits(_ errors: [CompilerError], without dropped: Set<String>) -> [String] {
    let schemas = schemas(without: dropped)
    let mutants = mutants
    let numbers = errors.flatMap { error -> [Int] in
      guard let schema = schemas.first(where: { error.file.hasSuffix("/" + $0.path) })?.schema
      else { return [] }
      return schema.culprits(at: schema.byte(of: error), isTooComplex: error.isTooComplex)
    }
    return Set(numbers).sorted().map { mutants[$0 - 1].key }
  }
}

extension MutantSchema {
  fileprivate func byte(of error: CompilerError) -> Int {
    var lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)[...]
    lines = lines.dropFirst(error.line - 1)
    return (lines.first?.startIndex ?? text.count) + error.column - 1
  }
}

/// An error that the compiler printed.
public struct CompilerError: Sendable, Hashable {
  let file: String
  let line: Int
  let column: Int
  let message: String

  /// The errors of a build's output.
  public static func all(in output: String) -> [CompilerError] {
    var found: [CompilerError] = []
    for line in output.split(separator: "\n") {
      guard line.hasPrefix("/"), let place = line.firstRange(of: ": error: ") else { continue }
      let parts = line[..<place.lowerBound].split(separator: ":")
      guard parts.count == 3, let row = Int(parts[1]), let column = Int(parts[2]) else { continue }
      found.append(
        CompilerError(
          file: String(parts[0]), line: row, column: column,
          message: String(line[place.upperBound...])))
    }
    return found
  }

  var isTooComplex: Bool { message.contains("in reasonable time") }
}
