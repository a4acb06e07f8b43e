import { describe, expect, test } from "vitest";
import { Failure } from "../../shared/contracts/failures.ts";
import { makeClientPages } from "../../shared/core/operator/client-pages.ts";
import type { OperatorDeps } from "../../shared/core/operator/ports.ts";
import { requestHandlers } from "../../shared/core/operator/request-handlers.ts";
import type { RequestStore } from "../../shared/core/requests/state/ports.ts";
import type { RequestRecord } from "../../shared/core/requests/state/record.ts";
import { summaryOf, type Wait } from "../../shared/core/requests/state/request-view.ts";
import { answerOf } from "../support/answer-of.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";
import { makeMemoryRequests } from "../support/memory/memory-requests.ts";
import { notingIn } from "../support/noting.ts";
import { newOwner, requestRecord } from "../support/payloads/request-records.ts";

const NOW = "2026-06-25T12:00:00.000Z";
const nowMs = Date.parse(NOW);
const owner = newOwner({ clientId: "cl_1", connectionId: "cn_1", accountId: "anna" });
const waitFor = (waitsFor: Wait["waitsFor"]): Wait => ({ waitsFor, reason: `for ${waitsFor}` });

/** Two clients. The use cases note their calls. */
function setUp() {
  const clock = makeTestClock();
  const { requests } = makeMemoryRequests({ clock, retentionMs: 86_400_000 });
  const calls: unknown[] = [];
  const waits = new Map<string, Wait>();
  const noting = notingIn(calls);
  const deps = {
    clock,
    store: {
      clientIds: async () => ["cl_1", "cl_2"],
      client: async (id: string) => ({ clientId: id }),
    },
    requestStore: {
      ...requests,
      list: async (of: Parameters<RequestStore["list"]>[0]) => {
        calls.push(["list", of]);
        return requests.list(of);
      },
    },
    explainWaits: async (of: readonly RequestRecord[]) => {
      const known = new Set(of.map(({ requestId }) => requestId));
      return new Map([...waits].filter(([id]) => known.has(id)));
    },
    requests: {
      get: async (clientId: string, requestId: string) => {
        calls.push(["get", clientId, requestId]);
        const request = await requests.find(requestId);
        const result = '{"big":9007199254740993,"one":1.0}';
        return request && { ...summaryOf(request), result };
      },
      cancel: noting("cancel"),
      resolve: noting("resolve"),
    },
  } as unknown as OperatorDeps;
  async function add(of: Partial<RequestRecord> = {}, its = owner): Promise<string> {
    const request = requestRecord(its, { createdMs: nowMs, ...of });
    await requests.create(request);
    return request.requestId;
  }
  return { calls, waits, add, handlers: requestHandlers(deps, makeClientPages(deps)) };
}

describe("A request that an operator looks at or changes", () => {
  const whose = { clientId: "cl_1", connectionId: "cn_1" };
  const noRequest = new Failure("NOT_FOUND", "there is no such request");

  test.each([{}, { clientId: "cl_1" }])(
    "With the query %j a request is shown with its client and every digit of its result",
    async (query) => {
      const { handlers, add, calls } = setUp();
      const requestId = await add({ status: "SUCCEEDED" });
      const input = { params: { requestId }, query };
      const text = String(await handlers.getRequest(input as never));
      expect(JSON.parse(text)).toMatchObject({ requestId, status: "SUCCEEDED", ...whose });
      const result = '"result":{"big":9007199254740993,"one":1.0}';
      expect(text.slice(text.indexOf(',"result"'))).toBe(
        `,${result},"clientId":"cl_1","connectionId":"cn_1"}`,
      );
      expect(calls).toEqual([["get", "cl_1", requestId]]);
    },
  );

  test("A request that there is not, or of another client, is not found", async () => {
    const { handlers, add, calls } = setUp();
    const requestId = await add();
    const params = { requestId };
    const ofOther = answerOf(handlers.getRequest, { params, query: { clientId: "cl_2" } });
    await expect(ofOther).rejects.toThrow(noRequest);
    const unknown = { params: { requestId: "rq_1" }, query: {}, body: { as: "not-submitted" } };
    for (const change of [handlers.getRequest, handlers.cancelRequest, handlers.resolveRequest]) {
      await expect(answerOf(change, unknown)).rejects.toThrow(noRequest);
    }
    expect(calls).toEqual([]);
  });

  test("A request is cancelled as its client's, and is then shown", async () => {
    const { handlers, add, calls } = setUp();
    const requestId = await add();
    const answer = await answerOf(handlers.cancelRequest, { params: { requestId } });
    expect(answer).toMatchObject({ requestId, ...whose });
    expect(calls).toEqual([
      ["cancel", "cl_1", requestId],
      ["get", "cl_1", requestId],
    ]);
  });

  test("A request is resolved as a person says, and the reason is not part of that", async () => {
    const { handlers, add, calls } = setUp();
    const requestId = await add({ status: "UNKNOWN" });
    const as = { as: "submitted", providerRequestId: "p1" };
    const input = { params: { requestId }, body: { ...as, why: "it is there" } };
    expect(await answerOf(handlers.resolveRequest, input)).toMatchObject({ requestId, ...whose });
    expect(calls).toStrictEqual([
      ["resolve", "cl_1", requestId, as],
      ["get", "cl_1", requestId],
    ]);
  });
});

