// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import SwiftOperators
import SwiftParser
import SwiftSyntax

/// Finds what can be changed in a file.
final class MutantFinder: SyntaxVisitor {
  private let path: String
  private let converter: SourceLocationConverter
  private var mutants: [Mutant] = []
  private var sites: [MutationSite] = []
  private var ordinals: [String: Int] = [:]
  private var scopes: [String] = []

  private init(_ path: String, _ tree: Syntax) {
    self.path = path
    converter = SourceLocationConverter(fileName: path, tree: tree)
    super.init(viewMode: .sourceAccurate)
  }

  /// The mutants of a file's text.
  static func file(_ path: String, _ text: String) -> MutatedFile {
    // An operator that the standard library has not stays where it is.
    let tree = OperatorTable.standardOperators.foldAll(Parser.parse(source: text)) { _ in }
    let finder = MutantFinder(path, tree)
    finder.walk(tree)
    return MutatedFile(
      path: path, source: Array(text.utf8), mutants: finder.mutants, sites: finder.sites)
  }

  // MARK: Scopes

  override func visit(_ node: StructDeclSyntax) -> SyntaxVisitorContinueKind { enter(node.name) }
  override func visitPost(_: StructDeclSyntax) { scopes.removeLast() }
  override func visit(_ node: ClassDeclSyntax) -> SyntaxVisitorContinueKind { enter(node.name) }
  override func visitPost(_: ClassDeclSyntax) { scopes.removeLast() }
  override func visit(_ node: EnumDeclSyntax) -> SyntaxVisitorContinueKind { enter(node.name) }
  override func visitPost(_: EnumDeclSyntax) { scopes.removeLast() }
  override func visit(_ node: ExtensionDeclSyntax) -> SyntaxVisitorContinueKind {
    scopes.append(node.extendedType.trimmedDescription)
    return .visitChildren
  }
  override func visitPost(_: ExtensionDeclSyntax) { scopes.removeLast() }

  override func visit(_ node: FunctionDeclSyntax) -> SyntaxVisitorContinueKind {
    enter(node.name, node.signature.parameterClause)
  }
  override func visitPost(_: FunctionDeclSyntax) { scopes.removeLast() }
  override func visit(_ node: InitializerDeclSyntax) -> SyntaxVisitorContinueKind {
    enter(node.initKeyword, node.signature.parameterClause)
  }
  override func visitPost(_: InitializerDeclSyntax) { scopes.removeLast() }
  override func visit(_ node: SubscriptDeclSyntax) -> SyntaxVisitorContinueKind {
    enter(node.subscriptKeyword, node.parameterClause)
  }
  override func visitPost(_: SubscriptDeclSyntax) { scopes.removeLast() }

  override func visit(_ node: VariableDeclSyntax) -> SyntaxVisitorContinueKind {
    let name = node.bindings.first?.pattern.trimmedDescription ?? ""
    guard !SkippedCode.isMessage(name) else { return .skipChildren }
    if node.isMember { scopes.append(name) }
    return .visitChildren
  }
  override func visitPost(_ node: VariableDeclSyntax) {
    let name = node.bindings.first?.pattern.trimmedDescription ?? ""
    if node.isMember, !SkippedCode.isMessage(name) { scopes.removeLast() }
  }

  private func enter(
    _ name: TokenSyntax, _ parameters: FunctionParameterClauseSyntax? = nil
  ) -> SyntaxVisitorContinueKind {
    let labels = parameters?.parameters.map { "\($0.firstName.text):" }.joined()
    scopes.append(name.text + (labels.map { "(\($0))" } ?? ""))
    return parameters != nil && SkippedCode.isMessage(name.text) ? .skipChildren : .visitChildren
  }

  // MARK: What is not changed

  override func visit(_: AttributeListSyntax) -> SyntaxVisitorContinueKind { .skipChildren }
  override func visit(_: EnumCaseDeclSyntax) -> SyntaxVisitorContinueKind { .skipChildren }
  override func visit(_: ImportDeclSyntax) -> SyntaxVisitorContinueKind { .skipChildren }
  override func visit(_: ExpressionPatternSyntax) -> SyntaxVisitorContinueKind { .skipChildren }
  override func visit(_: TypeAliasDeclSyntax) -> SyntaxVisitorContinueKind { .skipChildren }

