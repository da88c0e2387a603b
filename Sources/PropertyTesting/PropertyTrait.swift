// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import PropertyEngine
public import Testing

/// How the properties of a test or a suite are run; what stands on a test goes before what stands on
/// its suite.
public struct PropertyTrait: TestTrait, SuiteTrait, TestScoping {
  let edit: @Sendable (inout PropertyConfiguration) -> Void

  /// The suites within a suite and their tests, too.
  public var isRecursive: Bool { true }

  /// Runs the test with the changed configuration.
  public func provideScope(
    for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
  ) async throws {
    var configuration = PropertyConfiguration.current
    edit(&configuration)
    try await PropertyConfiguration.$current.withValue(configuration, operation: function)
  }
}

extension Trait where Self == PropertyTrait {
  /// How many cases of each property are to pass; 100 if nothing is said.
  public static func examples(_ count: Int) -> PropertyTrait {
    PropertyTrait { $0.settings.examples = max(1, count) }
  }

  /// What all chance derives from; the identity of the property if nothing is said.
  public static func seed(_ seed: UInt64) -> PropertyTrait {
    PropertyTrait { $0.seed = seed }
  }

  /// How long each property may search; cases not run are reported.
  public static func timeBudget(_ budget: Duration) -> PropertyTrait {
    PropertyTrait { $0.settings.timeBudget = budget }
  }

  /// How many cases run at the same time; the result does not depend on it.
  public static func threads(_ count: Int) -> PropertyTrait {
    PropertyTrait { $0.settings.threads = max(1, count) }
  }

  /// Any of the engine's settings but the seed.
  public static func propertySettings(
    _ edit: @escaping @Sendable (inout Settings) -> Void
  ) -> PropertyTrait {
    PropertyTrait { edit(&$0.settings) }
  }
}

/// What the traits around a test say.
struct PropertyConfiguration: Sendable {
  var settings = Settings()
  var seed: UInt64?

  @TaskLocal static var current = PropertyConfiguration()
}
