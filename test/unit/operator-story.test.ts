import { describe, expect, test } from "vitest";
import type { StepView } from "../../shared/contracts/http/operator/find.ts";
import {
  inOrder,
  stepsOfDelivery,
  stepsOfEvent,
  stepsOfRequest,
  stepsOfWebhooks,
} from "../../shared/core/operator/story.ts";
import type { Dependency, RequestRecord } from "../../shared/core/requests/state/record.ts";
import { iso, ms } from "../support/noon.ts";
import { deliveryRecord, webhookRecord } from "../support/payloads/delivery-records.ts";
import { newOwner, requestRecord } from "../support/payloads/request-records.ts";

const request = (of: Partial<RequestRecord> = {}) =>
  requestRecord(newOwner(), { createdMs: ms(0), ...of });

describe("The story of a request", () => {
  const wait = { waitsFor: "account_paused", reason: "The account is paused." } as const;
  const stepsOfKind = (of: Partial<RequestRecord>, kind: StepView["kind"]) =>
    stepsOfRequest(request(of), undefined).filter((step) => step.kind === kind);

  test("A request of which nothing else is known was accepted", () => {
    const one = request();
    const about = { id: one.requestId, idKind: "request" };
    expect(stepsOfRequest(one, undefined)).toStrictEqual([
      { at: iso(0), kind: "accepted", title: "invite was accepted", ...about },
    ]);
  });

  test("A request that has succeeded has a step for each of its times, and waits for nothing", () => {
    const one = request({
      ...{ status: "SUCCEEDED", scheduledMs: ms(1), joinedMs: ms(2), takenMs: ms(3) },
      ...{ submittedMs: ms(4), providerRequestId: "req-1" },
      ...{ finishedMs: ms(5), outcomeDigest: "digest" },
    });
    expect(stepsOfRequest(one, wait).slice(1)).toStrictEqual([
      { at: iso(1), kind: "scheduled", title: "It was due" },
      { at: iso(2), kind: "joined", title: "It joined its account's lane" },
      { at: iso(3), kind: "sent", title: "It was sent to the provider" },
      {
        ...{ at: iso(4), kind: "answered", title: "The provider took it" },
        detail: "It is req-1 there.",
      },
      {
        ...{ at: iso(5), kind: "webhook" },
        title: "The provider reported the result, by webhook or when it was asked",
      },
      { at: iso(5), kind: "ended", title: "It ended SUCCEEDED" },
    ]);
  });

  test("A request that the provider took without an id of its own has no detail of it", () => {
    expect(stepsOfKind({ submittedMs: ms(4) }, "answered")).toStrictEqual([
      { at: iso(4), kind: "answered", title: "The provider took it" },
    ]);
  });

  test.each<[Partial<RequestRecord>, object]>([
    [
      { status: "FAILED", error: { code: "TIMED_OUT", message: "No result came" } },
      { title: "It ended FAILED", detail: "TIMED_OUT: No result came", isFailure: true },
    ],
    [{ status: "FAILED" }, { title: "It ended FAILED", isFailure: true }],
    [{ status: "CANCELLED" }, { title: "It ended CANCELLED" }],
  ])("A request that ended as %j without a report of the provider has the end %j", (of, end) => {
    const steps = stepsOfRequest(request({ ...of, finishedMs: ms(5) }), undefined);
    expect(steps.slice(1)).toStrictEqual([{ at: iso(5), kind: "ended", ...end }]);
  });

  test.each<[Partial<RequestRecord>, object]>([
    [{ status: "SCHEDULED" }, { title: "It is due", isFuture: true }],
    [{ status: "QUEUED" }, { title: "It was due" }],
    [{ status: "SCHEDULED", joinedMs: ms(9) }, { title: "It was due" }],
  ])("A scheduled request with %j has the step %j", (of, step) => {
    expect(stepsOfKind({ ...of, scheduledMs: ms(8) }, "scheduled")).toStrictEqual([
      { at: iso(8), kind: "scheduled", ...step },
    ]);
  });

  const dependsOn: Dependency = {
    ...{ requestId: "rq_before", on: "succeeded", untilMs: ms(9), afterMs: 0 },
    ...{ eventSinceMs: ms(0), unlessSinceMs: ms(0), ancestors: [], keys: [] },
  };

  test("A request waits for another one until its condition is met, which then has a time", () => {
    const other = { id: "rq_before", idKind: "request" };
    expect(stepsOfKind({ dependsOn }, "waits")).toStrictEqual([
      {
        ...{ kind: "waits", title: "It waits for another request" },
        ...{ detail: "Until rq_before succeeds.", ...other },
      },
    ]);
    const met: Dependency = { ...dependsOn, on: "event", event: "message.reply", metMs: ms(6) };
    expect(stepsOfKind({ dependsOn: met }, "waits")).toStrictEqual([
      {
        ...{ at: iso(6), kind: "waits", title: "What it depended on happened" },
        ...{ detail: "Until rq_before causes an event.", ...other },
      },
    ]);
  });

  test("A request that has ended waits no more for another one, or for its time", () => {
    const ended: Partial<RequestRecord> = { status: "CANCELLED", finishedMs: ms(5) };
    expect(stepsOfKind({ ...ended, dependsOn }, "waits")).toMatchObject([
      { at: iso(0), title: "It waited for another request" },
    ]);
    expect(stepsOfKind({ ...ended, scheduledMs: ms(6) }, "scheduled")).toStrictEqual([
      { at: iso(0), kind: "scheduled", title: `It was scheduled for ${iso(6)}` },
    ]);
    expect(stepsOfKind({ ...ended, scheduledMs: ms(5) }, "scheduled")).toStrictEqual([
      { at: iso(5), kind: "scheduled", title: "It was due" },
    ]);
  });

  test("Each report of the provider that was not clear is a failure in the story", () => {
    const report = { body: "{}", digest: "d" };
    const unclearReports = [
      { ...report, kind: "contradictory", source: "webhook", atMs: ms(1) } as const,
      { ...report, kind: "unrecognised", source: "answer", atMs: ms(2) } as const,
    ];
    const note = { kind: "note", isFailure: true };
    expect(stepsOfKind({ unclearReports }, "note")).toStrictEqual([
      { at: iso(1), title: "The provider's webhook was contradictory", ...note },
      { at: iso(2), title: "The provider's answer was unrecognised", ...note },
    ]);
  });

  test.each<[Partial<RequestRecord>, { position?: number }, string]>([
    [{ attempts: 0 }, {}, ""],
    [{ attempts: 0 }, { position: 3 }, " It is number 3."],
    [{ attempts: 2 }, { position: 3 }, " It is number 3. It was tried 2 times."],
    [{ attempts: 1 }, {}, " It was tried once."],
    [{ attempts: 2, status: "SUBMITTING" }, {}, ""],
  ])("What a request with %j waits for is told with %j as its reason and %j", (of, where, more) => {
    expect(stepsOfRequest(request(of), { ...wait, ...where }).slice(1)).toStrictEqual([
      {
        ...{ kind: "waits", title: "It waits: account paused" },
        detail: `The account is paused.${more}`,
      },
    ]);
  });

  test("When a request is expected to be sent is its last step", () => {
    const expected = { ...wait, expectedMs: ms(30) };
    expect(stepsOfRequest(request(), expected).slice(2)).toStrictEqual([
      { at: iso(30), kind: "sent", title: "It is expected to be sent", isFuture: true },
    ]);
  });
});

