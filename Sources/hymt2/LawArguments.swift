// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import AdapterLaws
import ArgumentParser

/// The options that say which laws are checked.
struct LawArguments: ParsableArguments {
  @Option(
    name: .customLong("law"),
    help: ArgumentHelp(
      "Judge this law only; may be given again. 'hymt2 check --list-laws' names them.",
      valueName: "name"))
  var laws: [String] = []

  @Option(
    name: .customLong("without-law"),
    help: ArgumentHelp("Judge all laws but this one; may be given again.", valueName: "name"))
  var lawsLeftOut: [String] = []

  func validate() throws {
    let known = AdapterLaws.all.map(\.name)
    guard laws.isEmpty || lawsLeftOut.isEmpty else {
      throw ValidationError("--law and --without-law exclude each other")
    }
    for (option, name) in laws.map({ ("--law", $0) }) + lawsLeftOut.map({ ("--without-law", $0) })
    where !known.contains(name) {
      throw ValidationError(
        "\(option): there is no law '\(name)'; there are \(known.joined(separator: ", "))")
    }
  }

  /// The laws, in their order.
  var chosen: [AdapterLaw] {
    AdapterLaws.all.filter { law in
      (laws.isEmpty || laws.contains(law.name)) && !lawsLeftOut.contains(law.name)
    }
  }

  /// What says the same on a command line.
  var arguments: [String] {
    laws.flatMap { ["--law", $0] } + lawsLeftOut.flatMap { ["--without-law", $0] }
  }
}
