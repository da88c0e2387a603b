// SPDX-License-Identifier: Apache-2.0
// Copyright the hymt2-harness authors

extension Generator where Value: FixedWidthInteger & Sendable {
  /// Integers of a range of at most 64 bits, simplest at `towards` (brought into the range).
  @inlinable public static func integer(
    _ range: ClosedRange<Value> = .min ... .max, towards: Value = 0
  ) -> Generator {
    let constraint = Constraint.integer(range, towards: towards)
    return Generator { Value(truncatingIfNeeded: $0.draw(constraint)) }
  }
}

extension Generator<Bool> {
  /// `true` with `probability`; `false` is simpler.
  @inlinable public static func boolean(_ probability: Double = 0.5) -> Generator {
    let constraint = Constraint.boolean(probability)
    return Generator { $0.draw(constraint) == 1 }
  }
}

extension Generator<UInt64> {
  /// The raw bits of one choice.
  @inlinable public static func choice(_ constraint: Constraint) -> Generator {
    Generator { $0.draw(constraint) }
  }

  /// Bit patterns of any float format.
  public static func bits(of format: FloatFormat, classes: FloatClasses = .all) -> Generator {
    let top = format.hasInfinity ? format.firstNonFinite : format.firstNonFinite - 1
    return choice(
      .float(format, lower: top | format.signBit, upper: top, classes: classes))
  }
}

extension Generator<Double> {
  /// Every bit pattern of a `Double`, or those of some classes.
  public static func double(classes: FloatClasses = .all) -> Generator {
    Generator<UInt64>.bits(of: .double, classes: classes).map { Double(bitPattern: $0) }
  }

  /// Doubles of a range of numbers; no NaN.
  public static func double(
    _ range: ClosedRange<Double>, classes: FloatClasses = [.finite, .infinite]
  ) -> Generator {
    let constraint = Constraint.float(
      .double, lower: range.lowerBound.bitPattern, upper: range.upperBound.bitPattern,
      classes: classes)
    return Generator { Double(bitPattern: $0.draw(constraint)) }
  }
}

extension Generator<Float> {
  /// Every bit pattern of a `Float`, or those of some classes.
  public static func float(classes: FloatClasses = .all) -> Generator {
    Generator<UInt64>.bits(of: .float, classes: classes).map {
      Float(bitPattern: UInt32(truncatingIfNeeded: $0))
    }
  }
}

extension Generator<[UInt8]> {
  /// Bytes.
  public static func bytes(count: ClosedRange<Int> = 0...64) -> Generator {
    Generator<UInt8>.integer().array(count: count)
  }
}

extension Generator<String> {
  /// Strings of the scalars of `alphabet`, the first being the simplest; `count` is in scalars.
  public static func string(of alphabet: [Unicode.Scalar], count: ClosedRange<Int> = 0...32)
    -> Generator
  {
    string(.element(of: alphabet), count)
  }

  private static func string(_ scalars: Generator<Unicode.Scalar>, _ count: ClosedRange<Int>)
    -> Generator
  {
    scalars.array(count: count).map { scalars in
      var text = ""
      text.unicodeScalars.append(contentsOf: scalars)
      return text
    }
  }

  /// Strings of printable ASCII, digits and letters being simplest.
  public static func ascii(count: ClosedRange<Int> = 0...32) -> Generator {
    string(of: simplestFirst(0x20...0x7E), count: count)
  }

  /// Strings of all Unicode scalars, digits and letters being simplest.
  public static func unicode(count: ClosedRange<Int> = 0...32) -> Generator {
    let ascii = simplestFirst(0x20...0x7E)
    let scalars = Generator<UInt32>.integer(0...(0x10_FFFF - 0x800)).map { place in
      // Printable ASCII first, then the controls, then the rest in order without surrogates.
      switch place {
      case ..<95: ascii[Int(place)]
      case ..<127: Unicode.Scalar(place - 95) ?? "0"
      case ..<0xD800: Unicode.Scalar(place) ?? "0"
      default: Unicode.Scalar(place + 0x800) ?? "0"
      }
    }
    return string(scalars, count)
  }
}

private func simplestFirst(_ range: ClosedRange<UInt32>) -> [Unicode.Scalar] {
  let scalars = range.compactMap(Unicode.Scalar.init)
  let isPlain = { (scalar: Unicode.Scalar) in
    scalar.value < 128 && scalar.properties.isAlphabetic || ("0"..."9").contains(scalar)
  }
  return scalars.filter(isPlain) + scalars.filter { !isPlain($0) }
}
