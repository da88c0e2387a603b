# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors

"""Writes parts of HDF5 files as the Swift module HDF5 does: no times, fixed lists of properties."""

import numpy as np
from h5py import h5a, h5d, h5f, h5g, h5p, h5s, h5t

ELEMENTS = {1: h5t.STD_U8LE, 2: h5t.STD_U16LE, 4: h5t.STD_U32LE, 8: h5t.STD_U64LE}


def untimed(cls):
    plist = h5p.create(cls)
    plist.set_obj_track_times(False)
    return plist


def creation_list():
    plist = untimed(h5p.DATASET_CREATE)
    plist.set_layout(h5d.CONTIGUOUS)
    return plist


def link_list():
    plist = h5p.create(h5p.LINK_CREATE)
    plist.set_char_encoding(h5t.CSET_UTF8)
    return plist


def access_list(bounds=(h5f.LIBVER_V18, h5f.LIBVER_V110)):
    plist = h5p.create(h5p.FILE_ACCESS)
    plist.set_fapl_sec2()
    plist.set_fclose_degree(h5f.CLOSE_STRONG)
    plist.set_libver_bounds(*bounds)
    return plist


# Objects close with their file, which must therefore live on.
open_files = []


def create(path, creation=None, **options):
    creation = creation or untimed(h5p.FILE_CREATE)
    open_files.append(h5f.create(bytes(path), h5f.ACC_TRUNC, creation, access_list(**options)))
    return h5g.open(open_files[-1], b"/")


def make(function, path):
    forgery = function(path)
    open_files.pop().close()
    if callable(forgery):
        forgery()


def text_type(size, padding=h5t.STR_NULLPAD):
    tid = h5t.C_S1.copy()
    tid.set_size(size)
    tid.set_strpad(padding)
    tid.set_cset(h5t.CSET_UTF8)
    return tid


def set_attribute(obj, name, value):
    if isinstance(value, int):
        tid, data = h5t.STD_U64LE, np.array(value, "<u8")
    else:
        data = value if isinstance(value, bytes) else value.encode()
        tid = text_type(max(len(data), 1))
        data = np.array(data, f"S{max(len(data), 1)}")
    h5a.create(obj, name.encode(), tid, h5s.create(h5s.SCALAR)).write(data, mtype=tid)


def space_of(shape):
    return h5s.create_simple(shape) if shape else h5s.create(h5s.SCALAR)


def add_dataset(group, name, width, shape, attributes=None, *, tid=None, plist=None, write=True):
    """Adds a dataset whose n-th byte is (7 * n + 3) mod 256."""
    tid = tid or ELEMENTS[width]
    dataset = h5d.create(group, name, tid, space_of(shape), plist or creation_list(), link_list())
    count = int(np.prod(shape, dtype=int)) * width
    if count and write:
        data = ((np.arange(count) * 7 + 3) % 256).astype("u1").view(f"<u{width}").reshape(shape)
        dataset.write(h5s.ALL, h5s.ALL, data, mtype=ELEMENTS[width])
    for key in sorted(attributes or {}):
        set_attribute(dataset, key, attributes[key])
    return dataset


def add_group(group, name):
    return h5g.create(group, name, link_list(), untimed(h5p.GROUP_CREATE))
