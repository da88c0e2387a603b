// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import Files
internal import Glibc

/// The processes of the system as `/proc` shows them.
struct ProcessTable {
  /// One process.
  struct Entry {
    let identifier: Int32
    let state: UInt8
    let parent: Int32
    let group: Int32
    let session: Int32
    let startTime: UInt64
    let residentPages: Int
  }

  private let entries: [Entry]

  /// Reads the table.
  init() {
    entries = ((try? FileSystem.names(in: "/proc")) ?? []).compactMap { Int32($0) }
      .compactMap { Entry($0) }
  }

  /// A process and its descendants: what is in its session or group or was started by one of these.
  ///
  /// Those whose parent has ended are known by a variable of the environment that they inherited.
  func family(of leader: Int32, marked mark: String? = nil) -> [Entry] {
    var members: Set<Int32> = [leader]
    let start = entries.first { $0.identifier == leader }?.startTime ?? .max
    if let mark {
      for entry in entries
      where entry.startTime >= start && Self.hasVariable(mark, entry.identifier) {
        members.insert(entry.identifier)
      }
    }
    var count = 0
    while members.count > count {
      count = members.count
      for entry in entries
      where entry.session == leader || entry.group == leader || members.contains(entry.parent) {
        members.insert(entry.identifier)
      }
    }
    return entries.filter { members.contains($0.identifier) }
  }

  /// The resident memory of a process and its descendants in bytes.
  static func residentMemory(of leader: Int32) -> Int {
    let pages = ProcessTable().family(of: leader).reduce(0) { $0 + $1.residentPages }
    return pages * max(1, sysconf(Int32(_SC_PAGESIZE)))
  }

  private static func hasVariable(_ variable: String, _ identifier: Int32) -> Bool {
    let wanted = Array(variable.utf8)
    return contents("/proc/\(identifier)/environ", atMost: 1 << 20)
      .split(separator: 0).contains { $0.elementsEqual(wanted) }
  }

  fileprivate static func contents(_ path: String, atMost limit: Int) -> [UInt8] {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return [] }
    let file = PipeEnd(descriptor: descriptor)
    var contents: [UInt8] = []
    while contents.count < limit {
      var part = [UInt8](repeating: 0, count: 4096)
      // The buffer does not leave the closure.
      let transfer = unsafe part.withUnsafeMutableBytes { unsafe file.read(into: $0) }
      guard case .bytes(let count) = transfer else { break }
      contents += part[..<count]
    }
    return contents
  }
}

extension ProcessTable.Entry {
  /// Reads the line of a process, or nothing if it has gone.
  fileprivate init?(_ identifier: Int32) {
    let line = ProcessTable.contents("/proc/\(identifier)/stat", atMost: 4096)
    // The name is in parentheses and may have any characters, so fields are counted after it.
    guard let end = line.lastIndex(of: UInt8(ascii: ")")) else { return nil }
    let fields = line[(end + 1)...].split(separator: UInt8(ascii: " "))
      .map { String(decoding: $0, as: UTF8.self) }
    guard fields.count > 21, let state = fields[0].utf8.first, let parent = Int32(fields[1]),
      let group = Int32(fields[2]), let session = Int32(fields[3]),
      let startTime = UInt64(fields[19]), let residentPages = Int(fields[21])
    else { return nil }
    self.identifier = identifier
    self.state = state
    self.parent = parent
    self.group = group
    self.session = session
    self.startTime = startTime
    self.residentPages = residentPages
  }
}
