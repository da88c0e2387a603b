# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors

"""Writes Tests/HDF5Tests/Fixtures: a file by the recipe of the Swift module HDF5, and refused files.

Made with h5py 3.16.0 (HDF5 2.0.0):

    python make_hdf5_fixtures.py ../../../Tests/HDF5Tests/Fixtures

The names of refused files begin with the error code that Swift must give.
"""

import argparse
import shutil
import sys
from pathlib import Path

import h5py
import numpy as np
from h5py import h5a, h5d, h5f, h5g, h5p, h5s, h5t
from hdf5_forgery import forge
from hdf5_parts import (
    add_dataset,
    add_group,
    create,
    creation_list,
    link_list,
    make,
    set_attribute,
    space_of,
    text_type,
    untimed,
)

def write_group(group, content):
    """Writes {"attributes": ..., "members": {name: {...} or (width, shape, attributes)}}."""
    for key in sorted(content.get("attributes", {})):
        set_attribute(group, key, content["attributes"][key])
    members = {name.encode(): member for name, member in content["members"].items()}
    for name in sorted(members):
        if isinstance(members[name], dict):
            write_group(add_group(group, name), members[name])
        else:
            add_dataset(group, name, *members[name])


# The same content stands in RecipeTests.swift.
CONTENT = {
    "attributes": {"format": "fixture", "format_version": 3, "empty": "", "\u007e": "caf\u00e9"},
    "members": {
        "hf": {
            "attributes": {"top": 2**64 - 1},
            "members": {
                **{f"layers.{n}.weight": (2, (3, n), {"dtype": "BF16"}) for n in range(12)},
                "scalar": (4, (), {}),
                "e\u0301": (1, (5,), {}),
                "\u00e9": (8, (2, 1, 2), {}),
            },
        },
        "bare": {"members": {}},
        "bytes": (1, (3,), {f"a{n}": n for n in range(8)}),
        "eight axes": (1, (1, 2, 1, 2, 1, 2, 1, 2), {}),
        "no elements": (2, (0, 4), {"dtype": "F16"}),
    },
}


def write_recipe(path):
    write_group(create(path), CONTENT)


def plain(path, **options):
    """A file with one small dataset, to which the caller adds what is refused."""
    root = create(path, **options)
    add_dataset(root, b"x", 2, (3,))
    return root


def forbiddenLink_external(path):
    root = plain(path)
    root.links.create_external(b"y", b"other.h5", b"/x")


def forbiddenLink_soft(path):
    root = plain(path)
    root.links.create_soft(b"y", b"/x")


def forbiddenLink_soft_loop(path):
    root = plain(path)
    root.links.create_soft(b"y", b"/z")
    root.links.create_soft(b"z", b"/y")


def sharedObject_cycle_to_root(path):
    root = plain(path)
    group = add_group(root, b"g")
    group.links.create_hard(b"up", root, b".")


def sharedObject_two_links(path):
    root = plain(path)
    root.links.create_hard(b"y", root, b"x")


def externalStorage_raw(path):
    plist = creation_list()
    plist.set_external(b"/etc/hostname", 0, 6)
    add_dataset(plain(path), b"y", 2, (3,), plist=plist, write=False)


def forbiddenLayout_virtual(path):
    plist = untimed(h5p.DATASET_CREATE)
    plist.set_virtual(space_of((3,)), b"other.h5", b"/x", space_of((3,)))
    add_dataset(plain(path), b"y", 2, (3,), plist=plist, write=False)


def forbiddenLayout_chunked(path):
    plist = untimed(h5p.DATASET_CREATE)
    plist.set_chunk((3,))
    add_dataset(plain(path), b"y", 2, (3,), plist=plist)


def forbiddenLayout_compact(path):
    plist = untimed(h5p.DATASET_CREATE)
    plist.set_layout(h5d.COMPACT)
    add_dataset(plain(path), b"y", 2, (3,), plist=plist)


def forbiddenFilter_deflate(path):
    plist = untimed(h5p.DATASET_CREATE)
    plist.set_chunk((3,))
    plist.set_deflate(4)
    add_dataset(plain(path), b"y", 2, (3,), plist=plist)


def forbiddenType_float(path):
    add_dataset(plain(path), b"y", 4, (3,), tid=h5t.IEEE_F32LE)


def forbiddenType_bfloat16(path):
    tid = h5t.IEEE_F32LE.copy()
    tid.set_fields(15, 7, 8, 0, 7)
    tid.set_size(2)
    tid.set_ebias(127)
    add_dataset(plain(path), b"y", 2, (3,), tid=tid)


def forbiddenType_big_endian(path):
    add_dataset(plain(path), b"y", 2, (3,), tid=h5t.STD_U16BE)


def forbiddenType_signed(path):
    add_dataset(plain(path), b"y", 2, (3,), tid=h5t.STD_I16LE)


def forbiddenType_five_bits(path):
    tid = h5t.STD_U8LE.copy()
    tid.set_precision(5)
    add_dataset(plain(path), b"y", 1, (3,), tid=tid)


def forbiddenType_opaque(path):
    tid = h5t.create(h5t.OPAQUE, 2)
    add_dataset(plain(path), b"y", 2, (3,), tid=tid, write=False)