describe("The list of requests", () => {
  test("Every filter is applied to the requests of every client that is listed", async () => {
    const { handlers, calls } = setUp();
    const filters = { accountId: "anna", status: "QUEUED", group: "spring" };
    const query = { limit: 5, ...filters, since: NOW, until: "2026-06-25T13:00:00.000Z" };
    expect(await answerOf(handlers.listRequests, { query })).toEqual({ items: [] });
    await answerOf(handlers.listRequests, { query: { limit: 5, clientId: "cl_2" } });
    const range = { sinceMs: nowMs, untilMs: nowMs + 3_600_000 };
    expect(calls).toEqual([
      ["list", { clientId: "cl_1", limit: 5, ...filters, ...range }],
      ["list", { clientId: "cl_2", limit: 5, ...filters, ...range }],
      ["list", { clientId: "cl_2", limit: 5 }],
    ]);
  });

  test("A page has the newest requests of all clients, and the next one follows it", async () => {
    const { handlers, add, waits, calls } = setUp();
    const older = await add({ createdMs: nowMs - 1 });
    const newer = await add({}, newOwner({ clientId: "cl_2", connectionId: "cn_2" }));
    waits.set(newer, { ...waitFor("hours"), position: 3, expectedMs: nowMs + 1_000 });
    const { items, nextCursor } = await answerOf(handlers.listRequests, { query: { limit: 1 } });
    expect(items).toMatchObject([
      {
        ...{ requestId: newer, clientId: "cl_2", connectionId: "cn_2", waitsFor: "hours" },
        ...{ waitReason: "for hours", position: 3, expectedAt: "2026-06-25T12:00:01.000Z" },
      },
    ]);
    const query = { limit: 1, cursor: nextCursor };
    const next = await answerOf(handlers.listRequests, { query });
    expect(next).toMatchObject({ items: [{ requestId: older, clientId: "cl_1" }] });
    expect(next).not.toHaveProperty("nextCursor");
    const before = `${NOW}#${newer}`;
    expect(calls.slice(2)).toMatchObject([
      ["list", { before }],
      ["list", { before }],
    ]);
  });

  test("Only the requests are listed that wait for what is asked for", async () => {
    const { handlers, add, waits } = setUp();
    const [paced, held] = [await add(), await add()];
    await add({ status: "SUCCEEDED" });
    waits.set(paced, waitFor("pace"));
    waits.set(held, waitFor("lane"));
    const query = { limit: 5, waitsFor: "pace" };
    const { items } = await answerOf(handlers.listRequests, { query });
    expect(items).toMatchObject([{ requestId: paced, waitsFor: "pace" }]);
    const all = await answerOf(handlers.listRequests, { query: { limit: 5 } });
    expect(all.items).toHaveLength(3);
  });
});
