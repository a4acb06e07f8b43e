import { describe, expect, test } from "vitest";
import { Failure } from "../../shared/contracts/failures.ts";
import type { InboundMessage } from "../../shared/contracts/messages/inbound.ts";
import type { ProviderEvent } from "../../shared/core/events/provider-event.ts";
import type { LoadedWebhook } from "../../shared/core/inbound/load-webhook.ts";
import {
  type MatchWebhooksDeps,
  makeMatchWebhooks,
  toUnmatchedEvent,
} from "../../shared/core/inbound/match-webhooks.ts";
import type { AppliedUpdate } from "../../shared/core/requests/results/apply-provider-update.ts";
import type { BoundReference, Reference } from "../../shared/core/requests/state/ports.ts";
import type { RequestRecord } from "../../shared/core/requests/state/record.ts";

const nowRealMs = Date.UTC(2026, 5, 25, 12);
const traceparent = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`;
const down = new Failure("DEPENDENCY_DOWN", "throttled");

const webhookOf = (
  of: Partial<ProviderEvent> = {},
  message: Partial<InboundMessage> = {},
): LoadedWebhook => ({
  message: {
    ...{ v: 1, provider: "we-link", clientId: "cl_1", connectionId: "cn_1" },
    receivedAtMs: nowRealMs,
    ...message,
  },
  event: {
    ...{ type: "workflow.completed", providerObjectId: "pr-1" },
    data: { eventType: "UNKNOWN", providerRequestId: "pr-1", status: "completed" },
    ...of,
  },
  numbersAsText: false,
});

interface Given {
  reference?: Reference;
  submittingUntilRealMs?: number;
  /** Requests that are there; the update changes them unless it says so. */
  requests?: Record<string, Partial<AppliedUpdate>>;
  /** The request that the label of the webhook names. */
  labelled?: string;
  /** What the id was bound to after the lookup. */
  boundMeanwhile?: BoundReference;
  /** What the id referred to when it was bound by the label. */
  before?: Reference;
  isBindDown?: true;
  isTracing?: boolean;
  /** The queue takes no message. */
  requeueFails?: boolean;
}

function setUp({ requests = {}, submittingUntilRealMs = 0, ...given }: Given = {}) {
  const calls: unknown[][] = [];
  const noting =
    (name: string, answer?: unknown) =>
    async (...of: unknown[]) => {
      calls.push([name, ...of]);
      return answer;
    };
  const match = makeMatchWebhooks({
    references: {
      async findByProviderIds(ids: readonly object[]) {
        calls.push(["findByProviderIds", ids]);
        return ids.map(() => ({ reference: given.reference, submittingUntilRealMs }));
      },
      async bind(...of: unknown[]) {
        calls.push(["bind", ...of]);
        if (given.isBindDown) throw down;
        return given.before;
      },
      recordUnlessBound: noting("recordUnlessBound", given.boundMeanwhile),
    },
    async applyProviderUpdate(target: { requestId: string }, update: object) {
      calls.push(["apply", target, update]);
      if (target.requestId === "rq_down") throw new Failure("DEPENDENCY_DOWN", "no table");
      const applied = requests[target.requestId];
      if (applied === undefined) return undefined;
      const request = { requestId: target.requestId, traceparent };
      const flags = { hasPausedAccount: false, hasStoredUnclearReport: true };
      return { request, verdict: "applied", isChanged: true, ...flags, ...applied };
    },
    async publishOutboxes(updated: readonly { requestId: string }[]) {
      calls.push(["publish", updated.map(({ requestId }) => requestId)]);
      return { published: updated.length, failures: [] };
    },
    providerClients: { "we-link": { requestIdOf: () => given.labelled } },
    correlations: { recordEvent: noting("recordEvent"), findWatchers: async () => [] },
    requeueLater: given.requeueFails
      ? () => Promise.reject(new Failure("DEPENDENCY_DOWN", "no queue"))
      : noting("requeue"),
    context: () => ({ nowRealMs }),
    isTracing: given.isTracing,
  } as unknown as MatchWebhooksDeps);
  const named = (name: string) =>
    calls.filter(([one]) => one === name).map((call) => call.slice(1));
  return { match, named };
}

const id = { connectionId: "cn_1", providerRequestId: "pr-1" };
const matched = (requestId: string) => ({
  ...{ kind: "matched", requestId, traceparent, verdict: "applied" },
  ...{ hasPausedAccount: false, hasStoredUnclearReport: true },
});
const unmatched = (webhook: LoadedWebhook) => ({
  kind: "unmatched",
  event: toUnmatchedEvent(webhook),
});

describe("A webhook of a request made here", () => {
  const reference = { requestId: "rq_1" };

  test("It is applied to the request that its id is bound to, whose events are published", async () => {
    const { match, named } = setUp({ reference, requests: { rq_1: {} } });
    const webhook = webhookOf();
    expect(await match([webhook])).toStrictEqual({
      outcomes: [matched("rq_1")],
      outbox: { published: 1, failures: [] },
    });
    expect(named("findByProviderIds")).toStrictEqual([[[{ index: 0, ...id }]]]);
    expect(named("apply")).toStrictEqual([
      [
        { connectionId: "cn_1", requestId: "rq_1" },
        { event: webhook.event, numbersAsText: false, hasWaited: false },
      ],
    ]);
    expect([...named("bind"), ...named("requeue"), ...named("recordUnlessBound")]).toEqual([]);
  });

  test("Where a number is text, the webhook's bytes are applied too", async () => {
    const { match, named } = setUp({ reference, requests: { rq_1: {} } });
    const raw = Buffer.from("raw");
    await match([{ ...webhookOf(), numbersAsText: true, raw }]);
    expect(named("apply")[0]?.[1]).toMatchObject({ numbersAsText: true, raw });
  });

  test("A request that it does not change publishes nothing", async () => {
    const requests = { rq_1: { isChanged: false, verdict: "duplicate" as const } };
    const { match, named } = setUp({ reference, requests });
    const { outcomes } = await match([webhookOf()]);
    expect(outcomes).toStrictEqual([{ ...matched("rq_1"), verdict: "duplicate" }]);
    expect(named("publish")).toEqual([[[]]]);
  });

  test("One whose id is not bound yet is found by its label, and its id is bound then", async () => {
    const { match, named } = setUp({ labelled: "rq_2", requests: { rq_2: {} } });
    expect((await match([webhookOf()])).outcomes).toStrictEqual([matched("rq_2")]);
    expect(named("bind")).toStrictEqual([[{ ...id, requestId: "rq_2" }]]);
  });

  test("A label that names no request of the connection binds nothing", async () => {
    const { match, named } = setUp({ labelled: "rq_9" });
    const webhook = webhookOf();
    expect((await match([webhook])).outcomes).toStrictEqual([unmatched(webhook)]);
    expect(named("bind")).toEqual([]);
  });

  test("One that was bound to a request after the lookup is applied to it", async () => {
    const boundMeanwhile = { requestId: "rq_3" };
    const { match } = setUp({ boundMeanwhile, requests: { rq_3: {} } });
    expect((await match([webhookOf()])).outcomes).toStrictEqual([matched("rq_3")]);
  });

  const both = { requestId: "rq_1", eventId: "workflow.started:cn_1:pr-1" };

  test.each([
    ["looked up", { reference: both }],
    ["bound after the lookup", { boundMeanwhile: both }],
    ["bound by the label", { labelled: "rq_1", before: { eventId: both.eventId } }],
  ])(
    "One of an id that had unmatched events names the one that it may have been: %s",
    async (_, of) => {
      const { match, named } = setUp({ ...of, requests: { rq_1: {} } });
      const webhook = webhookOf();
      expect((await match([webhook])).outcomes).toStrictEqual([
        { ...matched("rq_1"), earlierEvent: toUnmatchedEvent(webhook) },
      ]);
      expect(named("publish")).toEqual([[["rq_1"]]]);
    },
  );

  test("One that fails keeps no other one of its batch from being matched", async () => {
    const { match, named } = setUp({ labelled: "rq_down", requests: { rq_1: {} } });
    const reply = webhookOf({ type: "message.reply", data: { eventType: "UNKNOWN" } });
    const { outcomes } = await match([webhookOf(), reply]);
    expect(outcomes).toStrictEqual([
      { kind: "failed", code: "DEPENDENCY_DOWN", detail: "no table" },
      unmatched(reply),
    ]);
    expect(named("publish")).toEqual([[[]]]);
  });
});

describe("A webhook that was applied before something else failed", () => {
  const reference = { requestId: "rq_1" };
  const failed = { kind: "failed", code: "DEPENDENCY_DOWN", detail: "throttled" };

  test("When its lane cannot be woken, it is received again, and what it did is told and published", async () => {
    const requests = { rq_1: { wakeError: down, verdict: "late" as const } };
    const both = { ...reference, eventId: "workflow.started:cn_1:pr-1" };
    const { match } = setUp({ reference: both, requests });
    expect(await match([webhookOf()])).toStrictEqual({
      outcomes: [{ ...failed, matched: { ...matched("rq_1"), verdict: "late" } }],
      outbox: { published: 1, failures: [] },
    });
  });

  test("When its id cannot be bound, it is received again, and what it did is told and published", async () => {
    const { match, named } = setUp({ labelled: "rq_1", requests: { rq_1: {} }, isBindDown: true });
    expect(await match([webhookOf()])).toStrictEqual({
      outcomes: [{ ...failed, matched: matched("rq_1") }],
      outbox: { published: 1, failures: [] },
    });
    expect(named("publish")).toEqual([[["rq_1"]]]);
  });
});

describe("A webhook of no request made here", () => {
  test("One that names no request is an event of its own, and nothing is looked up", async () => {
    const { match, named } = setUp({ labelled: "rq_1", requests: { rq_1: {} } });
    const webhook = webhookOf({ data: { eventType: "UNKNOWN" } });
    expect((await match([webhook])).outcomes).toStrictEqual([unmatched(webhook)]);
    expect(named("findByProviderIds")).toStrictEqual([[[]]]);
    expect([...named("apply"), ...named("recordUnlessBound")]).toEqual([]);
  });

  test.each([
    ["message.reply", false, 0],
    ["workflow.started", false, 1],
    ["event.unrecognised", false, 1],
    ["workflow.completed", true, 1],
  ] as const)("%s is recorded under its id, as final: %s", async (type, isFinal, lookedFor) => {
    const { match, named } = setUp({ labelled: "rq_9", reference: { eventId: "e:0" } });
    const webhook = webhookOf({ type });
    expect((await match([webhook])).outcomes).toStrictEqual([unmatched(webhook)]);
    const eventId = `${type}:cn_1:pr-1`;
    expect(named("recordUnlessBound")).toStrictEqual([[{ ...id, eventId, isFinal }]]);
    expect(named("apply")).toHaveLength(lookedFor);
  });

  test("While spans are recorded, its event begins a trace", async () => {
    const webhook = webhookOf();
    const { outcomes } = await setUp({ isTracing: true }).match([webhook]);
    const event = toUnmatchedEvent(webhook, { isTracing: true });
    expect(event.envelope).toContain("traceparent");
    expect(outcomes).toStrictEqual([{ kind: "unmatched", event }]);
  });
});

describe("A webhook that arrives while a submission may be running", () => {
  const until = nowRealMs + 20_000;

  test.each([
    ["the first time a second", 0, 1_000],
    ["the second time two", 1, 2_000],
    ["the fifth time sixteen", 4, 16_000],
    ["no longer than the submission may take", 5, 20_000],
  ])("It waits: %s", async (_, waits, delayMs) => {
    const { match, named } = setUp({ submittingUntilRealMs: nowRealMs + 99_000 });
    const message = waits === 0 ? {} : { waits, waitUntilRealMs: until };
    const webhook = webhookOf({}, message);
    const { outcomes } = await match([webhook]);
    expect(outcomes).toStrictEqual([{ kind: "waiting", connectionId: "cn_1" }]);
    const waitUntilRealMs = waits === 0 ? nowRealMs + 99_000 : until;
    const requeued = { ...webhook.message, waitUntilRealMs, waits: waits + 1 };
    expect(named("requeue")).toStrictEqual([[requeued, delayMs]]);
    expect(named("recordUnlessBound")).toEqual([]);
  });

  describe("While a person's input is being sent", () => {
    const sealedInput = "v1.k1.sealed";
    const request = { requestId: "rq_1", traceparent, sealedInput } as RequestRecord;
    const copy = { request, isChanged: false, verdict: "duplicate" } as const;
    const given = { reference: { requestId: "rq_1" }, submittingUntilRealMs: until };
    const prompt = webhookOf({ type: "workflow.actionRequired" });
    const told = { ...matched("rq_1"), verdict: "duplicate" };

    test("A prompt waits for the answer to the input that is being sent", async () => {
      const { match, named } = setUp({ ...given, requests: { rq_1: copy } });
      const waiting = { kind: "waiting", connectionId: "cn_1" };
      expect((await match([prompt])).outcomes).toStrictEqual([waiting]);
      expect(named("requeue")).toMatchObject([[{ waits: 1, waitUntilRealMs: until }, 1_000]]);
    });

    test("A prompt that is not clear waits too, and that it was kept is told at once", async () => {
      const requests = { rq_1: { ...copy, isChanged: true } };
      const { match, named } = setUp({ ...given, requests });
      expect((await match([prompt])).outcomes).toStrictEqual([told]);
      expect(named("requeue")).toHaveLength(1);
    });

    test("A prompt that cannot wait is received again, and what it changed is told at once", async () => {
      const requests = { rq_1: { ...copy, isChanged: true } };
      const { match, named } = setUp({ ...given, requests, requeueFails: true });
      expect((await match([prompt])).outcomes).toStrictEqual([
        { kind: "failed", code: "DEPENDENCY_DOWN", detail: "no queue", matched: told },
      ]);
      expect(named("publish")).toEqual([[["rq_1"]]]);
    });

    test("That it has waited is told with a prompt", async () => {
      const { match, named } = setUp({ ...given, requests: { rq_1: copy } });
      await match([{ ...prompt, message: { ...prompt.message, waits: 1, waitUntilRealMs: 1 } }]);
      expect(named("apply")[0]?.[1]).toMatchObject({ hasWaited: true });
    });

    test("A prompt waits no longer than the sending may take, and no other report waits", async () => {
      const over = setUp({ ...given, submittingUntilRealMs: 0, requests: { rq_1: copy } });
      expect((await over.match([prompt])).outcomes).toStrictEqual([told]);
      const { match, named } = setUp({ ...given, requests: { rq_1: copy } });
      expect((await match([webhookOf()])).outcomes).toStrictEqual([told]);
      expect([...over.named("requeue"), ...named("requeue")]).toEqual([]);
    });
  });

  test("In the last millisecond it waits once more, and then it is an event of its own", async () => {
    const last = setUp({ submittingUntilRealMs: nowRealMs + 1 });
    await last.match([webhookOf()]);
    expect(last.named("requeue")).toMatchObject([[{ waits: 1 }, 1]]);
    const { match, named } = setUp({ submittingUntilRealMs: nowRealMs });
    const webhook = webhookOf();
    expect((await match([webhook])).outcomes).toStrictEqual([unmatched(webhook)]);
    expect(named("requeue")).toEqual([]);
  });
});
