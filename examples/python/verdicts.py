"""One question about one receipt, and the verdict on it (spec/verdicts.md). Rule ids stand beside the code."""
import hmac

from keys import verifies
from log import Checkpoint, check_consistency, check_inclusion, read_proof, read_quorum, witnessed
from receipts import KeySet, Receipt
from strict import Refused, attempt, b64, need, sha, unb64


CHECKS = "format issuer key_set key signature audience freshness target body replay relation inclusion checkpoint promise head witnesses".split()
REQUIRED = dict.fromkeys(CHECKS[:5], 0) | {"inclusion": 1, "checkpoint": 1, "witnesses": 2}
DECIDES = dict.fromkeys(CHECKS[:11], 0) | {"inclusion": 1, "checkpoint": 1, "promise": 1, "head": 1, "witnesses": 2}
LEVELS = ["signed", "included", "witnessed"]
STANDS_FOR = {"not_pinned": "issuer_not_pinned", "no_key_set": "key_set_missing", "no_proof": "proof_missing", "no_head_proof": "proof_missing",
              "no_quorum": "quorum_not_met", "unbound": "body_unbound", "body_not_seen": "body_unbound", "revoked_undated": "key_revoked"}
DISCLAIMERS = "action_was_right action_happened policy_is_good nothing_else_happened claimed_facts_are_true issuer_times_are_true".split()
PASS = ("pass", None)


def fail(code):
    return ("fail", code) if code else PASS


def absent(why):
    return ("not_evaluated", why)


def commit(nonce, what, data):
    return b64(hmac.new(nonce, f"countersign/{what}/v1\n".encode() + data, "sha256").digest())  # BIND-02, BIND-03


def freshness(receipt, at, skew):
    c = receipt.claims
    if max(c["iat"], c.get("nbf", 0)) > at + skew:
        return fail("not_yet_valid")
    return fail("expired" if receipt.kind == "decision" and c["exp"] + skew <= at else None)


def bindings(receipt, exchange):
    """VERD-12 to VERD-15: the rows of target and body."""
    skip, no = absent("does_not_apply"), absent("not_asked")
    seen = exchange or {}
    nonce = unb64(seen["nonce"], "nonce_invalid", length=32) if "nonce" in seen else None
    if receipt.kind == "outcome":
        response = receipt.claims.get("response")
        if not response or "content" not in response:
            return skip, absent("unbound") if response else skip
        if nonce is None or "response" not in seen:
            return skip, no
        same = commit(nonce, "response", unb64(seen["response"], "")) == response["content"]
        return skip, fail(None if same else "body_mismatch")
    binding = receipt.claims.get("binding")
    if receipt.kind != "decision" or not binding:
        missing = receipt.kind == "decision" and exchange is not None
        return (fail("binding_missing"),) * 2 if missing else (skip, skip)
    if exchange is None:
        return no, no
    if nonce is None:
        return fail("nonce_missing"), absent("blocked_by_failure")
    target = no
    if "target" in seen:
        same = commit(nonce, "target", f"{seen['method']}\n{seen['target']}".encode()) == binding["target"]
        target = fail(None if same else "target_mismatch")
    if "content" in binding and "body" in seen:
        same = commit(nonce, "body", unb64(seen["body"], "")) == binding["content"]
        return target, fail(None if same else "body_mismatch")
    if seen.get("demand_body"):
        return target, fail("body_unbound")
    return target, absent("body_not_seen" if "content" in binding else "unbound")


def relation(receipt, decision):
    if receipt.kind not in ("acknowledgement", "outcome"):
        return absent("does_not_apply")
    if decision is None:
        return absent("not_asked")
    c, asked = receipt.claims, Receipt(decision)
    sides = [asked.claims["aud"], asked.claims["iss"]][:: -1 if c.get("observer") == "caller" else 1]
    if [c["iss"], c["aud"]] != sides:
        return fail("acknowledgement_issuer")
    named = {"digest": b64(asked.digest), "jti": asked.claims["jti"]}
    return fail(None if c["receipt"] == named else "acknowledgement_other")


