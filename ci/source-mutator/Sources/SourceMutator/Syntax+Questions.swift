// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import SwiftSyntax

extension SyntaxProtocol {
  /// The bytes of the text without the blanks and comments around it.
  var bytes: Range<Int> {
    positionAfterSkippingLeadingTrivia.utf8Offset..<endPositionBeforeTrailingTrivia.utf8Offset
  }

  /// Whether an initializer is the nearest function around.
  var isInInitializer: Bool {
    for case let ancestor? in sequence(first: parent, next: { $0?.parent }) {
      if ancestor.is(InitializerDeclSyntax.self) { return true }
      if ancestor.is(FunctionDeclSyntax.self) || ancestor.is(ClosureExprSyntax.self) {
        return false
      }
    }
    return false
  }

  /// Whether it is written to: the left side of an assignment, or passed as `inout`.
  var isAssigned: Bool {
    var node = Syntax(self)
    while let parent = node.parent {
      if parent.is(InOutExprSyntax.self) { return true }
      if let infix = parent.as(InfixOperatorExprSyntax.self) {
        let symbol = infix.operator.as(BinaryOperatorExprSyntax.self)?.operator.text
        let assigns = infix.operator.is(AssignmentExprSyntax.self) || symbol?.hasSuffix("=") == true
        return assigns && infix.leftOperand.id == node.id
          && !["==", "!=", "<=", ">=", "===", "!=="].contains(symbol ?? "")
      }
      guard parent.is(MemberAccessExprSyntax.self) || parent.is(SubscriptCallExprSyntax.self) else {
        return false
      }
      node = parent
    }
    return false
  }
}

extension DeclReferenceExprSyntax {
  /// Whether it is what stands before the dot of a member.
  var isBase: Bool { parent?.as(MemberAccessExprSyntax.self)?.base?.id == id }
}

extension LabeledExprSyntax {
  /// Whether it is a text, or a sum of texts.
  var isText: Bool {
    expression.is(StringLiteralExprSyntax.self)
      || expression.as(InfixOperatorExprSyntax.self)?.hasText == true
  }
}

extension VariableDeclSyntax {
  /// Whether it declares a property rather than a local variable.
  var isMember: Bool { parent?.is(MemberBlockItemSyntax.self) == true }
}

extension InfixOperatorExprSyntax {
  /// Whether an operand is a text.
  var hasText: Bool { operands.contains { $0.is(StringLiteralExprSyntax.self) } }

  /// Whether an operand is a list.
  var hasList: Bool { operands.contains { $0.is(ArrayExprSyntax.self) } }

  private var operands: [ExprSyntax] { [leftOperand, rightOperand] }
}

extension String {
  /// The text with every run of blanks and line breaks as one blank.
  var onOneLine: String { split(whereSeparator: \.isWhitespace).joined(separator: " ") }
}
