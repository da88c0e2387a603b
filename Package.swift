// swift-tools-version: 6.2

import PackageDescription

/// CI builds with warnings as errors; a user's newer compiler must not fail on a new warning.
let warningsAreErrors: [SwiftSetting] =
  Context.environment["CI"] == nil ? [] : [.treatAllWarnings(as: .error)]

let settings: [SwiftSetting] =
  [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableExperimentalFeature("Lifetimes"),
  ] + warningsAreErrors

/// Tests convert checkpoints by the thousand, which takes four times as long where the modules under
/// test are not optimised; `UNOPTIMIZED=1 swift build` makes them ready for a debugger.
let optimized: [SwiftSetting] =
  Context.environment["UNOPTIMIZED"] == nil
  ? [.unsafeFlags(["-O"], .when(configuration: .debug))] : []

let modulesWithFixtures = [
  "Adapters", "CheckpointGenerators", "HDF5", "Layouts", "Safetensors", "Tensors",
]

func module(
  _ name: String, _ dependencies: [Target.Dependency] = [], path: String? = nil,
  exclude: [String] = [], tests: [Target.Dependency] = []
) -> [Target] {
  [
    .target(
      name: name, dependencies: dependencies, path: path, exclude: exclude,
      swiftSettings: settings + optimized),
    .testTarget(
      name: "\(name)Tests",
      dependencies: [.byName(name: name)] + dependencies + tests,
      resources: modulesWithFixtures.contains(name) ? [.copy("Fixtures")] : [],
      swiftSettings: settings),
  ]
}

let orderedCollections = Target.Dependency.product(
  name: "OrderedCollections", package: "swift-collections",
  condition: .when(traits: ["Checkpoints"]))
let yams = Target.Dependency.product(
  name: "Yams", package: "Yams", condition: .when(traits: ["Checkpoints"]))
let argumentParser = Target.Dependency.product(
  name: "ArgumentParser", package: "swift-argument-parser",
  condition: .when(traits: ["Command"]))
let libhdf5 = Target.Dependency.target(name: "CHDF5", condition: .when(traits: ["Command"]))

