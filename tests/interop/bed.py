"""Two operators on loopback: their nodes, their agents, and the commands that set them up.

A bed owns every process that it starts and ends them all, whatever happens. Nothing of the nodes is taken apart here: folders
are made by `init`, peers by `peer add`, agents by `agent add`, rules by `policy apply`.
"""

import json
import os
import pathlib
import queue
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent
PACKAGES = pathlib.Path(os.environ["COUNTERSIGN_INTEROP"]) / "node"
PROGRAM = os.environ["COUNTERSIGN_BIN"]


def free_ports(count):
    """Ports that nobody has; held together, so that they differ."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [held.getsockname()[1] for held in sockets]
    for held in sockets:
        held.close()
    return ports


def until(what, look, seconds=30):
    """Looks again and again until there is something to see."""
    end = time.monotonic() + seconds
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.1)


class Process:
    """A program whose standard output is read line by line as JSON, from the start to its end."""

    def __init__(self, arguments, log, env=None):
        self.log = log
        environment = os.environ | (env or {})
        self.process = subprocess.Popen(
            [str(part) for part in arguments], stdout=subprocess.PIPE, stderr=log.open("wb"), text=True, env=environment
        )
        self.lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put(None)

    def next_line(self, seconds=30):
        try:
            line = self.lines.get(timeout=seconds)
        except queue.Empty:
            line = None
        if line is None:
            raise AssertionError(f"no line from {self.process.args[:3]}:\n{self.log.read_text()[-3000:]}")
        return json.loads(line)

    def drained(self):
        """The lines that are there by now."""
        lines = []
        while not self.lines.empty():
            line = self.lines.get()
            if line is not None:
                lines.append(json.loads(line))
        return lines

    def end(self):
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


class Node:
    """One operator: its data folder, and its node while it runs."""

    def __init__(self, bed, name):
        self.name, self.bed, self.folder = name, bed, bed.folder / name
        self.public_port, self.private_port = free_ports(2)
        self.private = f"http://127.0.0.1:{self.private_port}"
        made = self.bed.command(
            "init", "--dev", self.folder,
            "--public", f"127.0.0.1:{self.public_port}", "--private", f"127.0.0.1:{self.private_port}",
        )  # fmt: skip
        self.issuer, self.fingerprint = made["issuer"], made["fingerprint"]
        self.pin = f"{self.issuer}={self.fingerprint}"
        self.running = None

    def command(self, *arguments, **options):
        return self.bed.command(*arguments, "--config", self.folder, **options)

    def configure(self, text):
        with (self.folder / "countersign.toml").open("a") as file:
            file.write(text)

    def rules(self, text):
        (self.folder / "policy" / "interop.cedar").write_text(text)

    def start(self):
        log = self.bed.folder / f"{self.name}.log"
        self.running = self.bed.process([PROGRAM, "serve", "--config", self.folder, "--json"], log)
        ready = self.running.next_line()
        self.agents = {agent["name"]: agent["base_urls"] for agent in ready["agents"]}
        self.routes = {route["name"]: route["url"] for route in ready["routes"]}
        return ready


class Bed:
    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="countersign-interop-"))
        self.processes = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            process.end()
        shutil.rmtree(self.folder, ignore_errors=True)

    def process(self, arguments, log, env=None):
        process = Process(arguments, log, env)
        self.processes.append(process)
        return process

    def python(self, script, *arguments, env=None):
        """A script that runs beside the checks; its first line says that it is ready."""
        process = self.process([sys.executable, "-u", script, *arguments], self.folder / f"{script.stem}.log", env)
        return process, process.next_line()

    def run(self, *arguments, env=None, seconds=60, **options):
        """A program to its end."""
        return subprocess.run(
            [str(part) for part in arguments],
            capture_output=True, text=True, timeout=seconds, env=os.environ | (env or {}), **options,
        )  # fmt: skip

    def command(self, *arguments, expect=0):
        """A command of the node; its JSON result."""
        done = self.run(PROGRAM, *arguments, "--json")
        if done.returncode != expect:
            raise AssertionError(
                f"countersign {' '.join(map(str, arguments))} ended with {done.returncode}, not {expect}:\n"
                f"{done.stdout[-2000:]}{done.stderr[-2000:]}"
            )
        return json.loads(done.stdout) if done.stdout.strip() else None

    def call(self, base, text, *options):
        """The unmodified client: its lines, and whether it ended with an error."""
        done = self.run(sys.executable, HERE / "agents" / "caller.py", base, text, *options)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        if not lines:
            raise AssertionError(f"the client said nothing:\n{done.stderr[-3000:]}")
        return lines

    def node(self, script, *arguments, env=None):
        """A JavaScript program to its end, where its packages are; its lines."""
        done = self.run("node", PACKAGES / script, *arguments, env=env)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        if not lines:
            raise AssertionError(f"{script} said nothing:\n{done.stderr[-3000:]}")
        return lines
