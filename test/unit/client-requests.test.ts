import { describe, expect, test } from "vitest";
import { Failure } from "../../shared/contracts/failures.ts";
import { type CursorOf, writeCursor } from "../../shared/core/input/cursor.ts";
import type { NewRequest } from "../../shared/core/requests/acceptance/idempotency.ts";
import type { RequestRecord } from "../../shared/core/requests/state/record.ts";
import { requestJson, summaryOf } from "../../shared/core/requests/state/request-view.ts";
import { makeClientRequests } from "../support/fakes/client-requests.ts";
import { iso, ms } from "../support/noon.ts";

const HOUR_SECONDS = 3_600;
const down = new Failure("DEPENDENCY_DOWN", "the store is down");
const notFound = { code: "NOT_FOUND", message: "there is no such request" };

const rejects = async () => {
  throw down;
};
const withoutLanes: Parameters<typeof makeClientRequests>[0] = ({ memory }) => ({
  lanes: { ...memory.lanes, find: rejects },
});

describe("A request that is read", () => {
  test("It is shown with its result and with what it waits for", async () => {
    const { requests, store, clientId, ignored } = makeClientRequests();
    const running = await store({ status: "RUNNING", result: { inline: "[1.0]" } });
    expect(await requests.get(clientId, running.requestId)).toMatchObject({
      ...{ requestId: running.requestId, status: "RUNNING", result: "[1.0]" },
      ...{ waitsFor: "provider", waitReason: "The provider has not reported the result yet." },
    });
    expect(ignored).toEqual([]);
  });

  test("It is shown all the same when what it waits for cannot be found out", async () => {
    const { requests, store, clientId, ignored } = makeClientRequests(withoutLanes);
    const queued = await store();
    expect(await requests.get(clientId, queued.requestId)).toMatchObject({
      ...{ requestId: queued.requestId, status: "QUEUED", waitsFor: undefined },
    });
    expect(ignored).toEqual([down]);
  });

  test("It is not found by another client, nor by an id that no request has", async () => {
    const { requests, store } = makeClientRequests();
    const { requestId, clientId } = await store();
    const unknown = `rq_${"0".repeat(44)}`;
    for (const [who, id] of [["cl_other", requestId] as const, [clientId, unknown] as const]) {
      await expect(requests.get(who, id)).rejects.toMatchObject(notFound);
      await expect(requests.cancel(who, id)).rejects.toMatchObject(notFound);
      await expect(requests.continue(who, id, "1")).rejects.toMatchObject(notFound);
      const resolved = requests.resolve(who, id, { as: "not-submitted" });
      await expect(resolved).rejects.toMatchObject(notFound);
    }
  });

  test("A text that is no id of a request is looked up nowhere", async () => {
    const { requests, clientId, calls } = makeClientRequests(({ memory, noting }) => ({
      requests: { ...memory.requests, find: noting("find") },
    }));
    await expect(requests.get(clientId, "rq_1")).rejects.toMatchObject(notFound);
    expect(calls).toEqual([]);
    const id = `rq_${"0".repeat(44)}`;
    await expect(requests.get(clientId, id)).rejects.toMatchObject(notFound);
    expect(calls).toEqual([["find", id]]);
  });
});

