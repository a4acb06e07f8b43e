import { describe, expect, test } from "vitest";
import { Failure } from "../../shared/contracts/failures.ts";
import { MAX_SQS_DELAY_MS } from "../../shared/contracts/limits.ts";
import { requestKey } from "../../shared/core/providers/correlation.ts";
import {
  makeSettleDependent,
  type SettleDependentDeps,
} from "../../shared/core/requests/dependencies/settle-dependent.ts";
import type { FoundEvent } from "../../shared/core/requests/state/correlation-ports.ts";
import type { RequestStore } from "../../shared/core/requests/state/ports.ts";
import type { Dependency, RequestRecord } from "../../shared/core/requests/state/record.ts";
import { makeRequestWriter } from "../../shared/core/requests/state/request-writer.ts";
import { providerClients } from "../../shared/providers/provider-clients.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";
import { makeMemoryRequests } from "../support/memory/memory-requests.ts";
import { NOON_MS as nowMs } from "../support/noon.ts";
import { makeRequestParts } from "../support/payloads/request-parts.ts";
import { newOwner, requestRecord } from "../support/payloads/request-records.ts";
import { requestRules as rules } from "../support/payloads/request-rules.ts";

const HOUR_MS = 3_600_000;
const OVERDUE_MS = 90_000;
const owner = newOwner();
const { clientId, connectionId } = owner;
const noTable = new Failure("DEPENDENCY_DOWN", "no table");
/** The first request of the sequence, and the one that ours depends on. */
const first = requestRecord(owner, { status: "SUCCEEDED", correlationKeys: ["first"] });
const predecessor = requestRecord(owner, { status: "RUNNING", correlationKeys: ["person"] });
const dependsOn: Dependency = {
  ...{ requestId: predecessor.requestId, on: "succeeded", untilMs: nowMs + HOUR_MS, afterMs: 0 },
  ...{ eventSinceMs: nowMs - 9, unlessSinceMs: nowMs - 10, keys: ["person"] },
  ancestors: [predecessor.requestId, first.requestId],
};
const onEvent = { ...dependsOn, on: "event", event: "connection.accepted" } as const;
const onReply = { ...dependsOn, unless: "message.reply" } as const;
const succeeded = { status: "SUCCEEDED", finishedMs: nowMs - 5 } as const;

interface Given {
  /** The request itself; absent: it is not stored. */
  own?: Partial<RequestRecord>;
  /** What differs of the request that it depends on. */
  before?: Partial<RequestRecord>;
  /** The events of each type that are found. */
  events?: Record<string, FoundEvent[]>;
  /** Called when events are looked for: what happens after the first reads. */
  onLook?: (request: RequestRecord, store: RequestStore) => Promise<unknown>;
  down?: string[];
}

/** A dependent request and those before it, with stores that note what is watched and sent. */
async function setUp({ own, before = {}, events = {}, onLook, down = [] }: Given) {
  const clock = makeTestClock();
  const { requests } = makeMemoryRequests({ clock, retentionMs: 1e12 });
  const request = requestRecord(owner, { status: "SCHEDULED", dependsOn, ...own });
  const records = [first, { ...predecessor, ...before }, ...(own ? [request] : [])];
  for (const record of records) await requests.create(record);
  const calls: unknown[][] = [];
  const ignored: unknown[] = [];
  const noting =
    (name: string) =>
    async (...of: unknown[]) => {
      calls.push([name, ...of]);
      if (down.includes(name)) throw noTable;
    };
  const settle = makeSettleDependent({
    requests,
    writer: makeRequestWriter({ requests, texts: makeRequestParts(owner).texts }),
    correlations: {
      watch: noting("watch"),
      async findEvents({ type, keys, sinceMs }: { type: string; keys: string[]; sinceMs: number }) {
        calls.push(["findEvents", type, sinceMs, keys]);
        await onLook?.(request, requests);
        return events[type] ?? [];
      },
    },
    submitQueue: { send: noting("send") },
    providerClients,
    context: () => ({ nowMs, nowRealMs: nowMs, rules }),
    onNonFatalError: (error: unknown) => ignored.push(error),
  } as unknown as SettleDependentDeps);
  const find = async (requestId: string) => (await requests.find(requestId)) as RequestRecord;
  return {
    ...{ calls, ignored, request },
    settle: () => settle(request.requestId),
    stored: () => find(request.requestId),
    predecessorNow: () => find(predecessor.requestId),
    named: (name: string) => calls.filter(([one]) => one === name),
  };
}

describe("A request that is not settled", () => {
  test.each([
    ["is not stored", undefined],
    ["depends on none", { dependsOn: undefined }],
    ["has been sent", { status: "RUNNING", dependsOn: onReply }],
    ["waits for its turn, and that no event stops", { status: "QUEUED" }],
    ["was released, and that no event stops", { scheduledMs: nowMs }],
  ] as [string, Partial<RequestRecord> | undefined][])(
    "Nothing is done for one that %s",
    async (_, own) => {
      const { settle, calls, predecessorNow } = await setUp(own ? { own } : {});
      expect(await settle()).toBeUndefined();
      expect(calls).toEqual([]);
      expect(await predecessorNow()).toEqual(predecessor);
    },
  );
});

