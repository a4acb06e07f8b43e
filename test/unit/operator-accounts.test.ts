import { describe, expect, test } from "vitest";
import { makeClientPages } from "../../shared/core/operator/client-pages.ts";
import type { OperatorDeps } from "../../shared/core/operator/ports.ts";
import { requestHandlers } from "../../shared/core/operator/request-handlers.ts";
import { laneId } from "../../shared/core/requests/acceptance/request-id.ts";
import type { RequestRecord } from "../../shared/core/requests/state/record.ts";
import { answerOf } from "../support/answer-of.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";
import { makeMemoryRequests } from "../support/memory/memory-requests.ts";
import { notingIn } from "../support/noting.ts";
import { newOwner, requestRecord } from "../support/payloads/request-records.ts";

const owner = newOwner({ clientId: "cl_1", connectionId: "cn_1", accountId: "anna" });

interface Given {
  /** Entries of the lane's index whose requests cannot be read. */
  unreadable?: { requestId: string; position: number }[];
  /** The connection of the account anna. */
  connectionId?: string;
}

/** Two clients, and the connection cn_1. The use cases note their calls. */
function setUp({ unreadable = [], connectionId = "cn_1" }: Given = {}) {
  const clock = makeTestClock();
  const { requests } = makeMemoryRequests({ clock, retentionMs: 86_400_000 });
  const calls: unknown[] = [];
  const waits = new Map<string, object>();
  const noting = notingIn(calls);
  const accountOf = (accountId: string, status: string) => ({
    ...{ accountId, connectionId, status, identificationToken: "hidden" },
  });
  const accounts = ["anna", "ben"].map((accountId) => accountOf(accountId, "active"));
  const recurring = [{ recurringId: "daily" }, { recurringId: "weekly" }];
  const deps = {
    clock,
    store: {
      clientIds: async () => ["cl_1", "cl_2"],
      client: async (id: string) => ({ clientId: id }),
      connection: async (id: string) => (id === "cn_1" ? { provider: "we-link" } : undefined),
    },
    requestStore: {
      ...requests,
      // In no order, as the port says.
      readQueue: async (lane: string, limit: number) => {
        calls.push(["readQueue", lane, limit]);
        const { holders, waiting } = await requests.readQueue(lane, limit);
        return { holders, waiting: [...unreadable, ...waiting.toReversed()] };
      },
    },
    explainWaits: async (of: readonly RequestRecord[]) => {
      const known = new Set(of.map(({ requestId }) => requestId));
      return new Map([...waits].filter(([id]) => known.has(id)));
    },
    accounts: {
      get: noting("get", accountOf("anna", "active")),
      budget: noting("budget", { limits: [] }),
      pause: noting("pause", accountOf("anna", "paused")),
      resume: noting("resume", accountOf("anna", "paused")),
      list: noting("list", accounts),
    },
    recurring: {
      read: noting("read", recurring),
      pause: noting("pause", { recurringId: "daily", status: "paused" }),
      resume: noting("resume", { recurringId: "daily", status: "active" }),
    },
  } as unknown as OperatorDeps;
  async function add(of: Partial<RequestRecord>): Promise<string> {
    const request = requestRecord(owner, of);
    await requests.create(request);
    return request.requestId;
  }
  return { calls, waits, add, handlers: requestHandlers(deps, makeClientPages(deps)) };
}

const params = { clientId: "cl_1", accountId: "anna" };
const query = { provider: "we-link" };
const shown = { accountId: "anna", connectionId: "cn_1", status: "active", clientId: "cl_1" };
const idsOf = (requests: { requestId: string }[]) => requests.map(({ requestId }) => requestId);