let package = Package(
  name: "hymt2-harness",
  products: [
    .executable(name: "hymt2", targets: ["hymt2"]),
    .library(
      name: "Adapters", targets: ["Adapters", "Layouts", "Safetensors", "StrictJSON", "Tensors"]),
    .library(
      name: "AdapterLaws",
      targets: [
        "AdapterLaws", "Adapters", "Layouts", "Campaigns", "CheckpointGenerators", "Tensors",
      ]),
    .library(name: "LawTesting", targets: ["LawTesting"]),
    .library(name: "PropertyEngine", targets: ["PropertyEngine"]),
    .library(name: "PropertyTesting", targets: ["PropertyTesting"]),
  ],
  traits: [
    .trait(
      name: "Checkpoints",
      description: "Adapters, AdapterLaws and LawTesting, which need swift-collections and Yams."),
    .trait(
      name: "Command",
      description: "The program hymt2, which needs swift-argument-parser and libhdf5 as well.",
      enabledTraits: ["Checkpoints"]),
    .default(enabledTraits: ["Command"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
  ],
  targets: module("Tensors", ["CSystem", orderedCollections])
    + module("Files", ["CSystem"])
    + module("Digests", ["CDigests"])
    + module("StrictJSON", [orderedCollections])
    + module("Safetensors", ["Files", "Tensors", "StrictJSON"])
    + module("HDF5", ["Files", "Tensors", libhdf5, orderedCollections])
    + module(
      "Layouts",
      [
        "CLayouts", "StrictJSON", "Tensors", yams,
      ], exclude: ["Tables"], tests: ["Safetensors"])
    + module("Adapters", ["Layouts", "StrictJSON", "Tensors"])
    + module("PropertyEngine", ["Files"])
    + module("PropertyTesting", ["PropertyEngine"])
    + module(
      "CheckpointGenerators", ["Adapters", "Layouts", "PropertyEngine", "StrictJSON", "Tensors"],
      path: "Generators/CheckpointGenerators")
    + module(
      "AdapterLaws",
      ["Adapters", "Layouts", "CheckpointGenerators", "PropertyEngine", "Safetensors", "Tensors"],
      tests: ["PlantedFaults", "PropertyTesting", "StrictJSON"])
    + module(
      "ExternalAdapters",
      [
        "AdapterLaws", "Adapters", "Layouts", "CSystem", "CheckpointGenerators", "Files",
        "Safetensors", "StrictJSON", "Tensors",
      ],
      tests: ["PropertyEngine", "scripted-server"])
    + module(
      "Goldens",
      [
        "AdapterLaws", "Adapters", "Layouts", "CheckpointGenerators", "Digests", "Files", "HDF5",
        "StrictJSON", "Tensors", orderedCollections,
      ])
    + module(
      "Campaigns",
      [
        "AdapterLaws", "Adapters", "Layouts", "CCampaigns", "CheckpointGenerators",
        "Files", "PropertyEngine", "Safetensors", "StrictJSON", "Tensors",
      ], exclude: ["KnownDivergences", "HTML/report.css"])
    + module(
      "LawTesting",
      ["AdapterLaws", "Campaigns", "CheckpointGenerators", "Layouts", "StrictJSON"],
      tests: ["Adapters", "Tensors"])
    + module(
      "PlantedFaults",
      [
        "AdapterLaws", "Adapters", "Layouts", "Campaigns", "CheckpointGenerators", "StrictJSON",
        "Tensors",
      ], path: "ci/tools/PlantedFaults")
    + [
      .target(name: "CSystem"),
      .target(name: "CDigests"),
      .target(name: "CCampaigns"),
      .target(name: "CLayouts"),
      .systemLibrary(
        name: "CHDF5", pkgConfig: "hdf5", providers: [.apt(["libhdf5-dev"]), .brew(["hdf5"])]),
      .executableTarget(
        name: "shrinking-challenge", dependencies: ["PropertyEngine"],
        path: "ci/tools/ShrinkingChallenge", swiftSettings: settings),
      .executableTarget(
        name: "planted-faults",
        dependencies: [
          "AdapterLaws", "Adapters", "Campaigns", "CheckpointGenerators", "ExternalAdapters",
          "Layouts", "PlantedFaults",
          "StrictJSON", "Tensors",
          argumentParser,
        ],
        path: "ci/tools/PlantedFaultsTool", swiftSettings: settings),
      .target(
        name: "ExampleAdapter",
        dependencies: [
          "AdapterLaws", "Adapters", "CheckpointGenerators", "Layouts", "Tensors",
        ], swiftSettings: settings),
      .executableTarget(
        name: "scripted-server",
        dependencies: [
          "AdapterLaws", "Adapters", "Layouts", "CheckpointGenerators", "ExternalAdapters",
          "Safetensors",
          "StrictJSON", "Tensors",
        ],
        path: "Tests/ScriptedServer", swiftSettings: settings),
      .executableTarget(
        name: "faulty-campaign",
        dependencies: [
          "AdapterLaws", "Adapters", "Layouts", "Campaigns", "CheckpointGenerators", "Tensors",
        ],
        path: "Tests/FaultyCampaign", swiftSettings: settings),
      .executableTarget(
        name: "hymt2",
        dependencies: [
          "AdapterLaws", "Adapters", "Layouts", "Campaigns", "CheckpointGenerators", "Digests",
          "ExampleAdapter", "ExternalAdapters", "Files", "Goldens", "PropertyEngine",
          "Safetensors", "StrictJSON", "Tensors",
          argumentParser,
        ],
        swiftSettings: settings),
      .testTarget(
        name: "CommandTests",
        dependencies: [
          "hymt2", "planted-faults", "scripted-server", "AdapterLaws",
          "Adapters",
          "Layouts", "Campaigns",
          "CheckpointGenerators", "Goldens", "PropertyEngine", "Safetensors", "StrictJSON",
          "Tensors", orderedCollections,
          argumentParser,
        ],
        swiftSettings: settings),
    ],
  cLanguageStandard: .c11
)
