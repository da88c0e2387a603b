// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

/// An HTML file that loads nothing from elsewhere and runs no script.
struct HTMLPage {
  let title: String
  let sections: [Markup]
  /// The program that made it, and its version.
  let tool: String

  var text: String {
    let document: Markup = """
      <!doctype html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta name="color-scheme" content="light dark">
      <meta http-equiv="Content-Security-Policy" \
      content="default-src 'none'; style-src 'unsafe-inline'">
      <title>\(title)</title>
      <style>\(HTMLStyle.sheet)</style>
      </head>
      <body>
      <main>
      \(sections)<footer><p>Made by \(tool).</p></footer>
      </main>
      </body>
      </html>

      """
    return document.text
  }
}

extension ReportHead {
  var header: Markup {
    let list = tiles.map { name, value -> Markup in
      "<div><dt>\(name)</dt><dd>\(value)</dd></div>"
    }
    return """
      <header class="\(holds ? "held" : "broken")">
      <p class="tool">\(command) · adapter <strong>\(adapter)</strong></p>
      <h1><span class="mark" aria-hidden="true">\(holds ? "✔" : "✘")</span> \(headline)</h1>
      <p>\(verdict)</p>
      <dl class="tiles">\(list)</dl>
      </header>

      """
  }
}
