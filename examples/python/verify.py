#!/usr/bin/env python3
"""A Countersign verifier written from spec/ alone: standard library and `cryptography`.

`python3 examples/python/verify.py` runs the vectors of tests/vectors and fails if it disagrees with one. `strict`, `shapes` and `keys` read, `receipts`, `log` and
`verdicts` are a page of spec/ each. Out of scope: fetching, storing, acceptance (spec/delivery.md), bundles.
"""
import base64, json, sys

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from keys import thumbprint
from log import Checkpoint, check_consistency, check_inclusion, key_id, read_proof, read_quorum, read_tile_path, tile
from receipts import KeySet, Receipt
from shapes import ROOT
from strict import Refused, b64, canonical, need, read_json, sha, unb64
from verdicts import commit, verify


def answer(area, i):
    if area == "canonical":
        read_json(unb64(i["bytes"], ""), 4096, "payload_not_canonical")
        return {}
    if area == "json":
        return {"canonical": b64(canonical(read_json(unb64(i["bytes"], ""), 4096, "request_malformed", own_form=False, general=True)).encode())}
    if area == "keys":
        key = Ed25519PrivateKey.from_private_bytes(unb64(i["seed"], "")).public_key().public_bytes_raw()
        if "name" not in i:
            return {"x": b64(key), "thumbprint": thumbprint(b64(key))}
        kind = 1 if i["name"].endswith("/log") else 4
        return {"vkey": f"{i['name']}+{key_id(i['name'], kind, key).hex()}+{base64.b64encode(bytes([kind]) + key).decode()}"}
    if area in ("receipts", "leaves"):
        receipt = Receipt(i["receipt"])
        other = {"kind": receipt.kind} if area == "receipts" else {"leaf_hash": b64(sha(b"\x00", receipt.digest))}
        return {"digest": b64(receipt.digest)} | other
    if area == "binding":
        data = f"{i['method']}\n{i['target']}".encode() if i["what"] == "target" else unb64(i["bytes"], "")
        return {"commitment": commit(unb64(i["nonce"], "nonce_invalid", length=32), i["what"], data)}
    if area == "key-sets":
        new = KeySet(i["key_set"]).pinned(i["issuer"], i["pin"])
        old = KeySet(i["known"]) if "known" in i else None
        if old and old.digest != new.digest:  # KEYS-12
            steps = new.document["number"] - old.document["number"]
            need(steps > 1 or steps == 1 and new.document["previous"] == old.digest, "key_set_rolled_back")
        return {"digest": new.digest, "fingerprint": new.fingerprint}
    if area == "checkpoints":
        (origin, _, log), (name, _, cosigner) = (i[key].split("+", 2) for key in ("log_vkey", "cosigner_vkey"))
        checkpoint = Checkpoint(i["checkpoint"])
        need(checkpoint.origin == origin, "checkpoint_origin")
        time, *_ = checkpoint.open([unb64(log, "", url=False)[1:]], name, [unb64(cosigner, "", url=False)[1:]])
        return {"origin": checkpoint.origin, "size": checkpoint.size, "root": b64(checkpoint.root), "time": time}
    if area == "tiles":
        level, index, width = place = read_tile_path(i["path"])
        found = {"level": level, "index": index, "width": width}
        return found | ({"digest": b64(sha(tile(*place, i["size"])))} if "size" in i else {})
    if area == "verdicts":
        verdict, code = verify(i)
        return {"result": verdict["verdict"], "verdict": verdict} | ({"code": code} if code else {})
    if area == "quorums":
        read_quorum(i["quorum"])
        return {}
    if "proof" in i:
        index, hashes, note = read_proof(i["proof"])
        check_inclusion(unb64(i["leaf_hash"], ""), index, hashes, Checkpoint(note))
    else:
        heads = [part for head in (i["from"], i["to"]) for part in (head["size"], unb64(head["root"], ""))]
        check_consistency(*heads, [unb64(node, "") for node in i["hashes"]])
    return {}


def main():
    wrong = count = 0
    for area in ("canonical", "json", "keys", "receipts", "leaves", "binding", "key-sets", "checkpoints", "proofs", "quorums", "tiles", "verdicts"):
        for case in json.loads((ROOT / f"tests/vectors/{area}.json").read_text())["cases"]:
            expect, count = case["expect"], count + 1
            try:
                found = {"result": "pass"} | answer(area, case["input"])
            except Refused as refused:
                found = {"result": "fail", "code": str(refused)}
            wanted = {name: member for name, member in expect.items() if name != "rows"}
            if found != wanted:
                wrong += 1
                print(f"{area}: {case['name']} ({' '.join(case['rule'])}):\n  expected {wanted}\n  found    {found}")
    print(f"{count - wrong} of {count} vectors agree")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
