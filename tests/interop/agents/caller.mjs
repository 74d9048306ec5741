// An unmodified A2A client in JavaScript: fetches the card below a base URL and sends one text.
//
//     node caller.mjs BASE_URL TEXT [--stream] [--amount N]
//
// Prints JSON lines as caller.py does.
import { ClientFactory } from "@a2a-js/sdk/client";

const [base, text, ...options] = process.argv.slice(2);
const say = (members) => console.log(JSON.stringify(members));
const amount = options.includes("--amount") ? Number(options[options.indexOf("--amount") + 1]) : undefined;

try {
  const client = await new ClientFactory().createFromUrl(base);
  const message = {
    messageId: crypto.randomUUID(),
    contextId: "",
    taskId: "",
    role: 1, // the user
    parts: [{ content: { $case: "text", value: text }, metadata: undefined, filename: "", mediaType: "text/plain" }],
    metadata: amount === undefined ? undefined : { amount },
    extensions: [],
    referenceTaskIds: [],
  };
  const request = { tenant: "", message, configuration: undefined, metadata: undefined };
  if (options.includes("--stream")) {
    for await (const event of client.sendMessageStream(request)) say({ result: event });
  } else {
    say({ result: await client.sendMessage(request) });
  }
} catch (error) {
  const { code, data } = error;
  say({ error: { class: error.constructor.name, message: error.message, code, data } });
  process.exitCode = 1;
}
