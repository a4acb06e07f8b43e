import { setTimeout } from "node:timers/promises";
import { forEachConcurrent } from "../../shared/core/for-each-concurrent.ts";
import { inTurns } from "../deliveries/events.ts";
import type { Load } from "../deliveries/load.ts";
import { acceptAll, makeOrders } from "../requests/orders.ts";
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
  /** At once; those of `steady` keep the queues so full that batches fill. */
  concurrency: number;
  /** Deliveries put on the bus in a second. */
  perSecond: number;
  /** Batch windows of the queues (s), which only `steady` has. */
  windowSeconds: number;
}

export const loadShapes: Record<LoadName, LoadShape> = {
  steady: {
    events: 1_000,
    deliveries: 1_000,
    accounts: 100,
    perAccount: 4,
    concurrency: 20,
    perSecond: 50,
    windowSeconds: 1,
  },
  light: {
    events: 40,
    deliveries: 40,
    accounts: 20,
    perAccount: 1,
    concurrency: 1,
    perSecond: 0,
    windowSeconds: 0,
  },
  peak: {
    events: 2_000,
    deliveries: 2_000,
    accounts: 200,
    perAccount: 3,
    concurrency: 40,
    perSecond: 1_000,
    windowSeconds: 0,
  },
};

type Bus = Awaited<ReturnType<typeof attachConsumer>>;

export interface LoadContext {
  load: Load;
  bus: Bus;
  shape: LoadShape;
}

const LIMIT_MS = 900_000;
/** After which the last messages are deleted and the last states stored. */
const SETTLING_MS = 4_000;

/** @throws Error if the condition does not hold in time */
async function until(isSo: () => boolean, what: string): Promise<void> {
  const giveUpAtMs = Date.now() + LIMIT_MS;
  while (!isSo()) {
    if (Date.now() > giveUpAtMs) throw new Error(`not in time: ${what}`);
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

/** Sends webhooks that match no request until each is on the bus. @returns how many */
export async function sendEvents({ load, bus, shape }: LoadContext, name: string): Promise<number> {
  const { connections } = load.run.local;
  const { inboundUrl = "" } = connections.find(({ provider }) => provider === "linked-api") ?? {};
  const before = bus.events();
  const numbers = Array.from({ length: shape.events }, (_, n) => n);
  await forEachConcurrent(numbers, shape.concurrency, async (n) => {
    const body = webhook(`${name}-${n}`);
    const { status } = await fetch(inboundUrl, { method: "POST", body });
    if (status !== 200) throw new Error(`a webhook was answered ${status}`);
    if (shape.concurrency === 1) await until(() => bus.events() - before > n, "an event");
  });
  await until(() => bus.events() - before >= shape.events, "events");
  await setTimeout(SETTLING_MS);
  return shape.events;
}

/** Publishes events of clients with a webhook until each is received. @returns how many */
export async function makeDeliveries({ load, shape }: LoadContext, name: string): Promise<number> {
  const each = Math.ceil(shape.deliveries / load.places.length);
  const events = inTurns(load.places, { load: name, each }).filter((event) => event !== undefined);
  const isIn = (count: number) => () => load.arrived(events).length >= count;
  load.events.push(...events);
  if (shape.perSecond > 0) {
    await load.bus.putSteadily(events, { perSecond: shape.perSecond });
  } else {
    for (const [n, event] of events.entries()) {
      await load.bus.put([event]);
      await until(isIn(n + 1), "a delivery");
      // The result is stored, and its message deleted, before the next one comes.
      await setTimeout(100);
    }
  }
  await until(isIn(events.length), "deliveries");
  await setTimeout(SETTLING_MS);
  return events.length;
}

/** Makes requests until each has ended. @returns how many */
export async function makeRequests(
  { load, bus, shape }: LoadContext,
  name: string,
): Promise<number> {
  const api = makeApi(load.run.local);
  const before = bus.completed();
  const { accounts, perAccount, concurrency } = shape;
  const orders = makeOrders({ accounts, perAccount, linkedAccounts: 0 }).map((order) => ({
    ...order,
    accountId: `${name}-${order.accountId}`,
  }));
  await forEachConcurrent([...new Set(orders.map(({ accountId }) => accountId))], 4, (accountId) =>
    api.call(`/v1/accounts/${accountId}`, { method: "PUT", body: { provider: "we-link" } }),
  );
  const accept = (some: typeof orders) => acceptAll(api, some, { concurrency, withKeys: false });
  if (concurrency === 1) {
    for (const [n, order] of orders.entries()) {
      await accept([order]);
      await until(() => bus.completed() - before > n, "a request");
    }
  } else {
    await accept(orders);
    await until(() => bus.completed() - before >= orders.length, "requests");
  }
  await setTimeout(SETTLING_MS);
  return orders.length;
}
