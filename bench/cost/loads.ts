import { setTimeout } from "node:timers/promises";
import { forEachConcurrent } from "../../shared/core/for-each-concurrent.ts";
import { inTurns } from "../deliveries/events.ts";
import type { Load } from "../deliveries/load.ts";
import { acceptAll, makeOrders, type Order } from "../requests/orders.ts";
import { makeApi } from "../run/api.ts";
import type { attachConsumer } from "../run/bus.ts";

export const loadNames = ["steady", "light", "peak"] as const;
export type LoadName = (typeof loadNames)[number];

/** How many of each part a load makes, and how. */
export interface LoadShape {
  events: number;
  deliveries: number;
  accounts: number;
  perAccount: number;
  /** Webhooks and calls of the API at once. */
  concurrency: number;
  /** Events for deliveries that are put on the bus together, when those before have arrived. */
  together: number;
  /** Batch windows of the queues (s), which only `steady` has. */
  windowSeconds: number;
}

export const loadShapes: Record<LoadName, LoadShape> = {
  steady: {
    events: 600,
    deliveries: 600,
    accounts: 60,
    perAccount: 2,
    concurrency: 10,
    together: 60,
    windowSeconds: 1,
  },
  light: {
    events: 40,
    deliveries: 40,
    accounts: 20,
    perAccount: 1,
    concurrency: 1,
    together: 1,
    windowSeconds: 0,
  },
  peak: {
    events: 2_000,
    deliveries: 2_000,
    accounts: 200,
    perAccount: 3,
    concurrency: 40,
    together: 2_000,
    windowSeconds: 0,
  },
};

type Bus = Awaited<ReturnType<typeof attachConsumer>>;

export interface LoadContext {
  load: Load;
  bus: Bus;
  shape: LoadShape;
}

/** Requests being accepted at once: more would only wait for each other on two cores. */
const MAX_ACCEPTS = 8;
const MAX_ATTEMPTS = 10;
const PAUSE_MS = 100;
const PROGRESS_MS = 10_000;

const LIMIT_MS = 900_000;
/** After which the last messages are deleted and the last states stored. */
const SETTLING_MS = 4_000;

/**
 * Waits until so many are done, and notes how many are.
 *
 * @throws Error if they are not done in time
 */
async function until(load: Load, count: number, done: () => number, what: string): Promise<void> {
  const startedMs = Date.now();
  let notedMs = startedMs;
  while (done() < count) {
    if (Date.now() - startedMs > LIMIT_MS) throw new Error(`${done()} of ${count} ${what} in time`);
    if (Date.now() - notedMs > PROGRESS_MS) {
      load.note(`${done()} of ${count} ${what}`);
      notedMs = Date.now();
    }
    await setTimeout(50);
  }
}

/** An ordinary webhook of Linked API: about 900 bytes, for a workflow that nobody requested. */
function webhook(id: string): string {
  const profile = { name: "x".repeat(40), headline: "y".repeat(120), about: "z".repeat(400) };
  return JSON.stringify({
    id: `workflow.completed:wf-${id}`,
    type: "workflow.completed",
    createdAt: "2026-06-25T12:00:00.000Z",
    data: {
      workflowId: `wf-${id}`,
      accountId: "acc",
      status: "completed",
      result: { actionType: "st.openPersonPage", success: true, data: profile },
    },
  });
}

/** Sends a webhook until it is acked: a provider repeats what a busy machine does not answer. */
async function post(url: string, body: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const { status } = await fetch(url, { method: "POST", body });
    if (status === 200) return;
    if (attempt === MAX_ATTEMPTS) throw new Error(`a webhook was answered ${status}`);
    await setTimeout(1_000);
  }
}

/** Sends webhooks that match no request until each is on the bus. @returns how many */
export async function sendEvents({ load, bus, shape }: LoadContext, name: string): Promise<number> {
  const { connections } = load.run.local;
  const { inboundUrl = "" } = connections.find(({ provider }) => provider === "linked-api") ?? {};
  const before = bus.events();
  const done = () => bus.events() - before;
  const numbers = Array.from({ length: shape.events }, (_, n) => n);
  await forEachConcurrent(numbers, shape.concurrency, async (n) => {
    const body = webhook(`${name}-${n}`);
    await post(inboundUrl, body);
    if (shape.concurrency === 1) await until(load, n + 1, done, "events");
  });
  await until(load, shape.events, done, "events");
  await setTimeout(SETTLING_MS);
  return shape.events;
}

/** Publishes events of clients with a webhook until each is received. @returns how many */
export async function makeDeliveries({ load, shape }: LoadContext, name: string): Promise<number> {
  const each = Math.ceil(shape.deliveries / load.places.length);
  const events = inTurns(load.places, { load: name, each }).filter((event) => event !== undefined);
  const done = () => load.arrived(events).length;
  load.events.push(...events);
  for (let put = 0; put < events.length; put += shape.together) {
    await load.bus.put(events.slice(put, put + shape.together));
    await until(load, Math.min(put + shape.together, events.length), done, "deliveries");
    // Results are stored, and messages deleted, before the next ones come.
    await setTimeout(PAUSE_MS);
  }
  await setTimeout(SETTLING_MS);
  return events.length;
}

function ordersOf({ accounts, perAccount }: LoadShape, name: string): Order[] {
  const orders = makeOrders({ accounts, perAccount, linkedAccounts: 0 });
  return orders.map((order) => ({ ...order, accountId: `${name}-${order.accountId}` }));
}

/** Adds the accounts of the requests, which exist long before their requests. */
export async function addAccounts({ load, shape }: LoadContext, name: string): Promise<void> {
  const api = makeApi(load.run.local);
  const accountIds = new Set(ordersOf(shape, name).map(({ accountId }) => accountId));
  await forEachConcurrent([...accountIds], 4, (accountId) =>
    api.call(`/v1/accounts/${accountId}`, { method: "PUT", body: { provider: "we-link" } }),
  );
}

/** Makes requests until each has ended. @returns how many */
export async function makeRequests(
  { load, bus, shape }: LoadContext,
  name: string,
): Promise<number> {
  const api = makeApi(load.run.local);
  const before = bus.completed();
  const done = () => bus.completed() - before;
  const orders = ordersOf(shape, name);
  const concurrency = Math.min(shape.concurrency, MAX_ACCEPTS);
  const accept = (some: typeof orders) => acceptAll(api, some, { concurrency, withKeys: false });
  if (concurrency === 1) {
    for (const [n, order] of orders.entries()) {
      await accept([order]);
      await until(load, n + 1, done, "requests");
    }
  } else {
    await accept(orders);
    await until(load, orders.length, done, "requests");
  }
  await setTimeout(SETTLING_MS);
  return orders.length;
}