describe("The story of an event", () => {
  const event = (id: string, of: object = {}) => {
    const [type] = id.split(":");
    const envelope = JSON.stringify({ id, type, createdAt: iso(1), data: {}, ...of });
    return { id, clientId: "cl_1", envelope, listedAs: `${iso(3)}#${id}`, publishedAt: iso(4) };
  };

  test("An event of a request happened and was published, and no webhook is named", () => {
    // A part after the second is no connection.
    const id = "workflow.completed:rq_1:cn_1";
    const about = { kind: "event", id, idKind: "event" };
    expect(stepsOfEvent(event(id))).toStrictEqual([
      { at: iso(1), title: "workflow.completed happened", ...about },
      { at: iso(4), title: "workflow.completed was published", ...about },
    ]);
  });

  test("A webhook reported an event of a connection, when it was received", () => {
    const id = "message.reply:cn_1:m1";
    const about = { id, idKind: "event" };
    expect(stepsOfEvent(event(id))).toStrictEqual([
      { at: iso(3), kind: "webhook", title: "A webhook reported it", ...about },
      { at: iso(1), kind: "event", title: "message.reply happened", ...about },
      { at: iso(4), kind: "event", title: "message.reply was published", ...about },
    ]);
    const { listedAs: _, ...unlisted } = event(id);
    expect(stepsOfEvent(unlisted).map(({ kind }) => kind)).toEqual(["event", "event"]);
  });

  test("An event without times happened, and is not known to be published yet", () => {
    const id = "workflow.created:rq_1";
    const { publishedAt: _, ...unpublished } = event(id, { createdAt: 1 });
    const about = { kind: "event", id, idKind: "event" };
    expect(stepsOfEvent(unpublished)).toStrictEqual([
      { title: "workflow.created happened", ...about },
      { title: "It is not known to be published yet", ...about, isFuture: true },
    ]);
  });
});

