import { expect, test } from "vitest";
import type { TrafficEntry } from "../../shared/core/operator/ports.ts";
import { readTraffic } from "../../shared/core/operator/traffic.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";

const MINUTE_MS = 60_000;
const clock = makeTestClock();
const sinceMs = clock.businessMs() - 60 * MINUTE_MS;
const isoOf = (ms: number) => new Date(ms).toISOString();

type List = "requests" | "events" | "deliveries";

/** @param found the entries of each list of each client; what is not there is empty */
function setUp(found: Record<string, TrafficEntry[]>, incomplete = "") {
  const reads: unknown[] = [];
  const traffic = {
    read: async (of: List, clientId: string, since: number) => {
      const name = `${of} of ${clientId}`;
      reads.push([of, clientId, since]);
      return { entries: found[name] ?? [], isComplete: name !== incomplete };
    },
  };
  return { reads, read: (...clients: string[]) => readTraffic({ traffic, clock }, clients) };
}

const nothing = { requests: 0, events: 0, delivered: 0, failed: 0 };

test("The traffic of the last hour is counted in twelve times of five minutes", async () => {
  const entries = [-1, 0, 5 * MINUTE_MS - 1, 5 * MINUTE_MS, 60 * MINUTE_MS - 1, 60 * MINUTE_MS];
  const { read } = setUp({
    "requests of cl_1": entries.map((ms) => ({ atMs: sinceMs + ms })),
  });
  const { since, buckets, requestsAccepted } = await read("cl_1");
  expect({ since, requestsAccepted }).toEqual({ since: isoOf(sinceMs), requestsAccepted: 6 });
  expect(buckets).toEqual(
    [3, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2].map((requests, n) => ({
      ...nothing,
      at: isoOf(sinceMs + n * 5 * MINUTE_MS),
      requests,
    })),
  );
});

test("Each kind of traffic is counted by itself, and deliveries by how they ended", async () => {
  const at = (minute: number, status?: string) => ({
    atMs: sinceMs + minute * MINUTE_MS,
    status,
  });
  const { read } = setUp({
    "requests of cl_1": [at(1)],
    "requests of cl_2": [at(1), at(6)],
    "events of cl_1": [at(11), at(11), at(11), at(11)],
    "deliveries of cl_1": [at(16, "delivered"), at(16, "delivered"), at(21, "failed")],
    "deliveries of cl_2": [at(26, "waiting"), at(26, "cancelled"), at(26), at(26, "failed")],
  });
  const { buckets, ...counts } = await read("cl_1", "cl_2");
  expect(counts).toEqual({
    since: isoOf(sinceMs),
    requestsAccepted: 3,
    eventsStored: 4,
    deliveriesCreated: 7,
    delivered: 2,
    deliveriesFailed: 2,
    isComplete: true,
  });
  expect(buckets.slice(0, 7)).toMatchObject([
    { ...nothing, requests: 2 },
    { ...nothing, requests: 1 },
    { ...nothing, events: 4 },
    { ...nothing, delivered: 2 },
    { ...nothing, failed: 1 },
    { ...nothing, failed: 1 },
    nothing,
  ]);
});

test("Every list of every client is read, since an hour ago", async () => {
  const { read, reads } = setUp({});
  await read("cl_1", "cl_2");
  const lists = ["requests", "events", "deliveries"];
  expect(reads).toEqual(
    ["cl_1", "cl_2"].flatMap((clientId) => lists.map((of) => [of, clientId, sinceMs])),
  );
});

test.each(["requests of cl_1", "events of cl_2", "deliveries of cl_2"])(
  "The numbers are not complete when the %s are not",
  async (incomplete) => {
    const { read } = setUp({}, incomplete);
    expect(await read("cl_1", "cl_2")).toMatchObject({ isComplete: false });
  },
);

test("A stack without clients has no traffic", async () => {
  const { read, reads } = setUp({});
  expect(await read()).toMatchObject({ requestsAccepted: 0, isComplete: true });
  expect(reads).toEqual([]);
});

test("Ten lists are read at the same time", async () => {
  let [reading, most] = [0, 0];
  const traffic = {
    async read() {
      reading += 1;
      most = Math.max(most, reading);
      await new Promise(setImmediate);
      reading -= 1;
      return { entries: [], isComplete: true };
    },
  };
  const clients = ["cl_1", "cl_2", "cl_3", "cl_4", "cl_5"];
  await readTraffic({ traffic, clock }, clients);
  expect(most).toBe(10);
});