describe("The registration of a waiting request", () => {
  test("The request that it depends on knows it from then on, behind those that it knew", async () => {
    const { settle, request, predecessorNow } = await setUp({
      own: {},
      before: { dependents: ["rq_other"] },
    });
    await settle();
    expect((await predecessorNow()).dependents).toEqual(["rq_other", request.requestId]);
  });

  test("It is registered once", async () => {
    const { settle, request, predecessorNow } = await setUp({ own: {} });
    await settle();
    await settle();
    expect(await predecessorNow()).toMatchObject({ dependents: [request.requestId], version: 2 });
  });

  test("A request that has ended knows nobody", async () => {
    const { settle, predecessorNow } = await setUp({ own: {}, before: succeeded });
    await settle();
    expect(await predecessorNow()).toEqual({ ...predecessor, ...succeeded });
  });

  test("A request that waits for its turn is not registered", async () => {
    const own = { status: "QUEUED", dependsOn: onReply } as const;
    const { settle, predecessorNow } = await setUp({ own });
    expect(await settle()).toBeUndefined();
    expect(await predecessorNow()).toEqual(predecessor);
  });
});

describe("The keys by which events are found", () => {
  const before = { providerRequestId: "theirs", correlationKeys: ["person"] };
  const keys = ["person", requestKey("theirs"), "first"];

  test.each([
    ["waits for one", onEvent],
    ["is stopped by one", onReply],
  ])("Keys that have become known are watched and stored, for a request that %s", async (_, of) => {
    const { settle, named, request, stored } = await setUp({ own: { dependsOn: of }, before });
    expect(await settle()).toEqual(await stored());
    expect((await stored()).dependsOn).toStrictEqual({ ...of, keys });
    const untilMs = of.untilMs + rules.queueTimeoutMs + rules.retentionMs;
    const watched = { connectionId, requestId: request.requestId, keys: keys.slice(1), untilMs };
    expect(named("watch")).toEqual([["watch", watched]]);
    expect(named("send")).toEqual([]);
  });

  test("They are watched before events are looked for, which counts from each time", async () => {
    const of = { ...onEvent, unless: "message.reply" } as const;
    const { settle, calls } = await setUp({ own: { dependsOn: of }, before });
    await settle();
    expect(calls.map(([name]) => name)).toEqual(["watch", "findEvents", "findEvents"]);
    expect(calls.slice(1)).toEqual([
      ["findEvents", "connection.accepted", nowMs - 9, keys],
      ["findEvents", "message.reply", nowMs - 10, keys],
    ]);
  });

  test("They are stored and not watched for a request that no event concerns", async () => {
    const { settle, calls, stored } = await setUp({ own: {}, before });
    await settle();
    expect((await stored()).dependsOn?.keys).toEqual(keys);
    expect(calls).toEqual([]);
  });

  test("Keys that are known, also as the request's own, are not watched again, and nothing is written", async () => {
    const own = { dependsOn: onEvent, correlationKeys: ["first"] };
    const { settle, named, request, stored } = await setUp({ own });
    expect(await settle()).toBeUndefined();
    expect(named("watch")).toEqual([]);
    expect(await stored()).toEqual(request);
  });

  test("A request that is gone has no keys", async () => {
    const ancestors = ["rq_gone", "rq_older"];
    const own = { dependsOn: { ...onEvent, requestId: "rq_gone", ancestors } };
    const { settle, named } = await setUp({ own });
    expect(await settle()).toBeUndefined();
    expect(named("findEvents")).toEqual([
      ["findEvents", "connection.accepted", nowMs - 9, ["person"]],
    ]);
  });

  test("Where they cannot be watched, nothing is decided", async () => {
    const own = { dependsOn: onEvent };
    const { settle, named, stored, request } = await setUp({ own, before, down: ["watch"] });
    await expect(settle()).rejects.toBe(noTable);
    expect(named("findEvents")).toEqual([]);
    expect(await stored()).toEqual(request);
  });
});