describe("The story of a delivery", () => {
  const about = { id: "dl_1", idKind: "delivery" };
  const attempt = (n: number, of: object) => ({
    ...{ cycle: 1, attemptNumber: n, atMs: ms(n), durationMs: 12.4 },
    ...of,
  });
  const stepsOf = (of: Parameters<typeof deliveryRecord>[0]) =>
    stepsOfDelivery(deliveryRecord({ deliveryId: "dl_1", createdMs: ms(0), ...of }));
  const none = { status: "delivering", nextMs: undefined } as const;

  test("Every attempt has its answer, and each but one with a status below 300 is a failure", () => {
    const attemptHistory = [
      attempt(1, { error: "TIMEOUT" }),
      attempt(2, { httpStatus: 300, bodyStart: "gone", durationMs: 12.5 }),
      attempt(3, { httpStatus: 299 }),
    ];
    const of = { kind: "attempt", ...about };
    const failed = { ...of, isFailure: true };
    expect(stepsOf({ ...none, attemptHistory })).toStrictEqual([
      { at: iso(0), kind: "delivery", title: "workflow.created is to be delivered", ...about },
      { at: iso(1), title: "Attempt 1: TIMEOUT", detail: "12 ms", ...failed },
      { at: iso(2), title: "Attempt 2: HTTP 300", detail: "13 ms: gone", ...failed },
      { at: iso(3), title: "Attempt 3: HTTP 299", detail: "12 ms", ...of },
    ]);
  });

  test("The next attempt of a delivery that waits is due, although it had ended before", () => {
    const next = { at: iso(9), kind: "attempt", title: "The next attempt is due", ...about };
    const due = { status: "waiting", nextMs: ms(9), endedMs: ms(5) } as const;
    expect(stepsOf(due).slice(1)).toStrictEqual([{ ...next, isFuture: true }]);
  });

  test.each<Parameters<typeof deliveryRecord>[0]>([
    { status: "waiting", nextMs: undefined },
    { status: "delivering", nextMs: ms(9) },
  ])("A delivery with %j has neither a next attempt nor an end", (of) => {
    expect(stepsOf(of).slice(1)).toStrictEqual([]);
  });

  test.each<[Parameters<typeof deliveryRecord>[0], object]>([
    [{ status: "delivered" }, { title: "The delivery is delivered" }],
    [{ status: "cancelled" }, { title: "The delivery is cancelled" }],
    [
      { status: "failed", reason: "attempts_used" },
      { title: "The delivery is failed (attempts_used)", isFailure: true },
    ],
  ])("A delivery that ended as %j has the end %j", (of, end) => {
    expect(stepsOf({ ...of, endedMs: ms(5) }).slice(1)).toStrictEqual([
      { at: iso(5), kind: "ended", ...about, ...end },
    ]);
  });
});

