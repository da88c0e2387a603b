# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""What is linked into the program: names, versions and licences, from the machine that builds it."""

import json
import subprocess
from dataclasses import dataclass
from itertools import starmap
from pathlib import Path
from typing import Any
from urllib.parse import quote

ROOT = Path(__file__).resolve().parents[2]
DEBIAN = {
    "libaec-dev": "BSD-2-Clause",
    "libhdf5-dev": "BSD-3-Clause",
    "libstdc++-12-dev": "GPL-3.0-or-later WITH GCC-exception-3.1",
    "zlib1g-dev": "Zlib",
}
CHECKOUTS = ROOT / ".build" / "static" / "checkouts"


@dataclass(frozen=True)
class Component:
    """A library."""

    name: str
    version: str
    licence: str
    """As SPDX writes it."""
    purl: str
    texts: tuple[Path, ...]

    def json(self) -> dict[str, Any]:
        return {
            "type": "library",
            "bom-ref": self.purl,
            "name": self.name,
            "version": self.version,
            "purl": self.purl,
            "licenses": [{"expression": self.licence}],
        }


def components() -> list[Component]:
    """All of them, by name."""
    found = [_swift(), *starmap(_debian, DEBIAN.items()), *_packages()]
    return sorted(found, key=lambda component: component.name)


def sbom(version: str, linked: list[Component]) -> str:
    """A CycloneDX document."""
    reference = f"pkg:pypi/hymt2@{version}"
    program = {
        "type": "application", "bom-ref": reference, "name": "hymt2", "version": version,
        "purl": reference, "licenses": [{"expression": "Apache-2.0"}],
    }  # fmt: skip
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": program},
        "components": [component.json() for component in linked],
        "dependencies": [{"ref": reference, "dependsOn": [c.purl for c in linked]}],
    }
    return json.dumps(document, indent=2) + "\n"


def _output(*words: str) -> str:
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def _swift() -> Component:
    info = json.loads(_output("swift", "-print-target-info"))
    version = info["compilerVersion"].split("Swift version ")[1].split()[0]
    share = Path(info["paths"]["runtimeResourcePath"]).parents[1] / "share" / "swift"
    return Component(
        "swift", version, "Apache-2.0 WITH Swift-exception AND Unicode-3.0",
        f"pkg:github/swiftlang/swift@{version}",
        (share / "LICENSE.txt", ROOT / "ci" / "packaging" / "ICU.txt"),
    )  # fmt: skip


def _debian(package: str, licence: str) -> Component:
    version = _output("dpkg-query", "-W", "-f", "${Version}", package)
    return Component(
        package.removesuffix("-dev"), version, licence,
        f"pkg:deb/debian/{quote(package)}@{quote(version)}", (Path(f"/usr/share/doc/{package}/copyright"),),
    )  # fmt: skip


def _packages() -> list[Component]:
    pins = json.loads((ROOT / "Package.resolved").read_text())["pins"]
    found = []
    for pin in pins:
        address, version = pin["location"].removesuffix(".git"), pin["state"]["version"]
        owner, name = address.split("/")[-2:]
        texts = sorted((CHECKOUTS / name).glob("LICENSE*"))
        licence = "MIT" if name == "Yams" else "Apache-2.0 WITH Swift-exception"
        purl = f"pkg:github/{owner.lower()}/{name.lower()}@{version}"
        found.append(Component(name, version, licence, purl, tuple(texts)))
    return found
