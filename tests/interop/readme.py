"""The README does what it says: its commands are run in an empty folder, and its code is the code of the examples."""

import os
import pathlib
import re
import signal
import subprocess

from bed import PROGRAM, ROOT, free_ports
from checks import holds, same

TEXT = (ROOT / "README.md").read_text()


def squeezed(text):
    """Without what only layout is about."""
    return " ".join(text.replace("# fmt: skip", "").split())


class Readme:
    def __init__(self, bed, check):
        self.bed, self.check = bed, check

    def all(self):
        blocks = re.findall(r"<!-- from (\S+) -->\n```\w+\n(.*?)```", TEXT, re.DOTALL)
        self.check("the README has code of the examples", same, len(blocks) >= 4, True)
        for path, code in blocks:
            self.check(f"its code stands in {path}", self.stands, path, code)
        self.check("its own node in five commands", self.five_commands)

    def stands(self, path, code):
        holds(squeezed(code) in squeezed((ROOT / path).read_text()), f"not in {path}:\n{code}")

    def five_commands(self):
        script = re.search(r"<!-- run -->\n```sh\n(.*?)```", TEXT, re.DOTALL).group(1)
        same(len(re.findall(r"^\S", script, re.MULTILINE)), 5, "the number of commands")
        # Other ports than the README's, which somebody else may have on this machine.
        public, private = free_ports(2)
        given = f"init --dev --public 127.0.0.1:{public} --private 127.0.0.1:{private}"
        script = script.replace("init --dev", given).replace(":7401", f":{private}")
        # A person waits for the line `ready`; a script has to be told to.
        script = script.replace("serve &\n", "serve >ready &\nuntil grep -q ^ready ready; do sleep 0.1; done\n")
        folder = self.bed.folder / "readme"
        folder.mkdir()
        path = f"{pathlib.Path(PROGRAM).parent}:{os.environ['PATH']}"
        shell = subprocess.Popen(
            ["bash", "-euc", script + "kill %1\nwait %1\n"], cwd=folder, env=os.environ | {"PATH": path},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )  # fmt: skip
        try:
            said, _ = shell.communicate(timeout=60)
        finally:
            if shell.poll() is None:
                os.killpg(shell.pid, signal.SIGKILL)
        same(shell.returncode, 0, f"the exit code ({said})")
        for part in ('{"decision":true}', "allowed “desk” to do “respond” on User “ana”"):
            holds(part in said, f"`{part}` was said: {said}")
