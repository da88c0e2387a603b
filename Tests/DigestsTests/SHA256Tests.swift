// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

import Foundation
import Testing

@testable import Digests

@Suite("SHA-256")
struct SHA256Tests {
  @Test(
    "The examples of FIPS 180-2 and of NIST's list of additional vectors",
    arguments: [
      ("", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
      ("abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
      (
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
      ),
      (
        "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
          + "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu", 1,
        "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"
      ),
      ("\u{0}", 55, "02779466cdec163811d078815c633f21901413081449002f24aa3e80f0b88ef7"),
      ("\u{0}", 56, "d4817aa5497628e7c77e6b606107042bbba3130888c5f47a375e6179be789fbb"),
      ("\u{0}", 57, "65a16cb7861335d5ace3c60718b5052e44660726da4cd13bb745381b235a1785"),
      ("\u{0}", 64, "f5a5fd42d16a20302798ef6ed309979b43003d2320d9f0e8ea9831a92759fb4b"),
      ("\u{0}", 1000, "541b3e9daa09b20bf85fa273e5cbd3e80185aa4ec298e765db87742b70138a53"),
      ("a", 100_000, "6d1cf22d7cc09b085dfc25ee1a1f3ae0265804c607bc2074ad253bcc82fd81ee"),
    ])
  func vectors(text: String, count: Int, digest: String) {
    let bytes = Array(String(repeating: text, count: count).utf8)
    let found = hash(bytes)
    #expect(found.description == digest)
  }

  @Test("Every length up to three blocks has the digest that sha256sum gives")
  func sha256sum() throws {
    let folder = FileManager.default.temporaryDirectory
      .appending(path: "sha256-tests-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let names = (0...192).map(String.init)
    for name in names {
      try Data(bytes(Int(name) ?? 0)).write(to: folder.appending(path: name))
    }
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["sha256sum"] + names
    process.currentDirectoryURL = folder
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let text = String(
      decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
    process.waitUntilExit()
    let expected = names.map { "\(hash(bytes(Int($0) ?? 0)))  \($0)\n" }.joined()
    #expect(text == expected)
  }

  @Test("Pieces of any sizes have the digest of the whole, and a digest can be followed by more")
  func pieces() {
    let whole = bytes(300)
    for size in [1, 2, 3, 55, 63, 64, 65, 127, 128, 129] {
      var hash = SHA256()
      for start in stride(from: 0, to: whole.count, by: size) {
        let end = min(start + size, whole.count)
        // Bytes have no padding that could be read uninitialized.
        unsafe hash.update(whole.span.bytes.extracting(start..<end))
        let prefix = self.hash(Array(whole[..<end]))
        let found = hash.digest
        #expect(found == prefix, "\(end) bytes in pieces of \(size)")
      }
    }
  }

  @Test("Blocks are taken in alike by a processor's instructions and by arithmetic")
  func instructions() {
    let blocks = bytes(64 * 37)
    var (one, other) = (SHA256State(), SHA256State())
    for _ in 0..<3 {
      // Bytes have no padding that could be read uninitialized.
      unsafe one.compress(blocks.span.bytes)
      unsafe other.compressByArithmetic(blocks.span.bytes)
    }
    #expect(
      SHA256Digest(one) == SHA256Digest(other), "has instructions: \(SHA256State.hasInstructions)")
  }

  @Test("Digests are read from lowercase hexadecimal only")
  func hexadecimal() {
    let digest = hash(bytes(3))
    #expect(SHA256Digest(hexadecimal: "\(digest)") == digest)
    for text in ["", "\(digest)0", "\(digest)".uppercased(), "g" + "\(digest)".dropFirst()] {
      #expect(SHA256Digest(hexadecimal: text) == nil, "\(text)")
    }
  }

  private func bytes(_ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: 7 * $0 + $0 / 256) }
  }

  private func hash(_ bytes: [UInt8]) -> SHA256Digest {
    // Bytes have no padding that could be read uninitialized.
    unsafe SHA256.hash(bytes.span.bytes)
  }
}
