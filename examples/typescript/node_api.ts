// Asks the private listener of the own node.
//
// COUNTERSIGN_URL is its address (absent: http://127.0.0.1:7401), COUNTERSIGN_TOKEN a token of `countersign token add`.

/** Posts a question. A refusal is an error with the problem document (RFC 9457). */
export async function ask<Answer>(path: string, question: unknown): Promise<Answer> {
  const url = (process.env.COUNTERSIGN_URL ?? "http://127.0.0.1:7401") + path;
  const headers = { authorization: `Bearer ${process.env.COUNTERSIGN_TOKEN}`, "content-type": "application/json" };
  const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(question) });
  const said = await answer.json();
  if (!answer.ok) throw new Error(`${path}: ${JSON.stringify(said)}`);
  return said as Answer;
}

export const base64url = (data: Uint8Array | string) => Buffer.from(data).toString("base64url");
