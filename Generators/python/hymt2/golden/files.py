# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""Golden files through h5py's low-level interface, to the same bytes as Swift's module HDF5."""

import hashlib
import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from h5py import h5a, h5d, h5f, h5g, h5p, h5s, h5t

from hymt2.errors import OracleError
from hymt2.golden.cases import FORMAT, FORMAT_VERSION, GoldenCase, GoldenDict, GoldenTensor
from hymt2.widths import WIDTHS

ELEMENTS = {1: h5t.STD_U8LE, 2: h5t.STD_U16LE, 4: h5t.STD_U32LE, 8: h5t.STD_U64LE}


def write_case(case: GoldenCase, path: Path) -> None:
    """Writes a new file: equal cases give equal bytes with every libhdf5 from 1.10.8 to 2.0."""
    access = h5p.create(h5p.FILE_ACCESS)
    access.set_fapl_sec2()
    access.set_fclose_degree(h5f.CLOSE_STRONG)
    access.set_libver_bounds(h5f.LIBVER_V18, h5f.LIBVER_V110)
    file = h5f.create(bytes(path), h5f.ACC_EXCL, _untimed(h5p.FILE_CREATE), access)
    try:
        root = h5g.open(file, b"/")
        _set_attributes(
            root,
            {
                "case": case.text,
                "content_sha256": case.digest(),
                "format": FORMAT,
                "format_version": FORMAT_VERSION,
            },
        )
        for name in sorted(case.groups, key=str.encode):
            group = h5g.create(root, name.encode(), _links(), _untimed(h5p.GROUP_CREATE))
            _write_tensors(group, case.groups[name])
    finally:
        file.close()


def read_case(path: Path) -> GoldenCase:
    """Reads a file that is trusted, and checks its digests."""
    with h5py.File(path) as file:
        if file.attrs.get("format", b"").decode() != FORMAT:
            raise OracleError(f"{path}: not a golden file")
        if (version := int(file.attrs["format_version"])) != FORMAT_VERSION:
            raise OracleError(f"{path}: expected format version {FORMAT_VERSION}, found {version}")
        groups = {name: _read_tensors(path, group) for name, group in file.items()}
        case = GoldenCase(json.loads(file.attrs["case"].decode()), groups)
        if case.digest() != file.attrs["content_sha256"].decode():
            raise OracleError(f"{path}: the content has not the SHA-256 that the file says")
    return case


def _read_tensors(path: Path, group: h5py.Group) -> GoldenDict:
    tensors = {}
    for key, dataset in sorted(group.items(), key=lambda item: int(item[1].attrs["index"])):
        tensor = GoldenTensor(dataset.attrs["dtype"].decode(), np.asarray(dataset[()]))
        if WIDTHS[tensor.dtype] != dataset.dtype.itemsize:
            raise OracleError(f"{path}: {key}: {tensor.dtype} of {dataset.dtype.itemsize} bytes")
        if hashlib.sha256(tensor.data()).hexdigest() != dataset.attrs["sha256"].decode():
            raise OracleError(f"{path}: {key}: the data have not the SHA-256 that the file says")
        tensors[key] = tensor
    return tensors


def _write_tensors(group: Any, tensors: GoldenDict) -> None:
    indices = {key: index for index, key in enumerate(tensors)}
    for key in sorted(tensors, key=str.encode):
        tensor = tensors[key]
        shape = tensor.bits.shape
        space = h5s.create_simple(shape) if shape else h5s.create(h5s.SCALAR)
        width = WIDTHS[tensor.dtype]
        creation = _untimed(h5p.DATASET_CREATE)
        creation.set_layout(h5d.CONTIGUOUS)
        dataset = h5d.create(group, key.encode(), ELEMENTS[width], space, creation, _links())
        if tensor.bits.size:
            bits = np.ascontiguousarray(tensor.bits, f"<u{width}").reshape(shape)
            dataset.write(h5s.ALL, h5s.ALL, bits, mtype=ELEMENTS[width])
        _set_attributes(
            dataset,
            {
                "dtype": tensor.dtype,
                "index": indices[key],
                "sha256": hashlib.sha256(tensor.data()).hexdigest(),
            },
        )


def _untimed(kind: Any) -> Any:
    plist = h5p.create(kind)
    plist.set_obj_track_times(False)
    return plist


def _links() -> Any:
    plist = h5p.create(h5p.LINK_CREATE)
    plist.set_char_encoding(h5t.CSET_UTF8)
    return plist


def _set_attributes(target: Any, attributes: dict[str, str | int]) -> None:
    for name in sorted(attributes):
        value = attributes[name]
        if isinstance(value, int):
            kind, data = h5t.STD_U64LE, np.array(value, "<u8")
        else:
            encoded = value.encode()
            kind = h5t.C_S1.copy()
            kind.set_size(len(encoded))
            kind.set_strpad(h5t.STR_NULLPAD)
            kind.set_cset(h5t.CSET_UTF8)
            data = np.array(encoded, f"S{len(encoded)}")
        h5a.create(target, name.encode(), kind, h5s.create(h5s.SCALAR)).write(data, mtype=kind)