  override func visit(_ node: LabeledExprSyntax) -> SyntaxVisitorContinueKind {
    SkippedCode.isMessage(node) ? .skipChildren : .visitChildren
  }

  override func visit(_ node: FunctionCallExprSyntax) -> SyntaxVisitorContinueKind {
    SkippedCode.concernsSpeedOnly(node) || SkippedCode.isCheckOfCaller(node)
      ? .skipChildren : .visitChildren
  }

  // MARK: Marks and statements

  override func visit(_ node: MemberBlockItemSyntax) -> SyntaxVisitorContinueKind {
    sites.append(MutationSite(form: .mark, bytes: node.bytes))
    return .visitChildren
  }

  override func visit(_ node: CodeBlockItemSyntax) -> SyntaxVisitorContinueKind {
    guard case .expr(let expression) = node.item else {
      sites.append(MutationSite(form: .mark, bytes: node.bytes))
      return .visitChildren
    }
    if let swapped = swappedAssignment(expression) {
      add(.arithmetic, expression, swapped, .statement)
    }
    if SkippedCode.isRemovable(expression, node) { add(.removal, expression, "", .statement) }
    sites.append(MutationSite(form: .mark, bytes: node.bytes))
    return .visitChildren
  }

  /// An assignment such as `a += b` with another operator.
  private func swappedAssignment(_ expression: ExprSyntax) -> String? {
    guard let infix = expression.as(InfixOperatorExprSyntax.self),
      let symbol = infix.operator.as(BinaryOperatorExprSyntax.self)?.operator.text,
      symbol.hasSuffix("="), let (operation, other) = MutationOperator.swaps[symbol],
      operation == .arithmetic
    else { return nil }
    return
      "\(infix.leftOperand.trimmedDescription) \(other) \(infix.rightOperand.trimmedDescription)"
  }

  // MARK: Conditions

  override func visit(_ node: IfExprSyntax) -> SyntaxVisitorContinueKind {
    addConditions(node.conditions, canHold: true)
    return .visitChildren
  }

  override func visit(_ node: GuardStmtSyntax) -> SyntaxVisitorContinueKind {
    addConditions(node.conditions, canHold: true)
    return .visitChildren
  }

  override func visit(_ node: WhileStmtSyntax) -> SyntaxVisitorContinueKind {
    // A loop that never ends tells no more than one that never begins.
    addConditions(node.conditions, canHold: false)
    return .visitChildren
  }

  override func visit(_ node: TernaryExprSyntax) -> SyntaxVisitorContinueKind {
    addBoth(node.condition)
    return .visitChildren
  }

  override func visit(_ node: WhereClauseSyntax) -> SyntaxVisitorContinueKind {
    addBoth(node.condition)
    return .visitChildren
  }

  private func addBoth(_ condition: ExprSyntax) {
    add(.conditionTrue, condition, "true")
    add(.conditionFalse, condition, "false")
  }

  private func addConditions(_ list: ConditionElementListSyntax, canHold: Bool) {
    for element in list {
      guard case .expression(let condition) = element.condition, canHold else { continue }
      add(.conditionTrue, condition, "true")
    }
    let end = list.endPositionBeforeTrailingTrivia.utf8Offset
    add(.conditionFalse, list, "false", .condition, at: end..<end)
  }

  // MARK: Expressions

