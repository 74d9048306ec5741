"""Receipts and key sets as strings: form, members, signatures (spec/receipts.md, spec/key-sets.md). Rule ids stand beside the code."""
import ipaddress, re

from keys import small_order, thumbprint, verifies
from log import Checkpoint
from shapes import SCHEMAS, fits
from strict import Refused, b64, need, read_json, sha, unb64

def read_jws(compact, limit):
    """RCPT-01 to RCPT-05, in the order of RCPT-07."""
    need(len(compact.encode()) <= limit, "receipt_too_large")
    parts = compact.split(".")
    need(len(parts) == 3 and all(parts), "receipt_malformed")
    header = unb64(parts[0], "receipt_malformed")
    loose = read_json(header, 256, "header_invalid", own_form=False)
    need(isinstance(loose, dict) and isinstance(loose.get("alg"), str), "header_invalid")
    need(loose["alg"] == "EdDSA", "alg_not_allowed")
    read_json(header, 256, "header_invalid")
    need(set(loose) == {"alg", "kid", "typ"} and isinstance(loose["kid"], str) and isinstance(loose["typ"], str), "header_invalid")
    unb64(loose["kid"], "header_invalid", length=32)
    payload = unb64(parts[1], "receipt_malformed")
    return loose, payload, (".".join(parts[:2]).encode(), unb64(parts[2], "receipt_malformed", length=64))


def issuer_ok(text):
    """RCPT-11, beyond the schema's pattern."""
    scheme, _, rest = text.partition("://")
    host, port = re.fullmatch(r"(\[.*\]|[^:]*)(?::(\d+))?", rest).groups()  # IPv6 in groups alone: the pattern knows no dots in it
    try:
        if host[0] == "[":
            return host[1:-1] == ipaddress.IPv6Address(host[1:-1]).compressed and port_ok(scheme, port)
        if host[0].isdigit() and host.replace(".", "").isdigit():
            ipaddress.IPv4Address(host)
    except ValueError:
        return False
    return len(host) <= 253 and port_ok(scheme, port)


def port_ok(scheme, port):
    return port is None or (int(port) < 65536 and port != {"https": "443", "http": "80"}[scheme])


def check_payload(kind, p):
    """The rules between members that no schema sees."""
    log, ascending = p["log"], lambda items, form: all(form(a) < form(b) for a, b in zip(items, items[1:]))
    ok = issuer_ok(p["iss"]) and issuer_ok(p["aud"]) and len(log["origin"].encode()) < 256  # RCPT-11, RCPT-17
    ok &= (log["size"] == 0) == (log["root"] == b64(sha())) and 0 <= log["include_by"] - p["iat"] <= 86400  # RCPT-17
    ok &= ascending(p.get("reasons", []), str.encode) and ascending(p.get("policies", []), str.encode)  # RCPT-24, RCPT-25
    if kind == "decision":
        ok &= 1 <= p["exp"] - p["iat"] <= 600 and p.get("nbf", 0) < p["exp"]  # RCPT-20, RCPT-21
        depth, actor = 0, p.get("act")
        while actor:
            depth, actor = depth + 1, actor.get("act")
        ok &= depth <= 8 and p["subject"]["id"] == p.get("act", p)["sub"]  # RCPT-22
        ok &= "binding" in p or p["aud"] == p["iss"]  # RCPT-27
        ok &= p.get("retry_of") != p["jti"]  # RCPT-40
    ok &= kind != "configuration" or p["aud"] == p["iss"]  # RCPT-35
    need(ok, "payload_invalid")


class Receipt:
    def __init__(self, compact):
        header, payload, self.signed = read_jws(compact, 4096)
        kinds = {f"countersign-{k}-v1+jwt": k for k in ("decision", "acknowledgement", "outcome", "configuration")}
        need(header["typ"] in kinds, "typ_unknown")
        self.kind, self.kid, self.digest = kinds[header["typ"]], header["kid"], sha(compact.encode())
        need(self.kind == "decision" or len(compact) <= 2048, "receipt_too_large")
        self.claims = read_json(payload, 4096, "payload_not_canonical")
        schema = SCHEMAS["receipt-" + self.kind]
        need(fits(self.claims, schema, schema), "payload_invalid")
        check_payload(self.kind, self.claims)


class KeySet:
    def __init__(self, compact):
        """KEYS-01 to KEYS-11."""
        bad = "key_set_invalid"
        try:
            header, payload, signed = read_jws(compact, 65536)
        except Refused:
            raise Refused(bad) from None
        self.document = d = read_json(payload, 65536, bad)
        self.digest, schema = b64(sha(compact.encode())), SCHEMAS["key-set"]
        need(header["typ"] == "countersign-keyset-v1+jwt" and fits(d, schema, schema) and issuer_ok(d["iss"]), bad)
        keys, root = [(k["kid"], k["x"]) for k in d["keys"]], (thumbprint(d["root"]["x"]), d["root"]["x"])
        need(all(kid == thumbprint(x) and small_order(unb64(x, bad)) is False for kid, x in [*keys, root]), bad)
        need(len({*keys, root}) == len(keys) + 1 and all(k.get("until", k["since"]) >= k["since"] for k in d["keys"]), bad)
        names = [d["log"]["origin"], d["log"]["cosigner"], d.get("predecessor", {"origin": ""})["origin"]]
        need(names[0] not in names[1:] and all(len(name.encode()) < 256 for name in names), bad)
        try:
            need(Checkpoint(d["predecessor"]["checkpoint"]).origin == names[2] if "predecessor" in d else True, bad)  # KEYS-11
        except Refused:
            raise Refused(bad) from None
        need(header["kid"] == root[0] and verifies(unb64(root[1], bad), *signed), bad)
        self.fingerprint, self.keys = root[0], {k["kid"]: k for k in d["keys"]}

    def pinned(self, issuer, pin):
        need(self.document["iss"] == issuer and self.fingerprint == pin, "key_set_invalid")  # KEYS-04
        return self

    def begun(self, use):
        """The keys of one use that are not pending, with their entries (VERD-19)."""
        return {unb64(k["x"], ""): k for k in self.document["keys"] if k["use"] == use and k["state"] != "pending"}