describe("The release of a waiting request", () => {
  const metMs = nowMs - 5;
  const dueMessage = ({ requestId }: RequestRecord, delayMs: number) => [
    "send",
    { v: 1, kind: "due", requestId },
    { delayMs, clientId },
  ];

  test("A success releases it, from its own acceptance on at the earliest, by a message", async () => {
    const own = { createdMs: nowMs - 2 };
    const { settle, request, stored, named } = await setUp({ own, before: succeeded });
    expect(await settle()).toEqual(await stored());
    expect(await stored()).toMatchObject({
      ...{ status: "SCHEDULED", scheduledMs: nowMs - 2, dueMs: nowMs - 2 + OVERDUE_MS },
      dependsOn: { ...dependsOn, keys: ["person", "first"], metMs },
    });
    expect(named("send")).toEqual([dueMessage(request, 0)]);
  });

  test("Its delay counts from the time at which the condition was met", async () => {
    const afterMs = 65_000;
    const own = { createdMs: nowMs - 10, dependsOn: { ...dependsOn, afterMs } };
    const { settle, request, named } = await setUp({ own, before: succeeded });
    const scheduledMs = metMs + afterMs;
    expect(await settle()).toMatchObject({ scheduledMs, dueMs: scheduledMs + OVERDUE_MS });
    expect(named("send")).toEqual([dueMessage(request, 64_995)]);
  });

  test("The first event of its account releases it", async () => {
    const own = { createdMs: 0, dependsOn: onEvent };
    const received = [{ receivedMs: nowMs - 3 }, { receivedMs: nowMs - 4 }];
    const events = { "connection.accepted": received };
    const { settle } = await setUp({ own, events });
    expect(await settle()).toMatchObject({
      ...{ scheduledMs: nowMs - 4, dependsOn: { metMs: nowMs - 4 } },
    });
  });

  test.each([
    ["as long as a message can be delayed", 0, 1, OVERDUE_MS],
    ["longer than a message can be delayed", 1, 0, 0],
  ])(
    "A request whose time is %s away is joined by that message or by the sweep",
    async (_, more, messages, graceMs) => {
      const afterMs = MAX_SQS_DELAY_MS + 5 + more;
      const own = { createdMs: 0, dependsOn: { ...dependsOn, afterMs } };
      const { settle, request, named } = await setUp({ own, before: succeeded });
      const scheduledMs = nowMs + MAX_SQS_DELAY_MS + more;
      expect(await settle()).toMatchObject({ scheduledMs, dueMs: scheduledMs + graceMs });
      const sent = Array.from({ length: messages }, () => dueMessage(request, MAX_SQS_DELAY_MS));
      expect(named("send")).toEqual(sent);
    },
  );

  test("It is released although its message cannot be sent, which is reported", async () => {
    const { settle, ignored } = await setUp({ own: {}, before: succeeded, down: ["send"] });
    expect(await settle()).toMatchObject({ status: "SCHEDULED", dependsOn: { metMs } });
    expect(ignored).toEqual([noTable]);
  });

  test("A request that was cancelled meanwhile stays as it is", async () => {
    const { settle, stored, named } = await setUp({
      own: { dependsOn: onEvent },
      events: { "connection.accepted": [{ receivedMs: metMs }] },
      onLook: (now, store) => store.replace({ ...now, status: "CANCELLED" }),
    });
    expect(await settle()).toBeUndefined();
    expect(await stored()).toMatchObject({ status: "CANCELLED", version: 2 });
    expect(named("send")).toEqual([]);
  });
});

describe("The end of a dependent request", () => {
  test("It ends with what it depends on, by an event, and no message is sent", async () => {
    const { settle, stored, request, named } = await setUp({
      own: {},
      before: { status: "FAILED", finishedMs: nowMs },
    });
    expect(await settle()).toEqual(await stored());
    expect(await stored()).toMatchObject({
      status: "FAILED",
      error: {
        code: "DEPENDENCY_FAILED",
        message: "The request that this one depends on ended FAILED: this one was not sent",
      },
      outbox: [{ id: `workflow.completed:${request.requestId}` }],
    });
    expect(named("send")).toEqual([]);
  });

  const stopped = { "message.reply": [{ receivedMs: nowMs - 1 }] };
  test.each([
    ["waits for another one", { status: "SCHEDULED" }],
    ["waits for its time", { status: "SCHEDULED", scheduledMs: nowMs + 1 }],
    ["waits for its turn", { status: "QUEUED", scheduledMs: nowMs - 1 }],
  ] as const)("A reply ends a request that %s", async (_, of) => {
    const own = { ...of, dependsOn: onReply };
    const { settle, named } = await setUp({ own, events: stopped });
    const error = { code: "DEPENDENCY_STOPPED" };
    expect(await settle()).toMatchObject({ status: "FAILED", error });
    expect(named("send")).toEqual([]);
  });

  test("Without a reply, a request that waits for its turn stays as it is", async () => {
    const own = { status: "QUEUED", scheduledMs: nowMs - 1, dependsOn: onReply } as const;
    const { settle, stored, request } = await setUp({ own });
    expect(await settle()).toBeUndefined();
    expect(await stored()).toEqual(request);
  });

  test("A reply does not end a request that was sent meanwhile", async () => {
    const { settle, stored } = await setUp({
      own: { status: "QUEUED", dependsOn: onReply },
      events: stopped,
      onLook: (now, store) => store.replace({ ...now, status: "SUBMITTING" }),
    });
    expect(await settle()).toBeUndefined();
    expect((await stored()).status).toBe("SUBMITTING");
  });
});
