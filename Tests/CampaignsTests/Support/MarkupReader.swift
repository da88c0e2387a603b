// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Foundation
import FoundationXML

/// What an XML parser that is not ours finds in a document.
final class MarkupReader: NSObject, XMLParserDelegate {
  struct Element: Equatable {
    let name: String
    let attributes: [String: String]
    var text = ""
  }

  private(set) var elements: [Element] = []
  private(set) var error: String?
  private var open: [Int] = []

  /// Parses a document.
  init(_ document: String) {
    super.init()
    let parser = XMLParser(data: Data(document.utf8))
    parser.delegate = self
    if !parser.parse() {
      let cause = parser.parserError.map { "\($0)" } ?? "malformed"
      error = "line \(parser.lineNumber): \(cause)"
    }
  }

  /// Parses an HTML report: void elements are closed, entities and doctype are XML's already.
  convenience init(html: String) {
    self.init(
      html.replacing(/<meta [^>]*>/) { "\($0.output.dropLast())/>" }
        .replacing("<!doctype html>\n", with: ""))
  }

  func all(_ name: String) -> [Element] { elements.filter { $0.name == name } }

  func parser(
    _ parser: XMLParser, didStartElement name: String, namespaceURI: String?,
    qualifiedName: String?, attributes: [String: String]
  ) {
    open.append(elements.count)
    elements.append(Element(name: name, attributes: attributes))
  }

  func parser(_ parser: XMLParser, foundCharacters text: String) {
    if let last = open.last { elements[last].text += text }
  }

  func parser(
    _ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?
  ) {
    open.removeLast()
  }
}
