"""Refusals, base64 in its one spelling, and canonical JSON by the receipt rules (spec/canonical.md)."""
import base64, hashlib, json, re
from decimal import Decimal

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


def spelled(number):
    """JSON-09: ECMAScript's spelling of a double, from the shortest digits that Python finds."""
    if number == 0:
        return "0"
    sign, digits, exponent = Decimal(repr(number)).normalize().as_tuple()
    digits, point = "".join(map(str, digits)), len(digits) + exponent
    if -6 < point <= 21:
        whole, rest = digits[:max(point, 0)].ljust(point, "0") or "0", "0" * -point + digits[max(point, 0):]
        text = f"{whole}.{rest}" if rest else whole
    else:
        text = f"{digits[0]}.{digits[1:]}".rstrip(".") + f"e{point - 1:+d}"
    return "-" * sign + text


def canonical(value):
    """JSON-09. Beside numbers Python's writer is RFC 8785's once names are sorted by UTF-16 units."""
    if isinstance(value, float):
        return spelled(value)
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode("utf-16-be"))
        return "{" + ",".join(canonical(name) + ":" + canonical(value[name]) for name in names) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def read_json(data, limit, code, own_form=True, general=False):
    """JSON-01 to JSON-10, by the receipt rules or the general ones."""
    def members(pairs):
        need(len({name for name, _ in pairs}) == len(pairs), code)
        return dict(pairs)

    def double(text):
        number = float(text)
        need(abs(number) != float("inf"), code)
        whole = "-0123456789".__contains__
        need(abs(number) <= MAX or not (all(map(whole, text)) or all(map(whole, spelled(number)))), code)
        return number

    def integer(text):
        need(text != "-0" and len(text) < 18 and abs(int(text)) <= MAX, code)
        return int(text)

    def number(_):
        raise Refused(code)

    try:
        need(len(data) <= limit and not data.startswith(b"\xef\xbb\xbf"), code)
        value = json.loads(data.decode(), object_pairs_hook=members, parse_constant=number,
                           parse_int=double if general else integer, parse_float=double if general else number)
        form = canonical(value)
        depth = deepest = 0
        for mark in re.sub(r'"(\\.|[^"\\])*"', "", form):
            depth += (mark in "[{") - (mark in "]}")
            deepest = max(deepest, depth)
        odd = any(ord(c) & 0xFFFE == 0xFFFE or 0xFDD0 <= ord(c) <= 0xFDEF for c in form)
        need(deepest <= 32 and not odd and (form.encode() == data or not own_form), code)
    except (ValueError, RecursionError):
        raise Refused(code) from None
    return value
