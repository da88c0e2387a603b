# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""Tries what ci/release made: checksums, tarball, image, and the step of action.yml.

    python3 ci/packaging/release_trial.py OUT VERSION     as root
"""

import gzip
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
FAULT = "down_proj is not transposed where it is square"


def said(*words: str | Path, status: int = 0, **options: object) -> str:
    done = subprocess.run(words, capture_output=True, text=True, **options)  # type: ignore[call-overload]
    assert done.returncode == status, f"{words}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def try_tarball(out: Path, version: str, folder: Path) -> Path:
    name = f"hymt2-{version}-linux-x86_64"
    with tarfile.open(out / f"{name}.tar.gz") as archive:
        archive.extractall(folder, filter="data")
    unpacked = folder / name
    assert said(unpacked / "hymt2", "--version") == f"hymt2 {version}\n"
    said("bash", "-n", unpacked / "completions/hymt2.bash")
    assert ".SH HYMT2 CHECK" in (unpacked / "hymt2.1").read_text()
    licences = sorted(p.parent.name for p in unpacked.glob("licenses/*/*"))
    components = json.loads((unpacked / "sboms/hymt2.cyclonedx.json").read_text())["components"]
    assert sorted({c["name"] for c in components}) == sorted(set(licences))
    return unpacked / "hymt2"


def try_image(path: Path, folder: Path) -> None:
    """Unpacks it as a runtime does, by digests, and runs its entry point in it."""
    with tarfile.open(path) as archive:
        files = {entry.name: archive.extractfile(entry).read() for entry in archive}  # type: ignore[union-attr]

    def blob(descriptor: dict) -> bytes:
        data = files["blobs/" + descriptor["digest"].replace(":", "/")]
        digest = hashlib.sha256(data).hexdigest()
        assert f"sha256:{digest}" == descriptor["digest"] and len(data) == descriptor["size"]
        return data

    manifest = json.loads(blob(json.loads(files["index.json"])["manifests"][0]))
    config = json.loads(blob(manifest["config"]))
    tars = [gzip.decompress(blob(layer)) for layer in manifest["layers"]]
    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(t).hexdigest()}" for t in tars]
    for tar in tars:
        with tarfile.open(fileobj=io.BytesIO(tar)) as layer:
            layer.extractall(folder, filter="data")
    (folder / "proc").mkdir()
    entry = 'mount -t proc proc "$1/proc"; exec chroot "$@"'
    words = ["unshare", "--mount", "sh", "-ec", entry, "-"]
    assert FAULT in said(*words, folder, *config["config"]["Entrypoint"], "demo")


def try_action(program: Path, folder: Path) -> None:
    """Runs the step with a pip that has nothing to do."""
    step = yaml.safe_load((ROOT / "action.yml").read_text())["runs"]["steps"][0]
    (folder / "python3").write_text("#!/bin/sh\necho \"$@\" > pip\n")
    (folder / "python3").chmod(0o755)
    os.symlink(program, folder / "hymt2")
    environment = os.environ | {
        "PATH": f"{folder}:{os.environ['PATH']}", "GITHUB_ACTIONS": "true",
        "GITHUB_STEP_SUMMARY": str(folder / "summary"), "PACKAGE": "hymt2", "ADAPTER": "demo",
        "ARGUMENTS": "--examples 100 --law elements",
    }  # fmt: skip
    text = said("bash", "-ec", step["run"], status=1, cwd=folder, env=environment)
    assert "::error" in text and FAULT in text, text
    assert "install --quiet hymt2" in (folder / "pip").read_text()
    assert FAULT in (folder / "summary").read_text() and FAULT in (folder / "hymt2.xml").read_text()


def main() -> None:
    out, version = Path(sys.argv[1]), sys.argv[2]
    said("sha256sum", "--check", "--strict", "SHA256SUMS", cwd=out)
    with tempfile.TemporaryDirectory() as scratch:
        folders = [Path(scratch) / name for name in ("tarball", "image", "action")]
        for folder in folders:
            folder.mkdir()
        program = try_tarball(out, version, folders[0])
        try_image(out / f"hymt2-{version}-oci.tar", folders[1])
        try_action(program, folders[2])
    print("tarball, image and action: 3 passed, 0 failed")


main()
