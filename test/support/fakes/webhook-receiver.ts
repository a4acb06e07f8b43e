import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { Webhook as StandardWebhook } from "standardwebhooks";
import { Webhook as SvixWebhook } from "svix";
import { vi } from "vitest";
import { closeServer, listen } from "../../../local/loopback.ts";
import type { JsonObject } from "../../../shared/core/json/json.ts";
import { waitOptions } from "../wait-timeout.ts";

/** A request that an endpoint received. */
export interface Post {
  method: string;
  headers: IncomingHttpHeaders;
  body: string;
  /** The header `webhook-id`. */
  id: string;
}

/** The event envelope of any type. */
export interface ReceivedEvent {
  id: string;
  type: string;
  createdAt: string;
  traceparent?: string;
  data: JsonObject;
}

interface Reply {
  status: number;
  headers?: Record<string, string>;
  body?: string;
  /** Real time before the answer. */
  afterMs?: number;
}

/** `hang`: never answers. `reset`: closes the connection after the whole request was received. */
type Answer = Reply["status"] | Reply | "hang" | "reset";

/**
 * Defines the answers of an endpoint.
 *
 * @param nth number of the request at this endpoint, from 1
 */
type Answering = (post: Post, nth: number) => Answer;

export type Endpoint = ReturnType<Awaited<ReturnType<typeof startWebhookReceiver>>["endpoint"]>;

/** A real HTTP server on loopback with any number of endpoints, whose answers a test defines. */
export async function startWebhookReceiver() {
  const answerings = new Map<string, (post: Post) => Answer>();
  /** Of all endpoints. */
  const posts: Post[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { method = "", headers, url = "" } = request;
    const body = Buffer.concat(chunks).toString();
    const id = String(headers["webhook-id"]);
    const post = { method, headers, body, id };
    posts.push(post);
    await give(answerings.get(url.replace(/\?.*/, ""))?.(post) ?? 404, response);
  });
  const address = await listen(server, 0);

  return {
    posts,

    /** Adds an endpoint. Without `answering` it answers 204. */
    endpoint(answering: Answering = () => 204) {
      const path = `/${answerings.size + 1}`;
      const posts: Post[] = [];
      const endpoint = {
        url: `http://${address}${path}`,
        posts,
        /** May be replaced at any time. */
        answering,
        /** Returns the matching posts when there are `count` of them. */
        async received(count: number, are: (post: Post) => boolean = () => true): Promise<Post[]> {
          return vi.waitFor(() => {
            const found = posts.filter(are);
            if (found.length >= count) return found;
            throw new Error(`${path} has received ${found.length} of ${count}`);
          }, waitOptions);
        },
      };
      answerings.set(path, (post) => endpoint.answering(post, posts.push(post)));
      return endpoint;
    },

    close: () => closeServer(server),
  };
}

async function give(answer: Answer, response: ServerResponse): Promise<void> {
  if (answer === "hang") return;
  if (answer === "reset") return void response.destroy();
  const {
    status,
    headers,
    body,
    afterMs = 0,
  }: Reply = typeof answer === "number" ? { status: answer } : answer;
  if (afterMs > 0) await sleep(afterMs);
  response.writeHead(status, headers).end(body);
}

/** The event of a post, once the official libraries of both standards have verified it. @throws their error */
export function verified({ headers, body }: Post, secret: string): ReceivedEvent {
  const given = Object.fromEntries(
    ["id", "timestamp", "signature"].map((name) => [
      `webhook-${name}`,
      String(headers[`webhook-${name}`]),
    ]),
  );
  new SvixWebhook(secret).verify(body, given);
  return new StandardWebhook(secret).verify(body, given) as ReceivedEvent;
}

/** The event of a post, without a check of its signature. */
export const eventOf = ({ body }: Post) => JSON.parse(body) as ReceivedEvent;
