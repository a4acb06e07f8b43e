import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { verifyWebhook, type WebhookEvent } from "../../client/index.ts";
import type { Received } from "../test-ackwire.ts";

export interface Receiver {
  url: string;
  /** Answers `status` the next `times` webhooks, and from then on `afterwards`. */
  answer(status: number, times: number, afterwards: number): void;
  /** Set once the webhook has one. */
  verifyWith(secret: string): void;
  close(): Promise<void>;
}

/**
 * Receives webhooks on loopback and verifies each. A webhook that is not signed with the secret is
 * answered 400 and is not told.
 */
export async function startReceiver(options: {
  now(): number;
  onReceived(received: Received): void;
}): Promise<Receiver> {
  let answers = { status: 204, times: 0, afterwards: 204 };
  let secret: string | undefined;
  const attempts = new Map<string, number>();

  function nextStatus(): number {
    if (answers.times === 0) return answers.afterwards;
    answers.times -= 1;
    return answers.status;
  }

  function received(event: WebhookEvent): Received {
    const attempt = (attempts.get(event.id) ?? 0) + 1;
    attempts.set(event.id, attempt);
    const at = new Date(options.now()).toISOString();
    return { event, attempt, status: nextStatus(), at };
  }

  const server = createServer(async (request, response) => {
    try {
      const event = await verifyWebhook(await buffer(request), request.headers, secret);
      const one = received(event);
      options.onReceived(one);
      response.writeHead(one.status).end();
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
    answer: (status, times, afterwards) => {
      answers = { status, times, afterwards };
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