def log_rows(receipt, key_set, unusable, q):
    """VERD-18 to VERD-20, VERD-22: five rows, and the times."""
    if "proof" not in q:
        return dict.fromkeys(CHECKS[11:], absent("no_proof")), {}
    rows, promise = dict.fromkeys(CHECKS[11:], absent("blocked_by_failure")), receipt.claims["log"]
    try:
        index, hashes, note = read_proof(q["proof"])
    except Refused as refused:
        return rows | {"inclusion": fail(str(refused))}, {}
    try:
        checkpoint = Checkpoint(note)
    except Refused as refused:
        return rows | {"checkpoint": fail(str(refused))}, {}
    rows["inclusion"] = fail(attempt(check_inclusion, sha(b"\x00", receipt.digest), index, hashes, checkpoint))
    try:
        need(checkpoint.origin == promise["origin"], "checkpoint_origin")
        if key_set is None:
            return rows | {"checkpoint": unusable}, {}
        d = key_set.document
        need(promise["origin"] in (d["log"]["origin"], d.get("predecessor", d["log"])["origin"]), "checkpoint_origin")
        logs, cosigners = key_set.begun("log"), key_set.begun("cosign")
        time, log_key, cosign_key = checkpoint.open(logs, d["log"]["cosigner"], cosigners)
    except Refused as refused:
        return rows | {"checkpoint": fail(str(refused))}, {}
    revoked = [key for key, entry in cosigners.items() if entry["state"] == "revoked"]
    quorum = witnessed(read_quorum(q["quorum"]), checkpoint, revoked) if "quorum" in q else None
    states = [key_state(entry, time, quorum or None) for entry in (logs[log_key], cosigners[cosign_key])]
    bad = [row for word in ("fail", "not_evaluated") for row in states if row[0] == word]
    if bad:
        return rows | {"checkpoint": bad[0]}, {}
    rows["checkpoint"], rows["head"], rows["witnesses"] = PASS, absent("no_head_proof"), absent("no_quorum")
    rows["promise"] = PASS if time <= promise["include_by"] else absent("later_checkpoint")
    if "head_proof" in q or promise["size"] in (0, checkpoint.size):
        hashes = [unb64(node, "") for node in q.get("head_proof", [])]
        root = unb64(promise["root"], "")
        rows["head"] = fail(attempt(check_consistency, promise["size"], root, checkpoint.size, checkpoint.root, hashes))
    times = {"checkpoint_time": time}
    if quorum is not None:
        rows["witnesses"] = fail(None if quorum else "quorum_not_met")
        times |= {"witnessed_time": quorum} if quorum else {}
    return rows, times if rows["inclusion"] == PASS else {}


def key_state(entry, at, witnessed_time):
    """KEYS-13, KEYS-14 and VERD-21: of what the signer dated itself."""
    begun = at >= entry["since"]
    if entry["state"] == "revoked":
        if witnessed_time is None:
            return fail("key_revoked")
        return fail("key_not_active") if not begun else PASS if witnessed_time < entry["until"] else absent("revoked_undated")
    good = entry["state"] == "active" or entry["state"] == "retired" and at < entry["until"]
    return fail(None if good and begun else "key_not_active")


def well_formed(q):
    """VERD-27."""
    unb64(q.get("exchange", {}).get("nonce", b64(sha())), "nonce_invalid", length=32)
    if "decision" in q:
        need(not attempt(Receipt, q["decision"]) and Receipt(q["decision"]).kind == "decision", "request_malformed")
    read_quorum(q.get("quorum", "quorum none"))


def verify(q):
    well_formed(q)
    rows = dict.fromkeys(CHECKS, absent("blocked_by_failure"))
    try:
        receipt = Receipt(q["receipt"])
    except Refused as refused:
        return conclude(rows | {"format": fail(str(refused))}, q["level"], {})
    c, trust = receipt.claims, q["trust"]
    rows["format"] = fail(None if q.get("kind", receipt.kind) == receipt.kind else "kind_unexpected")
    rows["issuer"], rows["key_set"] = PASS if "pin" in trust else absent("not_pinned"), absent("no_key_set")
    key_set, unusable = None, absent("no_key_set")
    if "key_set" in trust:
        try:
            key_set = KeySet(trust["key_set"])
            rows["key_set"] = absent("not_pinned")
            if "pin" in trust:
                key_set.pinned(c["iss"], trust["pin"])
                rows["key_set"] = PASS
        except Refused as refused:
            key_set = None
            if "pin" in trust:
                rows["key_set"], unusable = fail(str(refused)), absent("blocked_by_failure")
    rows["audience"] = fail(None if q["audience"] == c["aud"] else "audience_mismatch") if "audience" in q else absent("not_asked")
    rows["freshness"] = freshness(receipt, q["at"], q.get("skew_s", 0)) if "at" in q else absent("not_asked")
    rows["target"], rows["body"] = bindings(receipt, q.get("exchange"))
    rows["replay"], rows["relation"] = absent("only_on_acceptance"), relation(receipt, q.get("decision"))
    logged, times = log_rows(receipt, key_set, unusable, q)
    rows |= logged
    if key_set is None:
        rows["key"] = rows["signature"] = unusable
        return conclude(rows, q["level"], times)
    entry = key_set.keys.get(receipt.kid) if key_set.document["iss"] == c["iss"] else None
    root = receipt.kid == key_set.fingerprint and key_set.document["iss"] == c["iss"]
    if entry and entry["use"] == "receipt":
        rows["key"] = key_state(entry, c["iat"], times.get("witnessed_time"))
        rows["signature"] = fail(None if verifies(unb64(entry["x"], ""), *receipt.signed) else "signature_invalid")
    else:
        rows["key"] = fail("key_wrong_purpose" if entry or root else "key_unknown")
    return conclude(rows, q["level"], times)


def conclude(rows, level, times):
    """VERD-03, VERD-04, VERD-24 to VERD-26: the verdict and its code."""
    at = LEVELS.index(level)
    failed = [code for check, (result, code) in rows.items() if result == "fail" and DECIDES[check] <= at]
    missing = [code for check, (result, code) in rows.items() if result == "not_evaluated" and REQUIRED.get(check, 9) <= at]
    checks = [{"check": check, "result": result} | ({"code": code} if code else {}) for check, (result, code) in rows.items()]
    word = "invalid" if failed else "undetermined" if missing else "valid"
    code = failed[0] if failed else STANDS_FOR.get(missing[0], "request_malformed") if missing else None
    return {"verdict": word, "level": level, "checks": checks, "does_not_assert": DISCLAIMERS} | times, code
