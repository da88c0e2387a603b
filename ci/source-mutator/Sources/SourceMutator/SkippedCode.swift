// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import SwiftSyntax

/// What is not mutated: texts shown to people, and hints that change nothing but speed.
enum SkippedCode {
  private static let messageNames: Set = ["description", "onOneLine", "describe", "detail"]
  private static let messageLabels: Set = ["expected", "found", "detail", "field"]
  private static let messageTypes: Set = ["PlanFault", "ConfigError"]
  private static let reports = "report"
  private static let speedMethods: Set = ["reserveCapacity"]
  private static let callerChecks: Set = [
    "precondition", "preconditionFailure", "assert", "fatalError",
  ]

  /// Whether a declaration of a name makes a text for people.
  static func isMessage(_ name: String) -> Bool { messageNames.contains(name) }

  /// Whether an argument is a text for people.
  static func isMessage(_ argument: LabeledExprSyntax) -> Bool {
    if let label = argument.label?.text, messageLabels.contains(label) { return true }
    guard let call = argument.parent?.parent?.as(FunctionCallExprSyntax.self), argument.isText
    else {
      return false
    }
    let callee = call.calledExpression
    let name =
      callee.as(DeclReferenceExprSyntax.self)?.baseName.text
      ?? callee.as(MemberAccessExprSyntax.self)?.declName.baseName.text ?? ""
    return messageTypes.contains(name) || name.hasPrefix(reports)
  }

  /// Whether a call gives a hint that changes nothing but speed.
  static func concernsSpeedOnly(_ call: FunctionCallExprSyntax) -> Bool {
    call.calledExpression.as(MemberAccessExprSyntax.self).map {
      speedMethods.contains($0.declName.baseName.text)
    } ?? false
  }

  /// Whether a call stops a program whose programmer made a mistake.
  static func isCheckOfCaller(_ call: FunctionCallExprSyntax) -> Bool {
    call.calledExpression.as(DeclReferenceExprSyntax.self).map {
      callerChecks.contains($0.baseName.text)
    } ?? false
  }

  /// Whether a text must be one scalar, as in `UInt8(ascii: ".")`.
  static func isOneScalar(_ text: StringLiteralExprSyntax) -> Bool {
    text.parent?.as(LabeledExprSyntax.self)?.label?.text == "ascii"
  }

  /// Whether a statement can be left out: a call whose result nobody uses, or an assignment.
  static func isRemovable(_ expression: ExprSyntax, _ item: CodeBlockItemSyntax) -> Bool {
    var inner = expression
    while true {
      if let attempt = inner.as(TryExprSyntax.self) {
        inner = attempt.expression
      } else if let claim = inner.as(UnsafeExprSyntax.self) {
        inner = claim.expression
      } else {
        break
      }
    }
    if let call = inner.as(FunctionCallExprSyntax.self) {
      let callee = call.calledExpression.trimmedDescription
      return callee != "self.init" && callee != "super.init" && !concernsSpeedOnly(call)
        && !isCheckOfCaller(call) && !isOnlyValue(item)
    }
    guard let infix = inner.as(InfixOperatorExprSyntax.self) else { return false }
    if infix.operator.is(AssignmentExprSyntax.self) {
      // Initializers must give every property a value.
      return !item.isInInitializer
    }
    guard let symbol = infix.operator.as(BinaryOperatorExprSyntax.self)?.operator.text else {
      return false
    }
    return symbol.hasSuffix("=") && !["==", "!=", "<=", ">=", "===", "!=="].contains(symbol)
  }

  /// Whether a statement is the value of a closure, property or function.
  private static func isOnlyValue(_ item: CodeBlockItemSyntax) -> Bool {
    guard item.parent?.as(CodeBlockItemListSyntax.self)?.count == 1 else { return false }
    for case let ancestor? in sequence(first: item.parent, next: { $0?.parent }) {
      if let function = ancestor.as(FunctionDeclSyntax.self) {
        return function.signature.returnClause != nil
      }
      if ancestor.is(ClosureExprSyntax.self) || ancestor.is(AccessorBlockSyntax.self) {
        return true
      }
      if ancestor.is(ForStmtSyntax.self) || ancestor.is(WhileStmtSyntax.self)
        || ancestor.is(DoStmtSyntax.self) || ancestor.is(InitializerDeclSyntax.self)
      {
        return false
      }
      // A branch gives the value of what it is a branch of.
      if let outer = ancestor.as(CodeBlockItemSyntax.self) { return isOnlyValue(outer) }
    }
    return false
  }
}
