import { createServer, type IncomingHttpHeaders } from "node:http";
import { buffer } from "node:stream/consumers";
import { Webhook } from "standardwebhooks";
import type { DeliveryView, WebhookView } from "../../shared/contracts/http/webhooks.ts";
import { closeServer, listen } from "../loopback.ts";
import { PATIENCE_MS, type RequestsDemonstration, submit, until } from "./demonstrate-requests.ts";

export interface WebhooksDemonstration extends RequestsDemonstration {
  apiKey: string;
}

/** One POST that came to the receiver. */
interface Received {
  eventId: string;
  atMs: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** So the account begins that is made for it; the webhook has the account's id as its description. */
const NAME = "ackwire-demonstration-";

/** What a run that is being stopped still has time for. */
const FAREWELL_MS = 1_000;

/**
 * Shows the way of an event to a client's own webhook: a receiver on this
 * machine fails the first attempt, and gets the next one in the schedule's time.
 */
export async function demonstrateWebhooks(of: WebhooksDemonstration): Promise<void> {
  const { print } = of;
  print("");
  if (await isTaken(of)) {
    return print("A webhook is set already: how one is delivered to is not shown.");
  }
  print("Last, a webhook to a subscriber: it comes to a receiver here, which fails at first.");
  print("");
  const receiver = await startReceiver();
  // One of its own: no request of before is in its lane.
  const accountId = `${NAME}${Date.now().toString(36)}`;
  try {
    await showDelivery({ ...of, accountId }, receiver);
  } finally {
    const isRemoved = await remove(of, accountId);
    await receiver.close();
    if (isRemoved) print("  webhook gone   DELETE /v1/webhook: set one of your own now");
  }
}

/** Whether a webhook is there; that of a demonstration that was stopped is removed. */
async function isTaken(of: WebhooksDemonstration): Promise<boolean> {
  const answer = await fetchApi(of, "GET", "/v1/webhook");
  if (answer.status === 404) return false;
  const { description = "" } = (await answer.json()) as WebhookView;
  return !description.startsWith(NAME) || !(await remove(of, description));
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
  if (!first) return print(`  not delivered  ${eventId} in ${PATIENCE_MS / 1000} s`);
  print(`  attempt 1      ${eventId}`);
  print(`                 ${proof(first, secret)}; answered 500, on purpose`);
  const second = await attempt(2);
  if (!second) return print(`  not retried    ${eventId} in ${PATIENCE_MS / 1000} s`);
  const laterSeconds = ((second.atMs - first.atMs) / 1000).toFixed(1);
  print(`  attempt 2      ${laterSeconds} s later, with the same webhook-id`);
  print(`                 ${proof(second, secret)}; answered 204`);
  await showRecord(of, eventId);
}

/** What Standard Webhooks' own library says of an attempt. */
function proof({ body, headers }: Received, secret: string): string {
  try {
    new Webhook(secret).verify(body, headers as Record<string, string>);
    return "signature verified with standardwebhooks";
  } catch (error) {
    return `NOT verified: ${error instanceof Error ? error.message : "unknown error"}`;
  }
}

/** The delivery as its client can read it. */
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

/** Answers the first attempt of whatever comes with 500, and each later one with 204. */
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

/** What the demonstration has made; also while the run is being stopped, as far as there is time. */
async function remove(of: WebhooksDemonstration, accountId: string): Promise<boolean> {
  const signal = of.signal.aborted ? AbortSignal.timeout(FAREWELL_MS) : of.signal;
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
    signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]),
  });
}
