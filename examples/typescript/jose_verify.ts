// The signature of a receipt, checked with `jose` and nothing of ours.
//
//     node jose_verify.js ISSUER FINGERPRINT RECEIPT
//
// FINGERPRINT is what the issuer's operator told you, on another channel. This checks who signed what for whom. Freshness,
// replay, binding and inclusion are what a node, or `countersign verify`, checks beside it.
import { calculateJwkThumbprint, compactVerify, decodeJwt, decodeProtectedHeader, importJWK, type JWK } from "jose";

type KeySet = { iss: string; root: JWK; keys: (JWK & { kid: string; state: string })[] };

const read = (bytes: Uint8Array) => JSON.parse(new TextDecoder().decode(bytes));
const key = ({ kty, crv, x }: JWK) => importJWK({ kty, crv, x } as JWK, "EdDSA");
const options = { algorithms: ["EdDSA"] };

/** The operator's key set, if its pinned root key signed it. */
async function keySet(issuer: string, fingerprint: string): Promise<KeySet> {
  const answer = await fetch(`${issuer}/.well-known/countersign`);
  const { key_set: compact } = (await answer.json()) as { key_set: string };
  const { root } = decodeJwt<KeySet>(compact);
  if ((await calculateJwkThumbprint(root)) !== fingerprint) throw new Error(`another root key than ${fingerprint}`);
  const document: KeySet = read((await compactVerify(compact, await key(root), options)).payload);
  if (document.iss !== issuer) throw new Error(`a key set of ${document.iss}`);
  return document;
}

export async function verify(issuer: string, fingerprint: string, receipt: string) {
  const { kid, typ } = decodeProtectedHeader(receipt);
  if (!typ?.startsWith("countersign-")) throw new Error(`\`${typ}\` is not a receipt`);
  const { keys } = await keySet(issuer, fingerprint);
  const usable = (one: KeySet["keys"][number]) => one.use === "receipt" && ["active", "retired"].includes(one.state);
  const signer = keys.find((one) => one.kid === kid && usable(one));
  if (!signer) throw new Error(`no receipt key ${kid} of ${issuer}`);
  const says = read((await compactVerify(receipt, await key(signer), options)).payload);
  if (says.iss !== issuer) throw new Error(`a receipt of ${says.iss}`);
  return says;
}

const [issuer, fingerprint, receipt] = process.argv.slice(2);
console.log(JSON.stringify(await verify(issuer, fingerprint, receipt)));
