import { describe, expect, test } from "vitest";
import type { ProviderId } from "../../shared/contracts/providers.ts";
import { providerPacks } from "../../shared/contracts/providers.ts";
import type { DecisionContext } from "../../shared/core/requests/state/decision-context.ts";
import {
  type ProviderUpdate,
  type UpdateResult,
  withProviderUpdate,
} from "../../shared/core/requests/state/provider-update.ts";
import type { RequestRecord } from "../../shared/core/requests/state/record.ts";
import { providerClients } from "../../shared/providers/provider-clients.ts";
import { type ProviderReport, webhookBody } from "../support/payloads/provider-payloads.ts";
import { newOwner, requestRecord } from "../support/payloads/request-records.ts";
import { requestRules } from "../support/payloads/request-rules.ts";
import { webhookOf } from "../support/payloads/webhooks.ts";

const MINUTE_MS = 60_000;
const nowMs = Date.UTC(2026, 5, 25, 12, 10);
const context: DecisionContext = { nowMs, nowRealMs: nowMs, rules: requestRules };

const sealed = { sealedParams: "v1.k1.sealed" };
const submitted = { submittedMs: nowMs - MINUTE_MS, providerRequestId: "theirs-1" };
const deadlineMs = nowMs + 60 * MINUTE_MS;

/** Requests in each state, with the fields that an update reads. */
const states = {
  queued: { status: "QUEUED", ...sealed },
  sending: { status: "SUBMITTING", owner: "worker", ...sealed },
  running: { status: "RUNNING", isStarted: true, ...submitted },
  unstarted: { status: "RUNNING", ...submitted },
  unknown: { status: "UNKNOWN", ...sealed },
  prompted: { status: "ACTION_REQUIRED", prompts: [digestOf("prompt")], ...submitted },
  "sending an input": {
    status: "SUBMITTING",
    prompts: [digestOf("prompt")],
    sealedInput: "v1.k1.sealed",
    ...submitted,
  },
  answered: {
    status: "RUNNING",
    deadlineMs,
    prompts: [digestOf("prompt")],
    isStarted: true,
    ...submitted,
  },
  cancelled: { status: "CANCELLED", finishedMs: nowMs - MINUTE_MS },
  "timed out": {
    status: "FAILED",
    error: { code: "RESULT_TIMEOUT", message: "none came" },
    finishedMs: nowMs - MINUTE_MS,
    ...submitted,
  },
} as const satisfies Record<string, Partial<RequestRecord>>;

type State = keyof typeof states;

function updateEvent(provider: ProviderId, report: ProviderReport): ProviderUpdate["event"] {
  return providerPacks[provider].parseWebhook(webhookOf(webhookBody(provider, report) ?? {}));
}

function digestOf(report: ProviderReport): string {
  return updateEvent("we-link", report).discriminator ?? "";
}

function apply(
  state: State,
  report: ProviderReport,
  of: {
    provider?: ProviderId;
    action?: string;
    isCurrentState?: boolean;
    hasWaited?: boolean;
  } = {},
): UpdateResult {
  const { provider = "we-link", action = "login_v2" } = of;
  const { isCurrentState = false, hasWaited = false } = of;
  const request = requestRecord(newOwner({ provider }), { action, ...states[state] });
  const update = { event: updateEvent(provider, report), isCurrentState, hasWaited };
  return withProviderUpdate(request, update, context, providerClients[provider]);
}

test.each([true, false])(
  "a polled request says whether numbers of its result are text (%s), as its event does",
  (numbersAsText) => {
    const request = requestRecord(newOwner({ provider: "we-link" }), { ...states.running });
    const event = updateEvent("we-link", "success");
    const data = { ...event.data, result: { n: "9223372036854775808" } };
    const update = { event: { ...event, data }, isCurrentState: false, numbersAsText };
    const { request: ended } = withProviderUpdate(
      request,
      update,
      context,
      providerClients["we-link"],
    );
    expect(ended.numbersAsText).toBe(numbersAsText || undefined);
    expect(JSON.stringify(ended.outbox.at(-1)).includes('\\"numbersAsText\\":true')).toBe(
      numbersAsText,
    );
  },
);

/** Types of the events that the update added to the outbox. */
const eventTypes = ({ request }: UpdateResult) => request.outbox.map(({ type }) => type);

/** The data of the event of that type. */
function eventData({ request }: UpdateResult, type: string): Record<string, unknown> {
  const [entry] = request.outbox.filter((one) => one.type === type);
  const { envelope } = entry ?? {};
  const { data } = JSON.parse(envelope && "inline" in envelope ? envelope.inline : "{}") as {
    data: Record<string, unknown>;
  };
  return data;
}

