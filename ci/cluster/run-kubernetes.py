# SPDX-License-Identifier: Apache-2.0
# Copyright the hymt2-harness authors
"""Runs the containers of Kubernetes jobs on this machine; for ci/cluster/test-kubernetes."""

import os
import re
import subprocess
import sys
from pathlib import Path

import yaml


def jobs(path: str) -> list[dict]:
    with open(path, encoding="utf-8") as file:
        return [document for document in yaml.safe_load_all(file) if document["kind"] == "Job"]


def words(container: dict, work: Path, environment: dict[str, str]) -> list[str]:
    """The command with variables put in and mounts replaced; the image's entry point is hymt2."""
    line = container.get("command", ["hymt2"]) + container.get("args", [])
    mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
    for mount, name in mounts.items():
        line = [word.replace(mount + "/", f"{work / name}/") for word in line]
    return [re.sub(r"\$\((\w+)\)", lambda match: environment[match[1]], word) for word in line]


def run(line: list[str], environment: dict[str, str]) -> int:
    print(" ".join(line), flush=True)
    return subprocess.run(line, env=environment, stdout=subprocess.DEVNULL).returncode


def check(job: dict, container: dict) -> None:
    """What no schema can know."""
    spec = job["spec"]
    environment = {entry["name"]: entry["value"] for entry in container["env"]}
    assert environment["HYMT2_SHARD_COUNT"] == str(spec["completions"]), "HYMT2_SHARD_COUNT"
    for rule in spec["podFailurePolicy"]["rules"]:
        name = rule.get("onExitCodes", {}).get("containerName", container["name"])
        assert name == container["name"], "podFailurePolicy names another container"
    mounted = {mount["name"] for mount in container["volumeMounts"]}
    volumes = {volume["name"] for volume in spec["template"]["spec"]["volumes"]}
    assert mounted == volumes, "a volume is not mounted"


def main() -> int:
    work, examples, fuzz, merge = Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
    base = os.environ | {"PATH": f"{work / 'bin'}:{os.environ['PATH']}"}
    [job] = jobs(fuzz)
    [container] = job["spec"]["template"]["spec"]["containers"]
    check(job, container)
    own = {entry["name"]: entry["value"] for entry in container["env"]}
    for index in range(job["spec"]["completions"]):
        environment = base | own | {"JOB_COMPLETION_INDEX": str(index)}
        line = words(container, work, environment)
        line = [f"--examples={examples}" if word.startswith("--time=") else word for word in line]
        if (status := run(line, environment)) != 0:
            print(f"index {index}: exit status {status}", file=sys.stderr)
            return 1
    [job] = jobs(merge)
    [container] = job["spec"]["template"]["spec"]["containers"]
    if (status := run(words(container, work, base), base)) != 0:
        print(f"merge: exit status {status}", file=sys.stderr)
        return 1
    for name in ("report.html", "junit.xml"):
        assert (work / "results" / name).stat().st_size > 0, name
    line = ["hymt2", "fuzz", "--config", f"{work}/config/config.json", "--examples", examples]
    with open(work / "alone.json", "w", encoding="utf-8") as out:
        subprocess.run(line + ["--quiet", "--json"], env=base, stdout=out, check=True)
    shards = sorted(str(path) for path in (work / "results").glob("shard-*"))
    with open(work / "merged.json", "w", encoding="utf-8") as out:
        subprocess.run(["hymt2", "fuzz", "merge", *shards, "--json"], env=base, stdout=out, check=True)
    compare = Path(__file__).parent / "same-campaign"
    return subprocess.run([compare, work / "alone.json", work / "merged.json"]).returncode


if __name__ == "__main__":
    sys.exit(main())
