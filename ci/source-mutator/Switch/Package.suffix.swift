
// Only the tests of the mutated modules; the switch between mutants for those modules.
let mutated = ["Adapters", "Tensors"]
package.targets.removeAll { $0.type == .test && !mutated.map { "\($0)Tests" }.contains($0.name) }
package.targets.append(.target(name: "SourceMutants"))
for target in package.targets where mutated.contains(target.name) {
  target.dependencies.append("SourceMutants")
}