describe("A list of requests", () => {
  test("It is read page by page, newest first, as JSON text with what each request waits for", async () => {
    const { requests, store, clientId } = makeClientRequests();
    const stored = [];
    for (const n of [1, 2, 3]) stored.push(await store({ status: "RUNNING", createdMs: ms(n) }));
    const reason = "The provider has not reported the result yet.";
    const [first, second, third] = stored.map((request) =>
      requestJson(summaryOf(request, { waitsFor: "provider", reason })),
    );
    const place = `${iso(2)}#${stored[1]?.requestId}`;
    const cursor = writeCursor({ list: "requests", clientId }, place);
    expect(await requests.list(clientId, { limit: 2 })).toBe(
      `{"items":[${third},${second}],"nextCursor":"${cursor}"}`,
    );
    expect(await requests.list(clientId, { limit: 2, cursor })).toBe(`{"items":[${first}]}`);
  });

  test("The store is asked for the page with everything that the call names", async () => {
    const { requests, clientId, calls } = makeClientRequests(({ memory, noting }) => ({
      requests: { ...memory.requests, list: noting("list", { requests: [] }) },
    }));
    expect(await requests.list(clientId, { limit: 3 })).toBe('{"items":[]}');
    const place = `${iso(2)}#rq_${"0".repeat(44)}`;
    const cursor = writeCursor({ list: "requests", clientId }, place);
    const named = { accountId: "anna", status: "FAILED", group: "g", limit: 7 } as const;
    await requests.list(clientId, { ...named, cursor, waitsFor: "pace" });
    const nothing = { accountId: undefined, status: undefined, group: undefined };
    expect(calls).toStrictEqual([
      ["list", { clientId, ...nothing, limit: 3, before: undefined }],
      ["list", { clientId, ...named, before: place }],
    ]);
  });

  test("With `waitsFor` it has the requests of the page that wait for that", async () => {
    const { requests, store, clientId } = makeClientRequests();
    const running = await store({ status: "RUNNING", createdMs: ms(1) });
    const ended = await store({ status: "FAILED", createdMs: ms(2) });
    const idsOf = async (more: object) => {
      const page = JSON.parse(await requests.list(clientId, { limit: 9, ...more }));
      return page.items.map(({ requestId }: { requestId: string }) => requestId);
    };
    expect(await idsOf({})).toEqual([ended.requestId, running.requestId]);
    expect(await idsOf({ waitsFor: "provider" })).toEqual([running.requestId]);
    expect(await idsOf({ waitsFor: "pace" })).toEqual([]);
  });

  test("It fails when what its requests wait for cannot be found out", async () => {
    const { requests, store, clientId } = makeClientRequests(withoutLanes);
    await store();
    await expect(requests.list(clientId, { limit: 1 })).rejects.toBe(down);
  });

  const id = (digits: number) => `rq_${"0".repeat(digits)}`;
  test.each<[string, Partial<CursorOf> | undefined, string]>([
    ["no cursor at all", undefined, "no cursor"],
    ["of another client", { clientId: "cl_other" }, `${iso(1)}#${id(44)}`],
    ["of another list", { list: "events" }, `${iso(1)}#${id(44)}`],
    ["at a place without a time", {}, `#${id(44)}`],
    ["at a place whose time is too long", {}, `${"1".repeat(33)}#${id(44)}`],
    ["at a place with something before it", {}, `1#2#${id(44)}`],
    ["at a place whose id is too short", {}, `${iso(1)}#${id(43)}`],
    ["at a place whose id is too long", {}, `${iso(1)}#${id(45)}`],
    ["at a place without an id", {}, `${iso(1)}#`],
  ])("A cursor that is %s is refused", async (_, of, place) => {
    const { requests, clientId } = makeClientRequests();
    const cursor = of ? writeCursor({ list: "requests", clientId, ...of }, place) : place;
    const message = "must be the nextCursor of an earlier page of this list";
    await expect(requests.list(clientId, { limit: 1, cursor })).rejects.toMatchObject({
      ...{ code: "REQUEST_INVALID", errors: [{ field: "cursor", message }] },
    });
  });
});

describe("An accepted request", () => {
  const scheduled = iso(3 * HOUR_SECONDS);
  const newRequest = (owner: Pick<NewRequest, "clientId" | "accountId">): NewRequest => ({
    ...{ clientId: owner.clientId, accountId: owner.accountId, provider: "we-link" },
    ...{ action: "connect", params: {}, scheduled },
  });
  const scheduledWait = { waitsFor: "schedule", reason: `It is scheduled for ${scheduled}.` };

  test("It is shown with what it waits for", async () => {
    const { requests, owner, stored } = makeClientRequests(undefined, "we-link");
    const view = await requests.accept(newRequest(owner));
    expect(view).toMatchObject({
      ...{ status: "SCHEDULED", accountId: owner.accountId, scheduled },
      ...{ waitsFor: "schedule", waitReason: scheduledWait.reason },
    });
    expect(await stored(view.requestId)).toMatchObject({ status: "SCHEDULED" });
  });

  test("Those of a batch are answered in order, with what each of them waits for", async () => {
    const { requests, owner, ignored } = makeClientRequests(undefined, "we-link");
    const refused = new Failure("REQUEST_INVALID", "1 invalid fields");
    const { results, waits } = await requests.acceptBatch({
      ...{ clientId: owner.clientId, items: [refused, newRequest(owner)], body: [] },
    });
    expect(results).toEqual([refused, expect.objectContaining({ status: "SCHEDULED" })]);
    const { requestId } = results[1] as RequestRecord;
    expect([...waits]).toEqual([[requestId, expect.objectContaining(scheduledWait)]]);
    expect(ignored).toEqual([]);
  });

  test("A batch is answered all the same when what its requests wait for cannot be found out", async () => {
    const { requests, owner, ignored } = makeClientRequests(withoutLanes, "we-link");
    const { results, waits } = await requests.acceptBatch({
      ...{ clientId: owner.clientId, items: [newRequest(owner)], body: [] },
    });
    expect(results).toMatchObject([{ status: "SCHEDULED" }]);
    expect(waits).toEqual(new Map());
    expect(ignored).toEqual([down]);
  });
});

