import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { verifyWebhook, type WebhookEvent } from "../client/index.ts";

/** A webhook that the built-in receiver got, verified. */
export interface Received {
  event: WebhookEvent;
  /** The status that it was answered. */
  status: number;
  /** Business time of its arrival, ISO 8601. */
  at: string;
}

export interface Receiver {
  url: string;
  received: readonly Received[];
  /** The status of the next answers, until it is changed. At the start 204. */
  answer(status: number): void;
  /** Set once the webhook has one. */
  verifyWith(secret: string): void;
  close(): Promise<void>;
}

/**
 * Receives webhooks on loopback and verifies each. A webhook that is not signed with the secret is
 * answered 400 and is not in `received`.
 */
export async function startReceiver(now: () => number): Promise<Receiver> {
  const received: Received[] = [];
  let status = 204;
  let secret: string | undefined;
  const server = createServer(async (request, response) => {
    const at = new Date(now()).toISOString();
    try {
      const event = await verifyWebhook(await buffer(request), request.headers, secret);
      received.push({ event, status, at });
      response.writeHead(status).end();
    } catch {
      response.writeHead(400).end();
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    received,
    answer: (next) => {
      status = next;
    },
    verifyWith: (next) => {
      secret = next;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
