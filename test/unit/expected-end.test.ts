import { expect, test } from "vitest";
import { makeExpectedEnd } from "../../shared/core/requests/expected-end.ts";
import type { RequestRecord } from "../../shared/core/requests/state/record.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";
import { newOwner, requestRecord } from "../support/payloads/request-records.ts";
import { requestRules } from "../support/payloads/request-rules.ts";

const clock = makeTestClock();
const nowMs = clock.businessMs();

/**
 * @param times when each is expected, by those that explain single waits; absent: never
 * @param isIndexed whether the lanes' index knows the requests already
 */
function setUp(
  all: readonly RequestRecord[],
  times: (request: RequestRecord) => number | undefined,
  { isIndexed = false } = {},
) {
  const read: (readonly string[])[] = [];
  const byId = new Map(all.map((request) => [request.requestId, request]));
  const expectedEndOf = makeExpectedEnd({
    requests: {
      readQueue: async (lane: string) => {
        const waiting = all.filter((one) => isIndexed && one.lane === lane);
        return {
          holders: [],
          waiting: waiting.map(({ requestId }, position) => ({
            ...{ requestId, position, category: "other", isHigh: false },
          })),
        };
      },
      findWithLanes: async (ids: readonly string[]) => {
        read.push(ids);
        const found = ids.flatMap((id) => byId.get(id) ?? []);
        return new Map(found.map((request) => [request.requestId, { request, lane: undefined }]));
      },
    },
    lanes: { find: async () => undefined },
    accounts: { find: async () => undefined },
    connections: { read: async () => undefined },
    providerClients: { "we-link": { providerLimits: undefined } },
    context: () => ({ nowMs, nowRealMs: nowMs, rules: requestRules }),
    explainWaits: async (requests: readonly RequestRecord[]) =>
      new Map(requests.map((one) => [one.requestId, { expectedMs: times(one) }])),
  } as never);
  const of = (requests: readonly RequestRecord[]) =>
    expectedEndOf(requests.map(({ requestId }) => requestId));
  return { of, read };
}

const later = (n: number) => nowMs + n;
const requestsOf = (accounts: number, each = 1) =>
  Array.from({ length: accounts }, () => newOwner()).flatMap((owner) =>
    Array.from({ length: each }, () => requestRecord(owner)),
  );

test("The expected end is the latest time of those that wait", async () => {
  const all = requestsOf(3);
  const times = new Map(all.map(({ requestId }, n) => [requestId, later([5, 9, 7][n] ?? 0)]));
  expect(await setUp(all, ({ requestId }) => times.get(requestId)).of(all)).toBe(later(9));
});

test("The forecast of each account answers for all of its waiting requests", async () => {
  const all = requestsOf(2, 3);
  const { of, read } = setUp(all, () => undefined, { isIndexed: true });
  const endMs = await of(all);
  expect(endMs).toBeGreaterThanOrEqual(nowMs + 2 * requestRules.pace.minGapMs);
  expect(read.map(({ length }) => length)).toEqual([2]);
});

test("Where one has no expected time, the group has none", async () => {
  const all = requestsOf(2);
  const isFirst = ({ requestId }: RequestRecord) => requestId === all[0]?.requestId;
  expect(await setUp(all, (one) => (isFirst(one) ? later(1) : undefined)).of(all)).toBeUndefined();
});

test("A request that has been submitted meanwhile, or is not there, does not count", async () => {
  const [waits, runs, gone] = requestsOf(3);
  if (!waits || !runs || !gone) throw new Error("three were made");
  const scheduled = { ...waits, status: "SCHEDULED" as const };
  const all = [scheduled, { ...runs, status: "RUNNING" as const }];
  const end = setUp(all, ({ status }) => (status === "RUNNING" ? later(99) : later(3)));
  expect(await end.of([...all, gone])).toBe(later(3));
  expect(await end.of([runs])).toBeUndefined();
  expect(await end.of([])).toBeUndefined();
});

test("Accounts are read by one request each, up to a hundred of them", async () => {
  const hundred = requestsOf(100, 2);
  const { of, read } = setUp(hundred, () => later(1));
  expect(await of(hundred)).toBe(later(1));
  expect(read.map(({ length }) => length)).toEqual([100, 200]);
  const more = requestsOf(101);
  const others = setUp(more, () => later(2));
  expect(await others.of(more)).toBe(later(2));
  expect(others.read.map(({ length }) => length)).toEqual([101]);
});

test("A group with more than a thousand requests outside of the forecasts has no expected end", async () => {
  const thousand = requestsOf(1, 1_000);
  const { of } = setUp(thousand, () => later(4));
  expect(await of(thousand)).toBe(later(4));
  const more = [...thousand, ...requestsOf(1)];
  const others = setUp(more, () => later(4));
  expect(await others.of(more)).toBeUndefined();
});