describe("A request that was not made through Ackwire", () => {
  const events = new Map([
    ["ev_other", { id: "ev_other", clientId: "cl_other", envelope: "{}" }],
    ["ev_own", { id: "ev_own", clientId: "cl_1", envelope: '{"id":"ev_own"}' }],
  ]);

  /** @param references what the provider's id refers to, for each of the connections 0, 1 … */
  const setUp = (references: readonly (object | undefined)[]) =>
    makeClientRequests(({ noting }) => ({
      connectionIdsOf: noting("connectionIdsOf", Object.keys(references)),
      references: {
        findByProviderIds: noting(
          "findByProviderIds",
          references.map((reference) => ({ reference, submittingUntilRealMs: 0 })),
        ),
      },
      events: {
        async find(eventId: string) {
          await noting("event")(eventId);
          return events.get(eventId);
        },
      },
    }));

  test("Its last event is found on any connection of the client, and no event of another client", async () => {
    const { requests, calls } = setUp([
      undefined,
      { requestId: "rq_1", eventId: "ev_own" },
      { eventId: "ev_gone" },
      { eventId: "ev_other" },
      { eventId: "ev_own" },
      { eventId: "ev_behind" },
    ]);
    const found = await requests.findByProviderId("cl_1", "linked-api", "theirs");
    expect(found).toBe('{"id":"ev_own"}');
    const ids = ["0", "1", "2", "3", "4", "5"].map((connectionId) => ({
      ...{ connectionId, providerRequestId: "theirs" },
    }));
    expect(calls).toEqual([
      ["connectionIdsOf", "cl_1", "linked-api"],
      ["findByProviderIds", ids],
      ["event", "ev_gone"],
      ["event", "ev_other"],
      ["event", "ev_own"],
    ]);
  });

  test("Without an event of the client there is nothing to show", async () => {
    const { requests } = setUp([{ eventId: "ev_other" }, { requestId: "rq_1" }]);
    expect(await requests.findByProviderId("cl_1", "linked-api", "theirs")).toBeUndefined();
  });
});

describe("A client's operations on a group and on an unknown outcome", () => {
  test("A group is counted with its expected end, and its requests are cancelled", async () => {
    const { requests, store, stored, clientId } = makeClientRequests();
    const scheduledMs = ms(3 * HOUR_SECONDS);
    const { requestId } = await store({ status: "SCHEDULED", scheduledMs, group: "g" });
    expect(await requests.groups.get(clientId, "g")).toMatchObject({
      ...{ total: 1, expectedAt: expect.any(String) },
    });
    expect(await requests.groups.cancel(clientId, "g")).toMatchObject({ cancelled: 1 });
    expect(await stored(requestId)).toMatchObject({ status: "CANCELLED" });
  });

  test("A person's resolution is stored, and the request is shown as it is then", async () => {
    const { requests, store, stored, clientId } = makeClientRequests();
    const { requestId } = await store({ status: "UNKNOWN", deadlineMs: ms(HOUR_SECONDS) });
    const view = await requests.resolve(clientId, requestId, { as: "submitted" });
    expect(view).toMatchObject({ requestId, status: "RUNNING", waitsFor: undefined });
    expect(await stored(requestId)).toMatchObject({ status: "RUNNING", version: 2 });
  });
});
