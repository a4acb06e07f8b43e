import { createServer, type IncomingHttpHeaders } from "node:http";
import { buffer } from "node:stream/consumers";
import { Webhook } from "standardwebhooks";
import type { DeliveryView } from "../../shared/contracts/http/deliveries.ts";
import type { WebhookView } from "../../shared/contracts/http/webhooks.ts";
import { closeServer, listen } from "../loopback.ts";
import {
  type RequestsDemonstration,
  STEP_TIMEOUT_MS,
  submit,
  until,
} from "./demonstrate-requests.ts";

export interface WebhooksDemonstration extends RequestsDemonstration {
  apiKey: string;
}

/** A POST that the receiver got. */
interface Received {
  eventId: string;
  atMs: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** Prefix of the demonstration's own account id, which is also the description of its webhook. */
const NAME_PREFIX = "ackwire-demonstration-";

/** Timeout of the cleanup when the run is being stopped. */
const CLEANUP_TIMEOUT_MS = 1_000;

/**
 * Shows the path of an event to a client's webhook: a receiver on this machine
 * fails the first attempt and accepts the retry.
 */
export async function demonstrateWebhooks(of: WebhooksDemonstration): Promise<void> {
  const { print } = of;
  print("");
  if (await hasOtherWebhook(of)) {
    return print("A webhook exists already, so the delivery of a webhook is not shown.");
  }
  print("Last, a webhook to a subscriber: a local receiver, which fails the first attempt.");
  print("");
  const receiver = await startReceiver();
  // A new account, so that no earlier request is in its lane.
  const accountId = `${NAME_PREFIX}${Date.now().toString(36)}`;
  try {
    await showDelivery({ ...of, accountId }, receiver);
  } finally {
    const isRemoved = await remove(of, accountId);
    await receiver.close();
    if (isRemoved) print("  webhook gone   DELETE /v1/webhook: you can set your own now");
  }
}

/**
 * Returns whether a webhook exists. One that an interrupted demonstration left is
 * removed first.
 */
async function hasOtherWebhook(of: WebhooksDemonstration): Promise<boolean> {
  const answer = await fetchApi(of, "GET", "/v1/webhook");
  if (answer.status === 404) return false;
  const { description = "" } = (await answer.json()) as WebhookView;
  return !description.startsWith(NAME_PREFIX) || !(await remove(of, description));
}

async function showDelivery(
  of: WebhooksDemonstration,
  { url, received }: Awaited<ReturnType<typeof startReceiver>>,
): Promise<void> {
  const { print } = of;
  const wanted = { url, eventTypes: ["workflow.completed"], description: of.accountId };
  const { id, secret } = await callApi<WebhookView & { secret: string }>(
    of,
    "PUT /v1/webhook",
    wanted,
  );
  print(`  webhook set    PUT /v1/webhook  ${id} → ${url}`);
  const { requestId } = await submit(of, { profile_id: "ACoABC1d2i" });
  const eventId = `workflow.completed:${requestId}`;
  const attempt = (n: number) =>
    until(of, async () => received.filter((one) => one.eventId === eventId)[n - 1]);

  const first = await attempt(1);
  if (!first) return print(`  not delivered  ${eventId} in ${STEP_TIMEOUT_MS / 1000} s`);
  print(`  attempt 1      ${eventId}`);
  print(`                 ${verificationOf(first, secret)}; answered 500, on purpose`);
  const second = await attempt(2);
  if (!second) return print(`  not retried    ${eventId} in ${STEP_TIMEOUT_MS / 1000} s`);
  const laterSeconds = ((second.atMs - first.atMs) / 1000).toFixed(1);
  print(`  attempt 2      ${laterSeconds} s later, with the same webhook-id`);
  print(`                 ${verificationOf(second, secret)}; answered 204`);
  await showRecord(of, eventId);
}

/** Verifies an attempt with the library of Standard Webhooks and returns the result as text. */
function verificationOf({ body, headers }: Received, secret: string): string {
  try {
    new Webhook(secret).verify(body, headers as Record<string, string>);
    return "signature verified with standardwebhooks";
  } catch (error) {
    return `NOT verified: ${error instanceof Error ? error.message : "unknown error"}`;
  }
}

/** Prints the delivery as the API returns it. */
async function showRecord(of: WebhooksDemonstration, eventId: string): Promise<void> {
  const ended = await until(of, async () => {
    const { items } = await callApi<{ items: DeliveryView[] }>(of, "GET /v1/deliveries");
    return items.find((one) => one.eventId === eventId && one.status === "delivered");
  });
  if (!ended) return of.print(`  not recorded   ${eventId} as delivered`);
  const { id, status, attempts } = await callApi<DeliveryView>(
    of,
    `GET /v1/deliveries/${ended.id}`,
  );
  const made = attempts.map(
    ({ n, httpStatus, error, durationMs }) => `${n}: ${httpStatus ?? error} in ${durationMs} ms`,
  );
  of.print(`  recorded       GET /v1/deliveries/${id}`);
  of.print(`                 says ${status}; attempts ${made.join(", ")}`);
}

/**
 * Starts a receiver that answers the first attempt of each event with 500 and
 * later ones with 204.
 */
async function startReceiver() {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    const body = await buffer(request).catch(() => undefined);
    if (!body) return;
    const { headers } = request;
    const eventId = String(headers["webhook-id"]);
    const isFirst = received.every((one) => one.eventId !== eventId);
    received.push({ eventId, atMs: performance.now(), headers, body });
    response.writeHead(isFirst ? 500 : 204).end();
  });
  const url = `http://${await listen(server, 0)}/webhooks`;
  return { url, received, close: () => closeServer(server) };
}

/**
 * Deletes the webhook and the account of the demonstration, also while the run is
 * being stopped. Returns whether the webhook was deleted.
 */
async function remove(of: WebhooksDemonstration, accountId: string): Promise<boolean> {
  const signal = of.signal.aborted ? AbortSignal.timeout(CLEANUP_TIMEOUT_MS) : of.signal;
  const removed = await Promise.allSettled(
    ["/v1/webhook", `/v1/accounts/${accountId}`].map((path) =>
      fetchApi({ ...of, signal }, "DELETE", path),
    ),
  );
  return removed[0]?.status === "fulfilled" && removed[0].value.status === 204;
}

/** @param call method and path */
async function callApi<Answer>(
  of: WebhooksDemonstration,
  call: string,
  body?: object,
): Promise<Answer> {
  const [method = "", path = ""] = call.split(" ");
  const answer = await fetchApi(of, method, path, body);
  if (!answer.ok) throw new Error(`${call} was answered ${answer.status}: ${await answer.text()}`);
  return (await answer.json()) as Answer;
}

function fetchApi(
  { apiUrl, apiKey, signal }: WebhooksDemonstration,
  method: string,
  path: string,
  body?: object,
): Promise<Response> {
  return fetch(`${apiUrl}${path}`, {
    method,
    headers: { authorization: `Bearer ${apiKey}`, "content-type": "application/json" },
    ...(body ? { body: JSON.stringify(body) } : {}),
    signal: AbortSignal.any([signal, AbortSignal.timeout(STEP_TIMEOUT_MS)]),
  });
}