  override func visit(_ node: InfixOperatorExprSyntax) -> SyntaxVisitorContinueKind {
    guard let symbol = node.operator.as(BinaryOperatorExprSyntax.self)?.operator.text else {
      return .visitChildren
    }
    let (left, right) = (node.leftOperand.trimmedDescription, node.rightOperand.trimmedDescription)
    switch symbol {
    case "..<": add(.range, node, "\(left)..<(\(right)) + 1")
    case "...": add(.range, node, "\(left)...(\(right)) - 1")
    case "??": add(.fallback, node, right)
    default:
      guard let (operation, other) = MutationOperator.swaps[symbol],
        operation != .arithmetic || !symbol.hasSuffix("=")
      else { return .visitChildren }
      // Texts and lists are put together by this operator too, and have no other.
      guard symbol != "+" || !(node.hasText || node.hasList) else { return .visitChildren }
      add(operation, node, "\(left) \(other) \(right)")
    }
    return .visitChildren
  }

  override func visit(_ node: PrefixOperatorExprSyntax) -> SyntaxVisitorContinueKind {
    if node.operator.text == "!" { add(.negation, node, node.expression.trimmedDescription) }
    return .visitChildren
  }

  override func visit(_ node: IntegerLiteralExprSyntax) -> SyntaxVisitorContinueKind {
    switch node.literal.text {
    case "0": add(.integer, node, "1")
    case "1": add(.integer, node, "0")
    default: add(.integer, node, "(\(node.literal.text) + 1)")
    }
    return .skipChildren
  }

  override func visit(_ node: BooleanLiteralExprSyntax) -> SyntaxVisitorContinueKind {
    add(.boolean, node, node.literal.text == "true" ? "false" : "true")
    return .skipChildren
  }

  override func visit(_ node: StringLiteralExprSyntax) -> SyntaxVisitorContinueKind {
    guard node.openingQuote.text == "\"", node.openingPounds == nil,
      !SkippedCode.isOneScalar(node)
    else { return .skipChildren }
    // A text of one character may have to stay one.
    let isOne = node.representedLiteralValue?.count == 1
    add(.text, node, isOne ? "\"_\"" : "\"_" + node.trimmedDescription.dropFirst())
    return .visitChildren
  }

  override func visit(_ node: MemberAccessExprSyntax) -> SyntaxVisitorContinueKind {
    let name = node.declName.baseName.text
    guard let twin = MutationOperator.twins[name] else { return .visitChildren }
    let base = node.base.map(\.trimmedDescription) ?? ""
    let text = "\(base).\(twin)"
    // The name of a method is no value of its own, so the call is changed as a whole.
    if let call = node.parent?.as(FunctionCallExprSyntax.self), call.calledExpression.id == node.id
    {
      add(.twin, call, text + call.trimmedDescription.dropFirst(node.trimmedDescription.count))
    } else if !node.isAssigned {
      add(.twin, node, text)
    }
    return .visitChildren
  }

  override func visit(_ node: DeclReferenceExprSyntax) -> SyntaxVisitorContinueKind {
    let name = node.baseName.text
    guard let twin = MutationOperator.twins[name], !node.isAssigned,
      node.parent?.is(MemberAccessExprSyntax.self) != true || node.isBase
    else { return .visitChildren }
    if let call = node.parent?.as(FunctionCallExprSyntax.self), call.calledExpression.id == node.id
    {
      add(.twin, call, twin + call.trimmedDescription.dropFirst(name.count))
    } else {
      add(.twin, node, twin)
    }
    return .visitChildren
  }

  // MARK: Adding

  private func add(
    _ operation: MutationOperator, _ node: some SyntaxProtocol, _ changed: String,
    _ form: MutationSite.Form = .expression, at place: Range<Int>? = nil
  ) {
    let bytes = place ?? node.bytes
    var mutant = Mutant(
      operation: operation, file: path,
      line: converter.location(for: node.positionAfterSkippingLeadingTrivia).line,
      function: scopes.joined(separator: "."), original: node.trimmedDescription.onOneLine,
      changed: changed.onOneLine)
    ordinals[mutant.key, default: 0] += 1
    mutant.ordinal = ordinals[mutant.key] ?? 1
    let change = (mutants.count, changed)
    mutants.append(mutant)
    if let site = sites.lastIndex(where: { $0.form == form && $0.bytes == bytes }) {
      sites[site].changes.append(change)
    } else {
      sites.append(MutationSite(form: form, bytes: bytes, changes: [change]))
    }
  }
}
