// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Tensors

extension Mismatch: CustomStringConvertible {
  /// What differs, in one line.
  public var summary: String {
    var parts: [String] = []
    if !missing.isEmpty { parts.append("missing \(Self.short(missing))") }
    if !surplus.isEmpty { parts.append("surplus \(Self.short(surplus))") }
    if let order {
      parts.append(
        "key \(order.position) should be '\(order.expected)' and is '\(order.found)'")
    }
    if let worst = mostSerious {
      let others = tensors.count - 1
      parts.append(
        "'\(worst.name)': \(worst.summary)" + (others > 0 ? ", and \(others) more tensors" : ""))
    }
    return parts.joined(separator: "; ")
  }

  /// What differs, in at most twenty aligned lines.
  public var description: String {
    var lines = Self.list("missing", missing) + Self.list("surplus", surplus)
    if let order {
      lines.append("order    key \(order.position) should be \(order.expected)")
      lines.append("         and is               \(order.found)")
    }
    if let worst = mostSerious {
      lines.append("\(worst.name)")
      lines += worst.table(limit: 4).map { "  \($0)" }
      let others = tensors.filter { $0.name != worst.name }
      // One line is kept for what the others do not fit in.
      let room = max(0, 19 - lines.count)
      lines += others.prefix(room).map { "\($0.name): \($0.summary)" }
      if others.count > room { lines.append("and \(others.count - room) more tensors") }
    }
    return lines.joined(separator: "\n")
  }

  private static func short(_ names: [TensorName]) -> String {
    let more = names.count - 1
    return names.prefix(1).map { "'\($0)'" }.joined() + (more > 0 ? " and \(more) more" : "")
  }

  private static func list(_ title: String, _ names: [TensorName]) -> [String] {
    let shown = 3
    var lines = names.prefix(shown).enumerated().map { position, name in
      "\(position == 0 ? title : String(repeating: " ", count: title.count))  \(name)"
    }
    if names.count > shown {
      lines.append(
        "\(String(repeating: " ", count: title.count))  and \(names.count - shown) more")
    }
    return lines
  }
}

extension TensorMismatch {
  /// What differs, in one line without the name.
  public var summary: String {
    switch kind {
    case .dtype: return "expected \(expected.dtype), found \(found.dtype)"
    case .shape: return "expected \(expected.shape), found \(found.shape)"
    case .zeroed, .elements:
      let place = first.first.map { one in
        ", first \(one.index): expected \(one.decimal(one.expected)) "
          + "(\(one.hexadecimal(one.expected))), found \(one.decimal(one.found)) "
          + "(\(one.hexadecimal(one.found)))"
      }
      return counted + (place ?? "")
    }
  }

  /// How many elements differ; their share to a tenth of a percent, rounded up.
  private var counted: String {
    let tenths = Int((share * 1000).rounded(.up))
    let percentage = "\(tenths / 10)" + (tenths.isMultiple(of: 10) ? "" : ".\(tenths % 10)") + "%"
    return "\(count) of \(expected.shape.elementCount) elements (\(percentage)) "
      + (kind == .zeroed ? "are zero and should not be" : "differ")
  }

  /// The first places that differ, in aligned lines under a head.
  package func table(limit: Int) -> [String] {
    guard !first.isEmpty else { return [summary] }
    let ranges = bounds.map { "\($0.lowerBound)..<\($0.upperBound)" }.joined(separator: ", ")
    let rows =
      [["at", "expected", "", "found", "", "ulps"]]
      + first.prefix(limit).map { one in
        [
          "\(one.index)", one.decimal(one.expected), one.hexadecimal(one.expected),
          one.decimal(one.found), one.hexadecimal(one.found), one.ulps.map { "\($0)" } ?? "-",
        ]
      }
    let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    let table = rows.map { row in
      let cells = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
      return String(cells.joined(separator: "  ").reversed().drop { $0 == " " }.reversed())
    }
    return ["\(expected.dtype) \(expected.shape): \(counted)", "all within [\(ranges)]"] + table
  }
}
