import { createServer, type Server } from "node:http";
import { buffer } from "node:stream/consumers";
// In your own project: import { … } from "@ackwire/client";
import {
  verifyWebhook,
  type WebhookEvent,
  WebhookVerificationError,
} from "../client/verify-webhook.ts";

/** Receives webhooks on 127.0.0.1 and gives each event to `onEvent` once. */
export function startReceiver(of: {
  /** Two of them during a rotation. */
  secret: string | readonly string[];
  port: number;
  onEvent(event: WebhookEvent): Promise<void> | void;
}): Promise<Server> {
  // Yours must outlive the process: a table with a unique key on the event's id. Store the
  // event there BEFORE you answer: after a 2xx it does not come again.
  const seen = new Set<string>();

  const server = createServer(async (request, response) => {
    try {
      const event = verifyWebhook(await buffer(request), request.headers, of.secret);
      response.writeHead(204).end();
      if (seen.has(event.id)) return;
      seen.add(event.id);
      await of.onEvent(event);
    } catch (error) {
      const isRefused = error instanceof WebhookVerificationError;
      console.error(isRefused ? `refused: ${error.code}` : error);
      if (!response.headersSent) response.writeHead(isRefused ? 400 : 500).end();
    }
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(of.port, "127.0.0.1", () => resolve(server));
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