describe("An account that an operator looks at or changes", () => {
  test("An account is shown with its budget and the first 25 requests of its lane", async () => {
    const { handlers, add, waits, calls } = setUp();
    const ids: string[] = [];
    for (let n = 0; n < 26; n++) {
      ids.push(await add({ laneState: "waiting", lanePosition: 100 + n }));
    }
    waits.set(ids[0] ?? "", { waitsFor: "lane", reason: "The lane is held." });
    const { lane, ...account } = await answerOf(handlers.getAccount, { params, query });
    expect(account).toEqual({ ...shown, budget: { limits: [] } });
    expect({ ...lane, requests: idsOf(lane.requests) }).toEqual({
      isHeld: false,
      waiting: 26,
      requests: ids.slice(0, 25),
    });
    const whose = { clientId: "cl_1", connectionId: "cn_1" };
    expect(lane.requests[0]).toMatchObject({ ...whose, waitsFor: "lane", status: "QUEUED" });
    expect(lane.requests[1]).not.toHaveProperty("waitsFor");
    expect(calls).toEqual([
      ["get", "cl_1", "anna", query],
      ["budget", "cl_1", "anna", { connectionId: "cn_1" }],
      ["readQueue", laneId(owner), 5_000],
    ]);
  });

  test("A lane is shown with its holder first, which is not counted as waiting", async () => {
    const { handlers, add } = setUp();
    const waiting = await add({ laneState: "waiting", lanePosition: 1 });
    const holder = await add({ laneState: "holding", lanePosition: 2 });
    const { lane } = await answerOf(handlers.getAccount, { params, query });
    expect(lane).toMatchObject({ isHeld: true, waiting: 1 });
    expect(idsOf(lane.requests)).toEqual([holder, waiting]);
  });

  test("A request of the lane that cannot be read is counted, and not shown", async () => {
    const unreadable = [{ requestId: "rq_gone", position: 0 }];
    const { handlers, add } = setUp({ unreadable });
    const requestId = await add({ laneState: "waiting", lanePosition: 1 });
    const { lane } = await answerOf(handlers.getAccount, { params, query });
    expect(lane).toMatchObject({ isHeld: false, waiting: 2, requests: [{ requestId }] });
  });

  test("An account whose connection was deleted has an empty lane", async () => {
    const { handlers, add, calls } = setUp({ connectionId: "cn_gone" });
    await add({ laneState: "waiting", lanePosition: 1 });
    const { lane } = await answerOf(handlers.getAccount, { params, query });
    expect(lane).toEqual({ isHeld: false, waiting: 0, requests: [] });
    expect(calls).toEqual([
      ["get", "cl_1", "anna", query],
      ["budget", "cl_1", "anna", { connectionId: "cn_gone" }],
    ]);
  });

  test("An account is paused, and shown without its token", async () => {
    const { handlers, calls } = setUp();
    const answer = await answerOf(handlers.pauseAccount, { params, query });
    expect(answer).toEqual({ ...shown, status: "paused" });
    expect(calls).toEqual([["pause", "cl_1", "anna", query]]);
  });

  test("An account is resumed, and shown as it is then", async () => {
    const { handlers, calls } = setUp();
    expect(await answerOf(handlers.resumeAccount, { params, query })).toEqual(shown);
    expect(calls).toEqual([
      ["resume", "cl_1", "anna", query],
      ["get", "cl_1", "anna", query],
    ]);
  });

  test("Accounts are listed page by page with their clients, without their tokens", async () => {
    const { handlers, calls } = setUp();
    const first = await answerOf(handlers.listAccounts, { query: { limit: 1 } });
    expect(first.items).toEqual([shown]);
    const next = { limit: 1, cursor: first.nextCursor };
    await answerOf(handlers.listAccounts, { query: next });
    await answerOf(handlers.listAccounts, { query: { limit: 5, clientId: "cl_2" } });
    expect(calls).toEqual([
      ["list", "cl_1", { limit: 2 }],
      ["list", "cl_1", { limit: 2, after: "cn_1#anna" }],
      ["list", "cl_2", { limit: 6 }],
    ]);
  });
});

describe("A recurring request that an operator looks at or changes", () => {
  test("Recurring requests are listed page by page with their clients", async () => {
    const { handlers, calls } = setUp();
    const first = await answerOf(handlers.listRecurring, { query: { limit: 1 } });
    expect(first.items).toEqual([{ recurringId: "daily", clientId: "cl_1" }]);
    const next = { limit: 1, cursor: first.nextCursor };
    await answerOf(handlers.listRecurring, { query: next });
    expect(calls).toEqual([
      ["read", "cl_1", { limit: 2 }],
      ["read", "cl_1", { limit: 2, after: "daily" }],
    ]);
  });

  test("A recurring request is paused and resumed", async () => {
    const { handlers, calls } = setUp();
    const input = { params: { clientId: "cl_1", recurringId: "daily" } };
    const of = { recurringId: "daily", clientId: "cl_1" };
    const paused = await answerOf(handlers.pauseRecurring, input);
    expect(paused).toEqual({ ...of, status: "paused" });
    const resumed = await answerOf(handlers.resumeRecurring, input);
    expect(resumed).toEqual({ ...of, status: "active" });
    expect(calls).toEqual([
      ["pause", "cl_1", "daily"],
      ["resume", "cl_1", "daily"],
    ]);
  });
});