describe("The webhooks in the story of their deliveries", () => {
  const about = { id: "wh_1", idKind: "webhook" };
  const disabled = {
    ...{ at: iso(5), kind: "paused", title: "The client's webhook was disabled" },
    ...{ ...about, isFailure: true },
  };
  const deleted = { kind: "note", title: "The client's webhook is deleted", ...about };
  const disabledAt = iso(5);
  const delivery = (of: Parameters<typeof deliveryRecord>[0]) =>
    deliveryRecord({ webhookId: "wh_1", createdMs: ms(0), ...of });
  const failedAt = (seconds: number) => delivery({ status: "failed", endedMs: ms(seconds) });
  const webhook = (of: Parameters<typeof webhookRecord>[0]) =>
    webhookRecord({ webhookId: "wh_1", ...of });

  test("A webhook that was disabled before its deliveries ended is told once, with the reason", () => {
    const gone = webhook({ status: "disabled", disabledAt, disabledReason: "gone" });
    expect(stepsOfWebhooks([failedAt(6), failedAt(7)], gone)).toStrictEqual([
      { ...disabled, detail: "gone" },
    ]);
  });

  test.each<["told" | "not told", string, Parameters<typeof deliveryRecord>[0]]>([
    ["not told", "ended before that", { status: "failed", endedMs: ms(4) }],
    ["told", "ended at that time", { status: "failed", endedMs: ms(5) }],
    ["told", "ended at a time that is not stored", { status: "failed" }],
    ["told", "has not ended", { status: "waiting" }],
    ["told", "waits after an earlier end", { status: "waiting", endedMs: ms(4) }],
  ])("That a webhook was disabled is %s of a delivery that %s", (told, _, of) => {
    const now = webhook({ status: "disabled", disabledAt });
    expect(stepsOfWebhooks([delivery(of)], now)).toStrictEqual(told === "told" ? [disabled] : []);
  });

  test("That a webhook is deleted is told while a delivery waits, and later by the reason of its end", () => {
    const now = webhook({ status: "deleted" });
    const cancelled = delivery({ status: "cancelled", reason: "webhook_deleted", endedMs: ms(6) });
    expect(stepsOfWebhooks([cancelled], now)).toStrictEqual([]);
    expect(stepsOfWebhooks([cancelled, delivery({})], now)).toStrictEqual([deleted]);
  });

  test("A webhook that was disabled and then deleted tells both of a delivery that waits", () => {
    const now = webhook({ status: "deleted", disabledAt });
    expect(stepsOfWebhooks([delivery({})], now)).toStrictEqual([disabled, deleted]);
  });

  test("An earlier webhook tells what became of it, and not what became of the current one", () => {
    const earlier = { webhookId: "wh_1", status: "disabled", disabledAt } as const;
    const of = { webhookId: "wh_2", status: "disabled", disabledAt: iso(6) } as const;
    const now = webhook({ ...of, previousWebhooks: [earlier] });
    expect(stepsOfWebhooks([failedAt(7)], now)).toStrictEqual([disabled]);
  });

  test("A webhook that is active, or is not stored, tells nothing", () => {
    expect(stepsOfWebhooks([failedAt(6), delivery({})], webhook({}))).toStrictEqual([]);
    expect(stepsOfWebhooks([failedAt(6), delivery({})], undefined)).toStrictEqual([]);
  });
});

test("A story is told oldest first, what has no time is now, and what is to happen comes last", () => {
  const step = (title: string, of: Omit<StepView, "kind" | "title"> = {}): StepView => ({
    ...{ kind: "note", title },
    ...of,
  });
  const steps = [
    step("soon", { at: iso(10), isFuture: true }),
    step("overdue", { at: iso(3), isFuture: true }),
    step("no time"),
    step("now", { at: iso(5) }),
    step("first", { at: iso(1) }),
    step("before", { at: iso(4) }),
  ];
  const titles = (all: readonly StepView[]) => all.map(({ title }) => title);
  const given = titles(steps);
  const told = ["first", "before", "no time", "now", "overdue", "soon"];
  expect(titles(inOrder(steps, ms(5)))).toEqual(told);
  expect(titles(steps)).toEqual(given);
});
