# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""Changes metadata of HDF5 files so that their checksums are right again."""


def rotated(word, count):
    return (word << count | word >> 32 - count) & 0xFFFFFFFF


def lookup3(data):
    """Bob Jenkins' hash, the checksum of the library's metadata."""
    a = b = c = (0xDEADBEEF + len(data)) & 0xFFFFFFFF
    for start in range(0, max(len(data), 1), 12):
        part = data[start : start + 12].ljust(12, b"\0")
        words = [int.from_bytes(part[n : n + 4], "little") for n in (0, 4, 8)]
        a, b, c = ((old + new) & 0xFFFFFFFF for old, new in zip((a, b, c), words))
        if start + 12 >= len(data):
            break
        for count in (4, 6, 8, 16, 19, 4):
            a = (a - c) & 0xFFFFFFFF ^ rotated(c, count)
            c = (c + b) & 0xFFFFFFFF
            a, b, c = b, c, a
    for count in (14, 11, 25, 16, 4, 14, 24):
        c = ((c ^ b) - rotated(b, count)) & 0xFFFFFFFF
        a, b, c = b, c, a
    return b


def forge(path, address, replacements):
    """Replaces bytes in the object header at an address and makes its checksum right again."""
    data = path.read_bytes()
    assert data[address : address + 4] == b"OHDR" and data[address + 5] & 0x30 == 0
    start = address + 6 + (1 << (data[address + 5] & 3))
    end = start + int.from_bytes(data[address + 6 : start], "little")
    header = data[address:end]
    assert lookup3(header) == int.from_bytes(data[end : end + 4], "little")
    for old, new in replacements:
        old, new = (b"".join(n.to_bytes(8, "little") for n in numbers) for numbers in (old, new))
        assert old in header
        header = header.replace(old, new)
    checksum = lookup3(header).to_bytes(4, "little")
    path.write_bytes(data[:address] + header + checksum + data[end + 4 :])
