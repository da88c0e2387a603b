// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Tensors

/// What names begin with on disk, and what they begin with natively instead.
public struct NameStart: Sendable, Hashable {
  /// The start on disk.
  public let onDisk: String
  /// The native start.
  public let native: String
}

extension NameStart {
  /// Reads what names begin with as tables are written, on disk and natively.
  ///
  /// - Returns: What differs on both sides, and what tables are written with in place of native starts.
  static func read(
    _ node: TableNode
  ) throws(LayoutError) -> (starts: [NameStart], written: [NameStart]) {
    var (starts, written): ([NameStart], [NameStart]) = ([], [])
    for (start, value) in try node.members() {
      let texts = try value.texts()
      guard let native = texts.last, texts.count <= 2 else {
        throw value.error(expected: "the native start, or [the one on disk, the native one]")
      }
      let onDisk = texts.count == 2 ? texts[0] : start
      starts.append(NameStart(onDisk: onDisk, native: native))
      written.append(NameStart(onDisk: onDisk, native: start))
    }
    guard !starts.isEmpty else { throw node.error(expected: "a start of names") }
    return (starts, written)
  }
}

extension LayoutParts {
  /// Gives names the starts on disk in place of those that the table is written with.
  mutating func putOnDisk(_ written: [NameStart]) {
    func onDisk(_ name: String) -> String {
      Layout.exchanging(name, written, from: \.native, to: \.onDisk)
    }
    layerStart = onDisk(layerStart)
    for position in tensors.indices where tensors[position].kinds == nil {
      let name = tensors[position].name
      tensors[position].name = NamePattern(start: onDisk(name.start), end: name.end)
    }
  }
}

extension Layout {
  /// A name with its start on disk exchanged for the native one; the longest start counts.
  public func toNative(_ name: String) -> String {
    Self.exchanging(name, starts, from: \.onDisk, to: \.native)
  }

  /// A name with its native start exchanged for the one on disk; the longest start counts.
  public func toDisk(_ name: String) -> String {
    Self.exchanging(name, starts, from: \.native, to: \.onDisk)
  }

  /// Whether a name on disk begins like a native name does, and not like a longer one on disk.
  public func beginsNatively(_ name: String) -> Bool {
    let own = starts.filter { name.utf8.starts(with: $0.onDisk.utf8) }.map(\.onDisk.utf8.count)
      .max()
    return starts.contains {
      $0.native != $0.onDisk && $0.native.utf8.count > own ?? 0
        && name.utf8.starts(with: $0.native.utf8)
    }
  }

  /// A key on disk with the native start.
  public func toNative(_ name: TensorName) -> TensorName {
    starts.isEmpty ? name : TensorName(toNative(name.text))
  }

  /// A native key with the start on disk.
  public func toDisk(_ name: TensorName) -> TensorName {
    starts.isEmpty ? name : TensorName(toDisk(name.text))
  }

  /// A name with the longest of some starts that it has exchanged for the other text.
  static func exchanging(
    _ name: String, _ starts: [NameStart], from own: (NameStart) -> String,
    to other: (NameStart) -> String
  ) -> String {
    var longest: NameStart?
    for start in starts where name.utf8.starts(with: own(start).utf8) {
      if own(start).utf8.count >= longest.map({ own($0).utf8.count }) ?? 0 { longest = start }
    }
    guard let longest else { return name }
    return other(longest) + String(Substring(name.utf8.dropFirst(own(longest).utf8.count)))
  }
}
