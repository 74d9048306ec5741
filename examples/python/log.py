"""Checkpoints, proofs and witnesses (spec/log.md). Rule ids stand beside the code."""
import re

from keys import verifies
from shapes import SCHEMAS
from strict import MAX, need, sha, unb64


KEY_NAME = re.compile(SCHEMAS["receipt-decision"]["$defs"]["key_name"]["pattern"][:-1] + r"\Z")


def key_id(name, kind, key):
    return sha(name.encode(), b"\n", bytes([kind]), key)[:4]  # LOG-13


def decimal(text, code):
    need(re.fullmatch("0|[1-9][0-9]{0,15}", text) and int(text) <= MAX, code)
    return int(text)


class Checkpoint:
    def __init__(self, note):
        """LOG-12, LOG-15, LOG-02."""
        bad = "checkpoint_malformed"
        need(len(note.encode()) <= 65536 and note.endswith("\n") and not re.search("[\x00-\x09\x0b-\x1f]", note), bad)
        text, blank, lines = note[:-1].rpartition("\n\n")
        need(blank and len(lines.split("\n")) <= 100, bad)
        self.text, self.lines = text + "\n", []
        for line in lines.split("\n"):
            dash, name, data = (line.split(" ", 2) + ["", ""])[:3]
            data = unb64(data, bad, url=False)
            need(dash == "\u2014" and name and len(name.encode()) < 256 and KEY_NAME.match(name) and len(data) > 4, bad)
            self.lines.append((name, data[:4], data[4:]))
        parts = text.split("\n")
        need(len(parts) == 3 and parts[0] and len(parts[0].encode()) < 256 and KEY_NAME.match(parts[0]), bad)
        self.origin, self.size, self.root = parts[0], decimal(parts[1], bad), unb64(parts[2], bad, url=False, length=32)
        need(self.size or self.root == sha(), bad)

    def of(self, name, kind, key):
        return [data for n, i, data in self.lines if (n, i) == (name, key_id(name, kind, key))]

    def cosigned_at(self, data, key):
        """LOG-16: the time of a cosignature that verifies, or 0."""
        time = int.from_bytes(data[:8], "big")
        good = time <= MAX and verifies(key, f"cosignature/v1\ntime {time}\n{self.text}".encode(), data[8:])
        return time if good else 0

    def open(self, logs, cosigner, cosigners):
        """LOG-17 and VERD-19: one line of one log key, one date of one cosigning key. The date, and the two keys."""
        lines = [(key, data) for key in logs for data in self.of(self.origin, 1, key)]
        need(len(lines) == 1 and verifies(lines[0][0], self.text.encode(), lines[0][1]), "checkpoint_signature")
        dates = [(key, data) for key in cosigners for data in self.of(cosigner, 4, key)]
        time = self.cosigned_at(dates[0][1], dates[0][0]) if len(dates) == 1 else 0
        need(time, "checkpoint_undated")
        return time, lines[0][0], dates[0][0]


def climb(index, last, start, hashes, code, old=None):
    """RFC 9162, 2.1.3.2 and 2.1.4.2: the roots that a path leads to."""
    new = start
    for node in hashes:
        need(last > 0, code)
        if index & 1 or index == last:
            new, old = sha(b"\x01", node, new), old and sha(b"\x01", node, old)
            while index and not index & 1:
                index, last = index >> 1, last >> 1
        else:
            new = sha(b"\x01", new, node)
        index, last = index >> 1, last >> 1
    need(last == 0, code)
    return new, old


def read_proof(text):
    """LOG-18: index, hashes, and the note, which may be no checkpoint."""
    bad = "proof_malformed"
    head, blank, note = text.partition("\n\n")
    lines = head.split("\n")
    need(blank and len(text.encode()) <= 76563 and lines.pop(0) == "c2sp.org/tlog-proof@v1", bad)
    if lines and lines[0].startswith("extra "):
        need(len(unb64(lines.pop(0)[6:], bad, url=False)) <= 6000, bad)
    need(lines and lines[0].startswith("index "), bad)
    index, hashes = decimal(lines[0][6:], bad), [unb64(line, bad, url=False, length=32) for line in lines[1:]]
    need(len(hashes) <= 63, bad)
    return index, hashes, note


def check_inclusion(leaf, index, hashes, checkpoint):
    need(index < checkpoint.size, "inclusion_invalid")  # LOG-03
    need(climb(index, checkpoint.size - 1, leaf, hashes, "inclusion_invalid")[0] == checkpoint.root, "inclusion_invalid")


def check_consistency(size, root, to_size, to_root, hashes):
    bad = "head_inconsistent"
    need(size <= to_size, bad)  # LOG-07
    if size in (0, to_size):
        return need(not hashes and root == (to_root if size else sha()), bad)  # LOG-06, LOG-08
    index, last, hashes = size - 1, to_size - 1, list(hashes)
    need(hashes or not size & (size - 1), bad)
    start = root if not size & (size - 1) else hashes.pop(0)
    while index & 1:
        index, last = index >> 1, last >> 1
    need(climb(index, last, start, hashes, bad, start) == (to_root, root), bad)  # LOG-05


def witnessed(rule, checkpoint, revoked):
    """LOG-20 to LOG-22, VERD-21: None for `quorum none`, else the witnessed time or 0. The file is ours: its form is not checked."""
    times = {}
    for line in rule.splitlines():
        word, *items = (line.split() or ["#"])
        if word == "witness":
            name, _, key = items[1].split("+", 2)
            key = unb64(key, "", url=False)[1:]
            lines = [] if key in revoked else checkpoint.of(name, 4, key)
            times[items[0]] = min(filter(None, (checkpoint.cosigned_at(data, key) for data in lines)), default=0)
        elif word == "group":
            k = {"any": 1, "all": len(items) - 2}.get(items[1]) or int(items[1])
            times[items[0]] = ([*sorted(filter(None, (times[name] for name in items[2:]))), *[0] * k])[k - 1]
        elif word == "quorum":
            return None if items[0] == "none" else times[items[0]]
