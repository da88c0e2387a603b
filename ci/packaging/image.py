# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""An OCI image of the program and the libraries of the system that it needs, without a daemon.

    python3 ci/packaging/image.py PROGRAM VERSION OUT.tar

The archive is an OCI layout: `skopeo copy oci-archive:OUT.tar docker://..`, `podman load -i OUT.tar`.
"""

import gzip
import hashlib
import io
import json
import re
import subprocess
import sys
import tarfile
from pathlib import Path

LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
CONFIG = "application/vnd.oci.image.config.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def packed(files: dict[str, bytes]) -> bytes:
    """A tar of programs: the same files give the same bytes."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o755
            archive.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def root(program: Path) -> dict[str, bytes]:
    """What is in the image: nothing but the program would need Swift's runtime and libhdf5."""
    loaded = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    files = {"hymt2": program.read_bytes()}
    for path in sorted(re.findall(r"(/\S+) \(0x", loaded)):
        files[path[1:]] = Path(path).read_bytes()
    return files


def image(program: Path, version: str) -> bytes:
    tar = packed(root(program))
    blobs: dict[str, bytes] = {}

    def blob(data: bytes, media_type: str) -> dict[str, object]:
        digest = hashlib.sha256(data).hexdigest()
        blobs[f"blobs/sha256/{digest}"] = data
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(data)}

    def document(value: object) -> bytes:
        return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()

    layer = blob(gzip.compress(tar, mtime=0), LAYER)
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Entrypoint": ["/hymt2"], "WorkingDir": "/work"},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(tar).hexdigest()}"]},
    }
    manifest = {
        "schemaVersion": 2, "mediaType": MANIFEST, "config": blob(document(config), CONFIG),
        "layers": [layer],
    }  # fmt: skip
    entry = blob(document(manifest), MANIFEST)
    entry["annotations"] = {"org.opencontainers.image.ref.name": version}
    blobs["index.json"] = document({"schemaVersion": 2, "manifests": [entry]})
    blobs["oci-layout"] = document({"imageLayoutVersion": "1.0.0"})
    return packed(blobs)


if __name__ == "__main__":
    Path(sys.argv[3]).write_bytes(image(Path(sys.argv[1]), sys.argv[2]))
