"""The whole loop on real input: official A2A SDKs, unmodified, call each other through two real nodes, and JOSE libraries and
an offline audit check what is left behind.

Started by `run`. Each check prints one line; the last line is `N passed, N failed`.
"""

import json
import platform
import subprocess
import sys
from importlib.metadata import version

from bed import PACKAGES, PROGRAM, Bed
from calls import Calls
from checks import Checks
from evidence import Evidence
from libraries import Libraries
from readme import Readme
from world import World


def versions():
    print(subprocess.run([PROGRAM, "--version"], capture_output=True, text=True).stdout.strip(), f"({PROGRAM})")
    python = ", ".join(f"{name} {version(name)}" for name in ("a2a-sdk", "PyJWT", "httpx"))
    print(f"Python {platform.python_version()}: {python}")
    node = subprocess.run(["node", "--version"], capture_output=True, text=True).stdout.strip()
    packages = [(name, json.loads((PACKAGES / "node_modules" / name / "package.json").read_text())["version"])
                for name in ("@a2a-js/sdk", "jose", "typescript")]  # fmt: skip
    print(f"Node {node}: {', '.join(f'{name} {number}' for name, number in packages)}")


def run(check, bed):
    check.section("Two nodes")
    world = check("two nodes start, with routes, agents, rules and each other as peers", World, bed)
    if world is None:
        return
    calls, evidence = Calls(world, check), Evidence(world, check)
    libraries = Libraries(world, evidence, check)
    check.section("Agent cards")
    calls.cards()
    check.section("Calls that are allowed")
    calls.allowed()
    check.section("Calls that are refused")
    calls.refused()
    check.section("Evidence on both sides")
    decision = evidence.both_sides()
    if decision is not None:
        check.section("Offline")
        evidence.offline(decision)
        check.section("JOSE libraries")
        libraries.verify(decision)
    check.section("Examples")
    libraries.examples()
    check.section("README")
    Readme(bed, check).all()
    check.section("The end")
    evidence.ended()
    if check.failed:
        for node in (world.a, world.b):
            print(f"\nlog of node {node.name}, its end\n{(bed.folder / f'{node.name}.log').read_text()[-4000:]}")


def main():
    versions()
    check = Checks()
    with Bed() as bed:
        run(check, bed)
    return check.end()


if __name__ == "__main__":
    sys.exit(main())