describe("a reported result", () => {
  test.each<State>([
    ...(["queued", "sending", "running", "unknown", "prompted", "sending an input"] as const),
  ])("a result ends a request that is %s and erases its secrets", (state) => {
    const applied = apply(state, "success");
    expect(applied.verdict).toBe("applied");
    expect(eventTypes(applied)).toEqual(["workflow.completed"]);
    const { request } = applied;
    expect(request).toMatchObject({
      status: "SUCCEEDED",
      finishedMs: nowMs,
      providerRequestId: "theirs-1",
      result: { inline: '{"connected":true}' },
      laneState: undefined,
      owner: undefined,
    });
    expect([request.params, request.sealedParams, request.sealedInput]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    const { requestId } = request;
    const data = { requestId, workflowId: requestId, status: "completed" };
    expect(eventData(applied, "workflow.completed")).toMatchObject(data);
  });

  test("a failure gives its code and the event name of the specification", () => {
    const applied = apply("running", "WRONG_PASSWORD");
    expect(applied.request).toMatchObject({ status: "FAILED", error: { code: "WRONG_PASSWORD" } });
    expect(eventData(applied, "workflow.completed")).toMatchObject({
      status: "failed",
      eventType: "LOGIN_FAILED",
      error: applied.request.error,
    });
  });

  test("the same result again is a duplicate, by webhook and by poll", () => {
    const { request } = apply("running", "success");
    for (const isCurrentState of [false, true]) {
      const update = { event: updateEvent("we-link", "success"), isCurrentState };
      const again = withProviderUpdate(request, update, context, providerClients["we-link"]);
      expect(again).toEqual({ request, verdict: "duplicate" });
    }
  });

  test("another result of an ended request is stored and told once, and changes nothing else", () => {
    const { request } = apply("running", "success");
    const other = { event: updateEvent("we-link", "WRONG_PASSWORD") };
    const late = withProviderUpdate(request, other, context, providerClients["we-link"]);
    const { lateResult, ...rest } = late.request;
    expect(late.verdict).toBe("late");
    expect(rest).toMatchObject({ status: "SUCCEEDED", result: request.result });
    expect(eventTypes(late)).toEqual(["workflow.completed", "workflow.lateResult"]);
    const { requestId, accountId } = request;
    const subject = { requestId, workflowId: requestId, accountId, eventType: "LOGIN_FAILED" };
    expect(eventData(late, "workflow.lateResult")).toMatchObject({
      ...subject,
      status: "failed",
      error: { code: "WRONG_PASSWORD" },
    });
    expect(lateResult).toEqual({ inline: expect.stringContaining("WRONG_PASSWORD") });
    const again = withProviderUpdate(late.request, other, context, providerClients["we-link"]);
    expect(again).toEqual({ request: late.request, verdict: "duplicate" });
  });

  test("each later outcome is told with an id of its own, after the end, up to the ten that are kept", () => {
    const of = (n: number) => {
      const event = updateEvent("we-link", "success");
      return { event: { ...event, data: { ...event.data, result: { n } } } };
    };
    let { request } = apply("timed out", "success");
    for (let n = 0; n < 12; n++) {
      for (const update of [of(n), of(n)]) {
        ({ request } = withProviderUpdate(request, update, context, providerClients["we-link"]));
      }
    }
    const ids = request.outbox.map(({ id }) => id);
    const expected = Array.from({ length: 10 }, (_, n) => n + 1);
    expect(ids).toEqual(expected.map((n) => `workflow.lateResult:${request.requestId}:${n}`));
    const times = request.outbox.map(({ envelope }) =>
      Date.parse(JSON.parse("inline" in envelope ? envelope.inline : "").createdAt),
    );
    expect(times).toEqual([...new Set(times)].sort((one, other) => one - other));
  });

  test.each<[State, string[]]>([
    ["cancelled", []],
    ["timed out", ["workflow.lateResult"]],
  ])(
    "a result of a request that was %s is stored as lateResult, and told by %j",
    (state, types) => {
      const late = apply(state, "success");
      expect([late.verdict, eventTypes(late)]).toEqual(["late", types]);
      const { status, error } = late.request;
      const before: Partial<RequestRecord> = states[state];
      expect([status, error]).toEqual([before.status, before.error]);
      expect(late.request).not.toHaveProperty("result");
      expect(late.request.lateResult).toBeDefined();
    },
  );

  test("A copy of the late result of a cancelled request counts again, because its first receive may have failed after the write", () => {
    const update = { event: updateEvent("we-link", "WRONG_PASSWORD") };
    const first = apply("cancelled", "WRONG_PASSWORD");
    expect(first).toMatchObject({ verdict: "late", laneEffect: { pause: {} } });
    const again = withProviderUpdate(first.request, update, context, providerClients["we-link"]);
    expect(again).toStrictEqual({ request: first.request, verdict: "late" });
    // What an earlier version stored has no digest.
    const { lateResultDigests: _, ...before } = first.request;
    const old = withProviderUpdate(before, update, context, providerClients["we-link"]);
    expect(old).toStrictEqual({ request: before, verdict: "late" });
  });
});

describe("a report that is not clear", () => {
  const of = (body: object, request: Partial<RequestRecord> = states.running) => {
    const event = providerPacks["we-link"].parseWebhook(
      webhookOf({ request_id: "theirs-1", ...body }),
    );
    const record = requestRecord(newOwner(), { action: "connect", deadlineMs, ...request });
    return withProviderUpdate(record, { event }, context, providerClients["we-link"]);
  };

  test("a word that nobody knows is kept and told, and the provider is asked", () => {
    const applied = of({ status: "REVIEWING", message: "A person looks at it" });
    expect([applied.verdict, applied.hasStoredUnclearReport]).toEqual(["unrecognised", true]);
    expect(applied.request).toMatchObject({
      status: "RUNNING",
      dueMs: nowMs,
      unclearReports: [
        {
          kind: "unrecognised",
          status: "REVIEWING",
          source: "webhook",
          atMs: nowMs,
          body: expect.stringContaining("A person looks at it"),
        },
      ],
    });
    expect(eventTypes(applied)).toEqual(["event.unrecognised"]);
    expect(eventData(applied, "event.unrecognised")).toMatchObject({
      requestId: applied.request.requestId,
      payload: { status: "REVIEWING" },
    });
    const again = of({ status: "REVIEWING", message: "A person looks at it" }, applied.request);
    expect(again).toEqual({ request: again.request, verdict: "duplicate" });
    expect(again.request.unclearReports).toHaveLength(1);
  });

  test("a word that nobody knows is kept on a cancelled request, and no event tells it", () => {
    const applied = of({ status: "REVIEWING" }, states.cancelled);
    expect([applied.verdict, eventTypes(applied)]).toEqual(["unrecognised", []]);
    expect(applied.request).toMatchObject({ status: "CANCELLED", unclearReports: [{}] });
  });

  test("a request keeps 10 reports that are not clear", () => {
    let request: Partial<RequestRecord> = states.running;
    for (let n = 0; n < 12; n++) ({ request } = of({ status: "REVIEWING", n }, request));
    expect(request.unclearReports).toHaveLength(10);
  });

  test("of a contradiction the status decides, and the report is kept", () => {
    const applied = of({ status: "FAILED", event_type: "CONNECTION_SENT", error: "No" });
    expect(applied.request).toMatchObject({
      status: "FAILED",
      unclearReports: [{ kind: "contradictory", eventType: "CONNECTION_SENT" }],
    });
    const data = eventData(applied, "workflow.completed");
    expect(data).toMatchObject({ status: "failed", eventType: "CONNECTION_FAILED" });
  });

  // mux-node-sdk#83
  test("a second result with other content is kept, also where the outcome is the same", () => {
    const result = (n: number) => ({ status: "SUCCESS", result: { n } });
    const first = of(result(1));
    expect(of(result(1), first.request).verdict).toBe("duplicate");
    expect(of({ status: "SUCCESS" }, first.request).verdict).toBe("duplicate");
    const second = of(result(2), first.request);
    expect(second.verdict).toBe("late");
    const third = of({ status: "FAILED", error: "PROXY_ERROR" }, second.request);
    expect(third.verdict).toBe("late");
    for (const known of [result(1), result(2)]) {
      expect(of(known, third.request).verdict).toBe("duplicate");
    }
    const { lateResult, earlierLateResults, ...request } = third.request;
    expect(request).toMatchObject({ status: "SUCCEEDED", result: { inline: '{"n":1}' } });
    expect(lateResult).toEqual({ inline: expect.stringContaining("PROXY_ERROR") });
    expect(earlierLateResults).toEqual([{ inline: expect.stringContaining('"n":2') }]);
  });
});

describe("the effect of a result on the account", () => {
  test("a code that needs a person pauses the account without an end", () => {
    expect(apply("running", "WRONG_PASSWORD").laneEffect).toEqual({
      pause: { reason: "WRONG_PASSWORD" },
    });
  });

  test("a code of a limit at LinkedIn pauses requests of that category for five hours", () => {
    const untilMs = nowMs + 5 * 3_600_000;
    expect(apply("running", "STATUS_429").laneEffect).toEqual({
      pause: { reason: "STATUS_429", untilMs, category: "other" },
    });
  });

  test("a successful login ends the pause that waits for one, and another success does not", () => {
    expect(apply("running", "success").laneEffect).toEqual({ endLoginPause: true });
    expect(apply("running", "success", { action: "connect" }).laneEffect).toBeUndefined();
  });
});

describe("a reported start", () => {
  test("workflow.started is added once", () => {
    const started = apply("unstarted", "running", {
      provider: "linked-api",
      action: "st.sendMessage",
    });
    expect([started.verdict, eventTypes(started)]).toEqual(["applied", ["workflow.started"]]);
    const update = { event: updateEvent("linked-api", "running") };
    const again = withProviderUpdate(
      started.request,
      update,
      context,
      providerClients["linked-api"],
    );
    expect(again).toEqual({ request: started.request, verdict: "duplicate" });
  });

  test.each<State>(["queued", "unknown"])(
    "a start proves that the provider has a request that is %s",
    (state) => {
      const proven = apply(state, "running");
      expect(proven.request).toMatchObject({
        status: "RUNNING",
        laneState: "holding",
        providerRequestId: "theirs-1",
        submittedMs: nowMs,
        dueMs: nowMs + requestRules.firstPollMs,
        deadlineMs: nowMs + requestRules.resultTimeoutMs,
        sealedParams: undefined,
      });
      expect(eventTypes(proven)).toEqual(["workflow.started"]);
    },
  );

  test("a start leaves a request that is being sent to its worker", () => {
    const { request } = apply("sending", "running");
    expect(request).toMatchObject({ status: "SUBMITTING", owner: "worker", isStarted: true });
  });

  test("workflow.started is still added to a request that has ended, but not to a cancelled one", () => {
    expect(eventTypes(apply("timed out", "running"))).toEqual(["workflow.started"]);
    expect(eventTypes(apply("cancelled", "running"))).toEqual([]);
  });
});

describe("a reported prompt", () => {
  test.each<State>(["queued", "sending", "running", "unknown"])(
    "a prompt moves a request that is %s to ACTION_REQUIRED",
    (state) => {
      const prompted = apply(state, "prompt");
      const deadlineMs = nowMs + requestRules.actionTimeoutMs;
      expect(prompted.request).toMatchObject({
        status: "ACTION_REQUIRED",
        laneState: "holding",
        holdUntilMs: deadlineMs,
        deadlineMs,
        dueMs: deadlineMs,
        providerRequestId: "theirs-1",
        sealedParams: undefined,
      });
      expect(eventData(prompted, "workflow.actionRequired")).toMatchObject({
        status: "action_required",
        eventType: "LOGIN_PIN_REQUIRED",
      });
      expect(prompted.request.outbox[0]?.id).toMatch(/:1$/);
    },
  );

  test("the open prompt again is a duplicate, and another prompt is the next one", () => {
    expect(apply("prompted", "prompt").verdict).toBe("duplicate");
    const next = apply("prompted", "other prompt");
    expect(next.verdict).toBe("applied");
    expect(next.request.outbox[0]?.id).toMatch(/^workflow\.actionRequired:rq_\w+:2$/);
  });

  test("a prompt that waited for the answer to an input is the one that the answer brought", () => {
    const same = apply("prompted", "other prompt", { hasWaited: true });
    expect([same.verdict, same.request.outbox]).toEqual(["duplicate", []]);
  });

  test("a prompt is a duplicate while an input is being sent", () => {
    for (const report of ["prompt", "other prompt"] as const) {
      const applied = apply("sending an input", report);
      expect([applied.verdict, applied.request.status]).toEqual(["duplicate", "SUBMITTING"]);
    }
  });

  test("a prompt with the bytes of an answered one counts only after a poll has confirmed it", () => {
    const unsure = apply("answered", "prompt");
    expect([unsure.verdict, eventTypes(unsure)]).toEqual(["needsPoll", []]);
    // The poll is due at once.
    expect(unsure.request).toMatchObject({ status: "RUNNING", dueMs: nowMs });
    const sure = apply("answered", "prompt", { isCurrentState: true });
    expect([sure.verdict, sure.request.status]).toEqual(["applied", "ACTION_REQUIRED"]);
    expect(sure.request.outbox[0]?.id).toMatch(/:2$/);
  });

  test.each<State>(["cancelled", "timed out"])(
    "a prompt changes nothing of a request that was %s",
    (state) => {
      const applied = apply(state, "prompt");
      expect([applied.verdict, eventTypes(applied)]).toEqual(["duplicate", []]);
      expect(applied.request.status).toBe(states[state].status);
    },
  );
});

test("a reported creation is a duplicate, because workflow.created is our own event", () => {
  const applied = apply("running", "pending", {
    provider: "linked-api",
    action: "st.sendMessage",
  });
  expect([applied.verdict, eventTypes(applied)]).toEqual(["duplicate", []]);
});
