import { createServer, type Server } from "node:http";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
// In your own project: import { … } from "@ackwire/client";
import { verifyWebhook, type WebhookEvent, WebhookVerificationError } from "../client/index.ts";

/** Events have at most 900 KB: a larger body is not from Ackwire. */
const MAX_BYTES = 1_048_576;

async function* limited(request: AsyncIterable<Buffer>) {
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.byteLength;
    if (bytes > MAX_BYTES) throw new Error("the body is too large");
    yield chunk;
  }
}

/** Receives webhooks on 127.0.0.1 and calls `onEvent` once for each event. */
export function startReceiver(options: {
  /** Two secrets during a rotation. */
  secret: string | readonly string[];
  port: number;
  onEvent(event: WebhookEvent): Promise<void> | void;
}): Promise<Server> {
  // In production, use a table with a unique key on the event's id, and store the event
  // BEFORE you answer: after a 2xx it is not sent again.
  const seen = new Set<string>();

  const server = createServer(async (request, response) => {
    try {
      const body = await buffer(Readable.from(limited(request)));
      const event = await verifyWebhook(body, request.headers, options.secret);
      const isNew = !seen.has(event.id);
      seen.add(event.id);
      response.writeHead(204).end();
      // Do slow work after the answer.
      if (isNew) await options.onEvent(event);
    } catch (error) {
      const isRefused = error instanceof WebhookVerificationError;
      console.error(isRefused ? `refused: ${error.code}` : error);
      if (!response.headersSent) response.writeHead(isRefused ? 400 : 500).end();
    }
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, "127.0.0.1", () => resolve(server));
  });
}

if (import.meta.main) {
  const { WEBHOOK_SECRET = "", PORT = "3000" } = process.env;
  await startReceiver({
    secret: WEBHOOK_SECRET.split(" "),
    port: Number(PORT),
    onEvent: ({ id, type, data }) => console.log(type, id, data.eventType),
  });
  console.log(`receiving webhooks on http://127.0.0.1:${PORT}`);
}
