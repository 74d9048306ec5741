"""Refusals, base64 in its one spelling, and canonical JSON by the receipt rules (spec/canonical.md)."""
import base64, hashlib, json, re

MAX = 2**53 - 1


class Refused(Exception):
    """Carries the code of spec/problems.md."""


def need(holds, code):
    if not holds:
        raise Refused(code)


def attempt(check, *arguments):
    """None, or the code with which it was refused."""
    try:
        check(*arguments)
    except Refused as refused:
        return str(refused)


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text, code, url=True, length=None):
    """Base64 in its one spelling: base64url without padding, or the standard alphabet with it."""
    try:
        data = base64.b64decode(text.translate(str.maketrans("-_+/", "+/!!")) + "=" * (-len(text) % 4) if url else text, validate=True)
    except ValueError:
        raise Refused(code) from None
    need((b64(data) if url else base64.b64encode(data).decode()) == text and length in (None, len(data)), code)
    return data


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def canonical(value):
    """JSON-09. Only integers, so Python's writer is RFC 8785's once names are sorted by UTF-16 units."""
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode("utf-16-be"))
        return "{" + ",".join(canonical(name) + ":" + canonical(value[name]) for name in names) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def read_json(data, limit, code, own_form=True):
    """JSON-01 to JSON-10."""
    def members(pairs):
        need(len({name for name, _ in pairs}) == len(pairs), code)
        return dict(pairs)

    def integer(text):
        need(text != "-0" and len(text) < 18 and abs(int(text)) <= MAX, code)
        return int(text)

    def number(_):
        raise Refused(code)

    try:
        need(len(data) <= limit and not data.startswith(b"\xef\xbb\xbf"), code)
        value = json.loads(data.decode(), object_pairs_hook=members, parse_int=integer, parse_float=number, parse_constant=number)
        form = canonical(value)
        depth = deepest = 0
        for mark in re.sub(r'"(\\.|[^"\\])*"', "", form):
            depth += (mark in "[{") - (mark in "]}")
            deepest = max(deepest, depth)
        odd = any(ord(c) & 0xFFFE == 0xFFFE or 0xFDD0 <= ord(c) <= 0xFDEF for c in form)
        need(deepest <= 32 and not odd and (not own_form or form.encode() == data), code)
    except (ValueError, RecursionError):
        raise Refused(code) from None
    return value
