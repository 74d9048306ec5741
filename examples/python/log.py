"""Checkpoints, proofs and witnesses (spec/log.md). Rule ids stand beside the code."""
import re

from keys import small_order, verifies
from shapes import SCHEMAS
from strict import MAX, need, sha, unb64


CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f]")
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
        need(len(note.encode()) <= 65536 and note.endswith("\n") and not CONTROL.search(note), bad)
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
    need(blank and len(text.encode()) <= 76425 and lines.pop(0) == "c2sp.org/tlog-proof@v1", bad)
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


def read_tile_path(path):
    """LOG-10."""
    bad = "not_found"
    parts = re.fullmatch(r"tile/(0|[1-9][0-9]*)/((?:x[0-9]{3}/)*)([0-9]{3})(?:\.p/([1-9][0-9]*))?", path)
    need(parts and not parts[2].startswith("x000"), bad)
    level, index, width = int(parts[1]), int(re.sub("[x/]", "", parts[2]) + parts[3]), int(parts[4] or 256)
    need(width < 256 + (parts[4] is None) and 256 * index + width <= MAX >> 8 * level, bad)
    return level, index, width


def tile(level, index, width, size):
    """LOG-09, of the log that the vectors speak of."""
    need(256 * index + width <= size >> 8 * level, "not_found")
    row = [sha(b"\x00", sha(b"entry %d" % number)) for number in range(size)]
    for _ in range(8 * level):
        row = [sha(b"\x01", *row[at:at + 2]) for at in range(0, len(row) - 1, 2)]
    return b"".join(row[256 * index:256 * index + width])


def read_vkey(text, kind, bad):
    """LOG-13: name and public key."""
    name, key_hash, data = (text.split("+", 2) + ["", ""])[:3]
    typed = unb64(data, bad, url=False)
    need(0 < len(name.encode()) < 256 and KEY_NAME.match(name) and typed[:1] == bytes([kind]) and small_order(typed[1:]) is False, bad)
    need(key_id(name, kind, typed[1:]).hex() == key_hash, bad)
    return name, typed[1:]


def read_quorum(text):
    """LOG-20: the members by name, each a vkey or (k, names), and the name that counts."""
    bad, members, used, keys, counts, quorum = "request_malformed", {}, set(), set(), {}, None
    need(len(text.encode()) <= 262144 and not CONTROL.search(text.replace("\t", " ")), bad)
    for line in text.split("\n"):
        word, *items = re.findall("[^ \t]+", line) or ["#"]
        if word.startswith("#"):
            continue
        counts[word] = counts.get(word, 0) + 1
        need(word in ("log", "witness", "group", "quorum") and counts[word] <= (1 if word == "quorum" else 64), bad)
        if word == "quorum":
            need(len(items) == 1 and items[0] in [*members, "none"], bad)
            quorum = items[0]
        elif word == "group":
            need(len(items) > 2 and all(name in members and name not in used for name in items[2:]), bad)
            need(len(set(items[2:])) == len(items) - 2 and items[0] not in [*members, "none"], bad)
            k = {"any": 1, "all": len(items) - 2}.get(items[1]) or decimal(items[1], bad)
            need(1 <= k <= len(items) - 2, bad)
            used |= set(items[2:])
            members[items[0]] = (k, items[2:])
        else:
            first = 0 if word == "log" else 1
            need(first < len(items) <= first + 2, bad)
            name, key = read_vkey(items[first], 1 if word == "log" else 4, bad)
            need((word, key) not in keys and (word == "log" or items[0] not in [*members, "none"]), bad)
            keys.add((word, key))
            members |= {items[0]: (name, key)} if word == "witness" else {}
    need(quorum, bad)
    return members, quorum


def witnessed(rule, checkpoint, revoked):
    """LOG-21, LOG-22, VERD-21: None for `quorum none`, else the witnessed time or 0."""
    members, quorum = rule
    times = {"none": None}
    for member, (first, second) in members.items():
        if isinstance(first, int):
            times[member] = ([*sorted(filter(None, (times[name] for name in second))), *[0] * first])[first - 1]
        else:
            lines = [] if second in revoked else checkpoint.of(first, 4, second)
            times[member] = min(filter(None, (checkpoint.cosigned_at(data, second) for data in lines)), default=0)
    return times[quorum]
