// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

internal import StrictJSON

/// What became of one case of a campaign.
struct CampaignRecord: Sendable, Equatable {
  /// Where a case comes from.
  enum Origin: Sendable, Hashable {
    case number(Int)
    /// The token of a case of the corpus.
    case corpus(String)
  }

  /// How a law was broken in a way that is not known.
  struct Failure: Sendable, Equatable {
    var law: String
    var kind: String
    var place: String
    /// The causes; empty where they were not looked for or say too little.
    var cause: String
    /// What happened in this case, in one line.
    var summary: String

    /// What tells failures apart.
    var signature: String { [law, kind, place, cause].joined(separator: " | ") }
  }

  var origin: Origin
  var phase: CampaignPhase
  /// Milliseconds of work of the campaign until then.
  var milliseconds: Int
  /// What `Judgement.annotation` gives; empty of a case that is none.
  var annotation: [UInt8]
  var failure: Failure?
}

extension CampaignRecord {
  /// The record as a JSON object.
  var json: JSONValue {
    var object = JSONObject()
    switch origin {
    case .number(let number): object["case"] = JSONValue(number)
    case .corpus(let token): object["token"] = .string(token)
    }
    object["phase"] = .string(phase.rawValue)
    object["ms"] = JSONValue(milliseconds)
    object["marks"] = .string(Hexadecimal.text(annotation))
    if let failure {
      object["broken"] = .strings([
        failure.law, failure.kind, failure.place, failure.cause, failure.summary,
      ])
    }
    return .object(object)
  }

  /// Reads a record, nil of anything else.
  init?(_ json: JSONValue) {
    if let number = json["case"]?.integerValue, (0...1 << 53).contains(number) {
      origin = .number(number)
    } else if let token = json["token"]?.stringValue {
      origin = .corpus(token)
    } else {
      return nil
    }
    guard let phase = json["phase"]?.stringValue.flatMap(CampaignPhase.init),
      let milliseconds = json["ms"]?.integerValue, (0...1 << 53).contains(milliseconds),
      let annotation = json["marks"]?.stringValue.flatMap(Hexadecimal.bytes)
    else { return nil }
    self.phase = phase
    self.milliseconds = milliseconds
    self.annotation = annotation
    guard let broken = json["broken"] else { return }
    let texts = broken.arrayValue?.compactMap(\.stringValue) ?? []
    guard texts.count == 5 else { return nil }
    failure = Failure(
      law: texts[0], kind: texts[1], place: texts[2], cause: texts[3], summary: texts[4])
  }
}

/// Bytes as text of two digits each.
enum Hexadecimal {
  private static let digits = Array("0123456789abcdef".utf8)

  static func text(_ bytes: [UInt8]) -> String {
    String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }

  /// The bytes of a text, nil of anything else.
  static func bytes(_ text: String) -> [UInt8]? {
    let values = text.utf8.compactMap { digit in
      switch digit {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
      case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
      default: nil
      }
    }
    guard values.count == text.utf8.count, values.count.isMultiple(of: 2) else { return nil }
    return stride(from: 0, to: values.count, by: 2).map { values[$0] << 4 | values[$0 + 1] }
  }
}
