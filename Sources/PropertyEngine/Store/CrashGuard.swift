// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

public import Files
internal import Synchronization

#if canImport(Glibc)
internal import Glibc
#else
internal import Darwin
#endif

/// Keeps the cases that are being executed in a file, so that a trap or a signal leaves the case
/// that caused it. Writing a case costs a copy into mapped memory, no call to the system.
///
/// The file has a slot for each thread. The lock on it is held as long as the process lives: a file
/// whose lock is free belongs to a process that ended without `finish()`.
public final class CrashGuard: Sendable {
  /// Cases in which earlier runs ended; run them first.
  public let leftovers: [ChoiceSequence]
  private let leftoverPaths: [String]
  private let map: MappedSlots
  private let free: Mutex<[Int]>

  /// Starts to guard a run of `property`, which executes at most `threads` cases at a time.
  public init(folder: String, property: String, threads: Int = 1) throws(FileError) {
    try FileSystem.makeFolders(folder)
    let prefix = "\(hexadecimal(stableHash(property)))-"
    var leftovers: [ChoiceSequence] = []
    var paths: [String] = []
    for name in try FileSystem.names(in: folder)
    where name.hasPrefix(prefix) && name.hasSuffix(suffix) {
      let path = "\(folder)/\(name)"
      guard let file = try? OpenFile(changing: path), file.tryLock() else { continue }
      let found = MappedSlots.cases(
        in: (try? file.contents(atMost: MappedSlots.maximumBytes)) ?? [])
      let isNew = found.contains { !leftovers.contains($0) }
      leftovers += found.filter { !leftovers.contains($0) }
      if isNew { paths.append(path) } else { try FileSystem.removeFile(path) }
    }
    self.leftovers = leftovers
    leftoverPaths = paths
    let slots = max(1, min(threads, MappedSlots.maximumSlots))
    map = try MappedSlots(folder: folder, prefix: prefix, suffix: suffix, slots: slots)
    free = Mutex(Array((0..<slots).reversed()))
  }

  /// Ends the guard: the run came to its end, and nothing is left over.
  public func finish() {
    for path in leftoverPaths { try? FileSystem.removeFile(path) }
    try? FileSystem.removeFile(map.file.path)
  }

  /// Keeps the case that `source` has drawn; gives the slot for `end`.
  func begin(_ source: Source) -> Int? {
    guard let slot = free.withLock({ $0.popLast() }) else { return nil }
    map.keep(source.sequence, in: slot)
    return slot
  }

  /// Forgets a case that has come to its end.
  func end(_ slot: Int) {
    map.clear(slot)
    free.withLock { $0.append(slot) }
  }
}

private let suffix = ".inflight"

/// The mapped file of a guard. A slot is a state byte, the length in four bytes, and the choices;
/// only who took a slot from the free list touches it.
@safe private final class MappedSlots: @unchecked Sendable {
  static let slotBytes = 1 << 16
  static let maximumSlots = 64
  static var maximumBytes: Int { slotBytes * maximumSlots }

  let file: OpenFile
  private let memory: UnsafeMutableRawBufferPointer

  init(folder: String, prefix: String, suffix: String, slots: Int) throws(FileError) {
    var random = SystemRandomNumberGenerator()
    while true {
      let path = "\(folder)/\(prefix)\(getpid())-\(hexadecimal(random.next()))\(suffix)"
      let file = try OpenFile(creating: path)
      // Another process may take the file for a leftover before the lock is held.
      guard file.tryLock(), file.isLinked else { continue }
      let bytes = slots * MappedSlots.slotBytes
      // Blocks on the disk from the start: a full disk is an error here and not a signal later.
      let code = posix_fallocate(file.descriptor, 0, off_t(bytes))
      // Safe: the mapping is as long as the file, and is unmapped only at the end of this object.
      let base = unsafe mmap(
        nil, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file.descriptor, 0)
      guard code == 0, let base = unsafe base, unsafe base != MAP_FAILED else {
        let error = FileError(path, "map", code: code == 0 ? nil : code)
        try? FileSystem.removeFile(path)
        throw error
      }
      unsafe memory = UnsafeMutableRawBufferPointer(start: base, count: bytes)
      self.file = file
      return
    }
  }

  deinit { unsafe munmap(memory.baseAddress, memory.count) }

  func keep(_ sequence: ChoiceSequence, in slot: Int) {
    let bytes = sequence.encoded
    // A case that does not fit is not kept; the slot stays empty.
    guard bytes.count <= MappedSlots.slotBytes - 5 else { return }
    let start = slot * MappedSlots.slotBytes
    // Safe: a slot lies within the mapping, and what is copied fits the slot.
    unsafe memory.storeBytes(
      of: UInt32(bytes.count).littleEndian, toByteOffset: start + 1, as: UInt32.self)
    unsafe UnsafeMutableRawBufferPointer(rebasing: memory[(start + 5)...]).copyBytes(
      from: bytes)
    // Last, so that a crash meanwhile leaves no half of a case.
    unsafe memory.storeBytes(of: 1, toByteOffset: start, as: UInt8.self)
  }

  func clear(_ slot: Int) {
    // Safe: a slot lies within the mapping.
    unsafe memory.storeBytes(of: 0, toByteOffset: slot * MappedSlots.slotBytes, as: UInt8.self)
  }

  /// The cases in the bytes of a file; what cannot be read is left out.
  static func cases(in bytes: [UInt8]) -> [ChoiceSequence] {
    stride(from: 0, to: bytes.count, by: slotBytes).compactMap { start in
      let slot = bytes[start..<min(start + slotBytes, bytes.count)]
      guard slot.first == 1, slot.count > 5 else { return nil }
      var header = StoredByteReader(slot.dropFirst())
      guard let length = try? header.fixed("the length", bytes: 4),
        length <= UInt64(slot.count - 5)
      else { return nil }
      return try? ChoiceSequence(decoding: Array(slot.dropFirst(5).prefix(Int(length))))
    }
  }
}