def forbiddenType_variable_length(path):
    tid = h5t.vlen_create(h5t.STD_U8LE)
    add_dataset(plain(path), b"y", 1, (3,), tid=tid, write=False)


def forbiddenType_reference(path):
    add_dataset(plain(path), b"y", 8, (3,), tid=h5t.STD_REF_OBJ, write=False)


def forbiddenObject_committed_type(path):
    h5t.STD_U16LE.copy().commit(plain(path), b"type", link_list())


def forbiddenHeader_dataset_of_committed_type(path):
    root = plain(path)
    tid = h5t.STD_U16LE.copy()
    tid.commit(root, b"z type", link_list())
    add_dataset(root, b"y", 2, (3,), tid=tid)


def wrongStorageSize_huge(path):
    add_dataset(plain(path), b"y", 2, (1 << 20, 1 << 10), write=False)


def overLimit_huge(path):
    add_dataset(plain(path), b"y", 8, (1 << 40, 1 << 10), write=False)


def invalidShape_nine_axes(path):
    add_dataset(plain(path), b"y", 1, (1,) * 9)


def forbiddenDataspace_null(path):
    h5d.create(plain(path), b"y", h5t.STD_U8LE, h5s.create(h5s.NULL), creation_list(), link_list())


def tooDeep_groups(path):
    add_dataset(add_group(add_group(plain(path), b"g"), b"h"), b"y", 1, (2,))


def invalidName_not_utf8(path):
    h5g.create(plain(path), b"\xff\xfe", None, untimed(h5p.GROUP_CREATE))


def tooManyAttributes_nine(path):
    add_dataset(plain(path), b"y", 1, (2,), {f"a{n}": n for n in range(9)})


def invalidAttribute_variable_text(path):
    tid = h5t.C_S1.copy()
    tid.set_size(h5t.VARIABLE)
    attribute = h5a.create(plain(path), b"a", tid, h5s.create(h5s.SCALAR))
    attribute.write(np.array("x", object), mtype=tid)


def invalidAttribute_array(path):
    h5a.create(plain(path), b"a", h5t.STD_U64LE, h5s.create_simple((2,)))


def invalidAttribute_signed(path):
    h5a.create(plain(path), b"a", h5t.STD_I64LE, h5s.create(h5s.SCALAR))


def invalidAttribute_null_terminated(path):
    tid = text_type(3, h5t.STR_NULLTERM)
    h5a.create(plain(path), b"a", tid, h5s.create(h5s.SCALAR))


def invalidAttribute_not_utf8(path):
    set_attribute(plain(path), "a", b"\xff\xfe")


def invalidAttribute_inner_nul(path):
    set_attribute(plain(path), "a", b"a\0b")


def invalidAttribute_of_committed_type(path):
    root = plain(path)
    tid = text_type(3)
    tid.commit(root, b"z type", link_list())
    h5a.create(root, b"a", tid, h5s.create(h5s.SCALAR))


def invalidSuperblock_earliest(path):
    plain(path, bounds=(h5f.LIBVER_EARLIEST, h5f.LIBVER_V110))


def invalidSuperblock_userblock(path):
    creation = untimed(h5p.FILE_CREATE)
    creation.set_userblock(512)
    plain(path, creation=creation)


def invalidSuperblock_extension(path):
    creation = untimed(h5p.FILE_CREATE)
    creation.set_file_space_strategy(h5f.FSPACE_STRATEGY_PAGE, True, 1)
    plain(path, creation=creation)


def forge_place(path, place, count=3):
    """A file whose second dataset claims other data than its own, and a forgery to make it so."""
    root = plain(path)
    x, y = h5d.open(root, b"x").get_offset(), add_dataset(root, b"y", 2, (3,))
    address, offset = h5py.h5o.get_info(y).addr, y.get_offset()

    def forgery():
        target = place(x, path.stat().st_size)
        replacements = [([offset, 6], [target, 2 * count])]
        if count != 3:
            replacements.append(([3], [count]))
        forge(path, address, replacements)

    return forgery


def wrongStoragePlace_of_another(path):
    return forge_place(path, lambda x, size: x + 5)


def wrongStoragePlace_past_the_end(path):
    return forge_place(path, lambda x, size: size - 5)


def wrongStoragePlace_beyond_all(path):
    return forge_place(path, lambda x, size: 2**64 - 4)


def wrongStoragePlace_two_gigabytes(path):
    return forge_place(path, lambda x, size: x, 1 << 30)


def refused():
    """The functions above whose names begin with an error code."""
    return {
        name: function
        for name, function in globals().items()
        if callable(function) and "_" in name and name.split("_")[0] in CODES
    }


CODES = """invalidName tooManyAttributes invalidAttribute invalidShape invalidSuperblock overLimit
forbiddenLink sharedObject tooDeep forbiddenObject forbiddenHeader forbiddenType forbiddenDataspace
forbiddenLayout forbiddenFilter externalStorage wrongStorageSize wrongStoragePlace""".split()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="is emptied first")
    folder = parser.parse_args().folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    make(write_recipe, folder / "recipe.h5")
    make(plain, folder / "plain.h5")
    (folder / "refused").mkdir()
    for name, function in refused().items():
        make(function, folder / "refused" / f"{name}.h5")
    print(f"{len(refused())} refused files with h5py {h5py.__version__}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
