import { describe, expect, test } from "vitest";
import { sha256Hex } from "../../shared/core/crypto/digest.ts";
import type { ProviderEvent } from "../../shared/core/events/provider-event.ts";
import { canonicalJson } from "../../shared/core/json/json.ts";
import { keysIn } from "../../shared/core/providers/correlation.ts";
import type { ProviderClient } from "../../shared/core/providers/provider-client.ts";
import type { DecisionContext } from "../../shared/core/requests/state/decision-context.ts";
import {
  type ProviderUpdate,
  type UpdateResult,
  withProviderUpdate,
} from "../../shared/core/requests/state/provider-update.ts";
import type { RequestRecord } from "../../shared/core/requests/state/record.ts";
import { providerClients } from "../../shared/providers/provider-clients.ts";
import { newOwner, requestRecord } from "../support/payloads/request-records.ts";
import { requestRules } from "../support/payloads/request-rules.ts";

const MINUTE_MS = 60_000;
const nowMs = Date.UTC(2026, 5, 25, 12, 10);
const context: DecisionContext = { nowMs, nowRealMs: nowMs + 7, rules: requestRules };
const weLink = providerClients["we-link"];

const running = (of: Partial<RequestRecord> = {}) =>
  requestRecord(newOwner(), {
    ...{ action: "connect", status: "RUNNING", isStarted: true },
    ...{ submittedMs: nowMs - MINUTE_MS, deadlineMs: nowMs + 60 * MINUTE_MS },
    dueMs: nowMs + 5 * MINUTE_MS,
    ...of,
  });

const report = (
  type: ProviderEvent["type"],
  data: Partial<ProviderEvent["data"]> = {},
  more: Partial<ProviderEvent> = {},
): ProviderEvent => ({
  ...{ type, providerObjectId: "theirs-1", ...more },
  data: { eventType: "UNKNOWN", ...data },
});
const completed = (data: Partial<ProviderEvent["data"]>, more: Partial<ProviderEvent> = {}) =>
  report("workflow.completed", { status: "completed", ...data }, more);
const failed = (code: string, message = "m") =>
  completed({ status: "failed", error: { code, message } });

const apply = (
  request: RequestRecord,
  event: ProviderEvent,
  update: Omit<ProviderUpdate, "event"> = {},
  provider: ProviderClient = weLink,
): UpdateResult => withProviderUpdate(request, { event, ...update }, context, provider);

/** The events that wait to be published, with their data. */
const toldBy = ({ request }: UpdateResult) =>
  request.outbox.map(({ id, type, envelope, raw }) => {
    const { createdAt, data } = JSON.parse("inline" in envelope ? envelope.inline : "{}");
    return { id, type, atMs: Date.parse(createdAt), raw, data };
  });

/** What the data of every event of the request has. */
const subjectOf = ({ requestId, accountId, action, provider }: RequestRecord) => ({
  ...{ requestId, workflowId: requestId, accountId, provider, action },
});

const rawBytes = Buffer.from("raw");
const raw = { inline: rawBytes.toString("base64") };
const unread = { numbersAsText: true, raw: rawBytes };

describe("What an end stores and tells", () => {
  test("An end proves the submission, whose time and id stay where they are known", () => {
    const queued = requestRecord(newOwner(), { action: "connect" });
    const end = completed({ providerRequestId: "theirs-1" });
    expect(apply(queued, end).request).toMatchObject({
      ...{ status: "SUCCEEDED", submittedMs: nowMs, providerRequestId: "theirs-1" },
    });
    const known = running({ providerRequestId: "known" });
    expect(apply(known, end).request).toMatchObject({
      ...{ status: "SUCCEEDED", submittedMs: nowMs - MINUTE_MS, providerRequestId: "known" },
    });
  });

  test("A copy is recognised by the digest of the status, the result and the error", () => {
    const digestOf = (...parts: unknown[]) => sha256Hex(canonicalJson(parts));
    const { request } = apply(running(), completed({ result: { b: 1, a: 2 } }));
    expect(request.outcomeDigest).toBe(digestOf("completed", { a: 2, b: 1 }, null));
    const error = { code: "c".repeat(201), message: "m" };
    const end = apply(running(), failed(error.code));
    expect(end.request.outcomeDigest).toBe(digestOf("failed", null, error));
  });

  test("The whole event of a success", () => {
    const request = running({ providerRequestId: "theirs-1" });
    const end = completed({ result: { n: 1 }, createdAtReplaced: true });
    const applied = apply(request, end, unread);
    expect(applied.request).toMatchObject({ result: { inline: '{"n":1}' }, numbersAsText: true });
    expect(toldBy(applied)).toStrictEqual([
      {
        ...{ id: `workflow.completed:${request.requestId}`, type: "workflow.completed", raw },
        atMs: nowMs,
        data: {
          ...{ ...subjectOf(request), providerRequestId: "theirs-1", status: "completed" },
          ...{ eventType: "CONNECTION_SENT", result: { n: 1 } },
          ...{ numbersAsText: true, createdAtReplaced: true },
        },
      },
    ]);
    expect(applied.request.outbox).toMatchObject([{ version: 2, sinceRealMs: nowMs + 7 }]);
  });

  test("The whole event of a failure, whose error is cut to what an item can hold", () => {
    const request = running();
    const applied = apply(request, failed("c".repeat(201), "m".repeat(1_001)));
    const error = { code: "c".repeat(200), message: "m".repeat(1_000) };
    expect(applied.request).toMatchObject({ status: "FAILED", error });
    expect(applied.request).not.toHaveProperty("result");
    expect(toldBy(applied)).toStrictEqual([
      {
        ...{ id: `workflow.completed:${request.requestId}`, type: "workflow.completed" },
        ...{ atMs: nowMs, raw: undefined },
        data: { ...subjectOf(request), status: "failed", eventType: "CONNECTION_FAILED", error },
      },
    ]);
  });

  test("Without a result the request has no mark of its numbers, and the event has it", () => {
    const applied = apply(running(), failed("PROXY_ERROR"), { numbersAsText: true });
    expect(applied.request).not.toHaveProperty("numbersAsText");
    expect(toldBy(applied)).toMatchObject([{ data: { numbersAsText: true } }]);
    const unmarked = apply(running(), completed({ result: 1 }), { numbersAsText: false });
    expect(unmarked.request).not.toHaveProperty("numbersAsText");
    expect(toldBy(unmarked)[0]?.data).not.toHaveProperty("numbersAsText");
  });

  test.each(["failed", "running", undefined])(
    "An end whose status is %j is a failure, also without an error",
    (status) => {
      const end = report("workflow.completed", status === undefined ? {} : { status });
      const applied = apply(running(), end);
      expect(applied.request.status).toBe("FAILED");
      expect(applied.request).not.toHaveProperty("error");
      expect(toldBy(applied)).toMatchObject([{ data: { status: "failed" } }]);
      expect(toldBy(applied)[0]?.data).not.toHaveProperty("error");
    },
  );

  test("The people whom a result names are found by later events, like those of the params", () => {
    const result = { profile_id: "anna" };
    const keys = keysIn(result, weLink.correlatedMembers);
    expect(keys).toHaveLength(1);
    const { request } = apply(running({ correlationKeys: ["own"] }), completed({ result }));
    expect(request.correlationKeys).toEqual(["own", ...keys]);
    const unnamed = apply(running(), completed({ result: [result] }));
    expect(unnamed.request).not.toHaveProperty("correlationKeys");
  });

  test.each<[string, Partial<ProviderEvent>, string, string]>([
    ["connect", { hasProviderEventType: true }, "SOMETHING", "SOMETHING"],
    ["connect", {}, "SOMETHING", "CONNECTION_SENT"],
    ["withdraw_invite", {}, "SOMETHING", "SOMETHING"],
  ])("The end of %s, reported with %j and the name %s, is told as %s", (...of) => {
    const [action, more, eventType, told] = of;
    const applied = apply(running({ action }), completed({ eventType }, more));
    expect(toldBy(applied)).toMatchObject([{ data: { eventType: told } }]);
  });
});

describe("The label that was added to a submission", () => {
  const linkedApi = providerClients["linked-api"];

  test("Neither the result nor the event of a request has it", () => {
    const request = running();
    const result = { label: request.requestId, n: 1 };
    const applied = apply(request, completed({ result }), {}, linkedApi);
    expect(applied.request.result).toEqual({ inline: '{"n":1}' });
    expect(toldBy(applied)[0]?.data.result).toStrictEqual({ n: 1 });
    const again = apply(applied.request, completed({ result: { n: 1 } }), {}, linkedApi);
    expect(again).toStrictEqual({ request: applied.request, verdict: "duplicate" });
  });

  test("An end without a result gets none", () => {
    const applied = apply(running(), completed({}), {}, linkedApi);
    expect(applied.request).not.toHaveProperty("result");
    expect(toldBy(applied)[0]?.data).not.toHaveProperty("result");
  });

  test("A provider to which no label is sent keeps a member of that name", () => {
    const request = running();
    const result = { label: request.requestId };
    const applied = apply(request, completed({ result }));
    expect(applied.request.result).toEqual({ inline: JSON.stringify(result) });
  });
});

describe("A report that is not recognised", () => {
  const body = '{"status":"REVIEWING"}';
  const unclear = { kind: "unrecognised", status: "REVIEWING", body } as const;
  const payload = { status: "REVIEWING" };
  const reviewing = (more: Partial<ProviderEvent> = {}) =>
    report(
      "event.unrecognised",
      { providerRequestId: "theirs-1", eventType: "NAME", payload },
      { unclear, discriminator: "d1", ...more },
    );

  test("It is kept and told as a whole, and the provider is asked at once", () => {
    const request = running();
    const applied = apply(request, reviewing(), unread);
    expect(applied).toMatchObject({ verdict: "unrecognised", hasStoredUnclearReport: true });
    expect(applied.request).toMatchObject({ status: "RUNNING", dueMs: nowMs });
    expect(applied.request.unclearReports).toStrictEqual([
      { ...unclear, atMs: nowMs, source: "webhook", digest: "d1" },
    ]);
    expect(toldBy(applied)).toStrictEqual([
      {
        ...{ id: `event.unrecognised:${request.requestId}:1`, type: "event.unrecognised", raw },
        atMs: nowMs,
        data: {
          ...{ ...subjectOf(request), providerRequestId: "theirs-1", eventType: "NAME" },
          ...{ payload, numbersAsText: true },
        },
      },
    ]);
  });

  test("After one that the provider answered itself, the next poll keeps its time", () => {
    const { request } = apply(running(), reviewing(), { isCurrentState: true });
    expect(request).toMatchObject({
      dueMs: nowMs + 5 * MINUTE_MS,
      unclearReports: [{ source: "answer" }],
    });
  });

  test("It tells the provider's id of a request that has none yet", () => {
    const unknown = running({ status: "UNKNOWN" });
    expect(apply(unknown, reviewing()).request).toMatchObject({
      ...{ status: "UNKNOWN", providerRequestId: "theirs-1", dueMs: nowMs },
    });
    const known = running({ providerRequestId: "known" });
    expect(apply(known, reviewing()).request.providerRequestId).toBe("known");
  });

  test("About a request that has ended it is told, and nothing is asked", () => {
    const ended = running({ status: "FAILED", finishedMs: nowMs - MINUTE_MS, dueMs: undefined });
    const applied = apply(ended, reviewing());
    expect(applied).toMatchObject({ verdict: "unrecognised", hasStoredUnclearReport: true });
    expect([applied.request.status, applied.request.dueMs]).toEqual(["FAILED", undefined]);
    expect(toldBy(applied)).toHaveLength(1);
  });

  test("Each is told under a number of its own", () => {
    const first = apply(running(), reviewing());
    const second = apply(first.request, reviewing({ discriminator: "d2" }));
    const { requestId } = first.request;
    expect(toldBy(second).map(({ id }) => id)).toEqual([
      `event.unrecognised:${requestId}:1`,
      `event.unrecognised:${requestId}:2`,
    ]);
  });

  test("Without a digest of its own, its body tells whether it is new", () => {
    const { discriminator: _, ...event } = reviewing();
    const { request } = apply(running(), event);
    expect(request.unclearReports?.map(({ digest }) => digest)).toEqual([
      sha256Hex(body).slice(0, 16),
    ]);
    expect(apply(request, event)).toStrictEqual({ request, verdict: "duplicate" });
  });

  test("One without anything to keep is a duplicate, and changes nothing", () => {
    const { unclear: _, ...event } = reviewing();
    const request = running();
    expect(apply(request, event)).toStrictEqual({ request, verdict: "duplicate" });
  });

  test("A clear report keeps nothing, and a contradiction is kept beside its effect", () => {
    expect(apply(running(), completed({}))).not.toHaveProperty("hasStoredUnclearReport");
    const contradiction = { ...unclear, kind: "contradictory" } as const;
    const applied = apply(running(), completed({}, { unclear: contradiction }));
    expect(applied).toMatchObject({ verdict: "applied", hasStoredUnclearReport: true });
    expect(applied.request).toMatchObject({
      status: "SUCCEEDED",
      unclearReports: [{ kind: "contradictory" }],
    });
  });
});

describe("A report that the provider has the request", () => {
  test("A webhook changes the reason why it waits, and not the time that is left", () => {
    const request = running();
    const waits = report("workflow.started", { status: "running" }, { pendingReason: "QUEUED" });
    const applied = apply(request, waits);
    expect(applied).toStrictEqual({
      request: { ...request, pendingReason: "QUEUED" },
      verdict: "applied",
    });
    expect(apply(applied.request, waits)).toStrictEqual({
      request: applied.request,
      verdict: "duplicate",
    });
    const runs = apply(applied.request, report("workflow.started"));
    expect([runs.verdict, runs.request.pendingReason]).toEqual(["applied", undefined]);
  });

  test("An answer to a poll gives it the whole time again", () => {
    const waits = report("workflow.started", {}, { pendingReason: "QUEUED" });
    const applied = apply(running(), waits, { isCurrentState: true });
    expect(applied).toMatchObject({
      verdict: "applied",
      request: {
        pendingReason: "QUEUED",
        deadlineMs: nowMs + requestRules.resultTimeoutMs,
        dueMs: nowMs + requestRules.firstPollMs,
      },
    });
  });

  test.each([undefined, true])(
    "The answer %j about a request that may not have been sent tells its id there",
    (isCurrentState) => {
      const started = report("workflow.started", { providerRequestId: "theirs-1" });
      const of = isCurrentState ? { isCurrentState } : {};
      const { request } = apply(running({ status: "UNKNOWN" }), started, of);
      expect(request).toMatchObject({ status: "RUNNING", providerRequestId: "theirs-1" });
    },
  );

  test("A start is told once, with the provider's own body", () => {
    const request = running({ isStarted: false });
    const payload = { status: "PROCESSING" };
    const started = report("workflow.started", { payload, createdAtReplaced: true });
    const applied = apply(request, started);
    expect(toldBy(applied)).toStrictEqual([
      {
        ...{ id: `workflow.started:${request.requestId}`, type: "workflow.started" },
        ...{ atMs: nowMs, raw: undefined },
        data: {
          ...{ ...subjectOf(request), status: "running", eventType: "UNKNOWN" },
          ...{ payload, createdAtReplaced: true },
        },
      },
    ]);
  });
});

describe("A prompt", () => {
  const promptOf = (discriminator?: string) =>
    report(
      "workflow.actionRequired",
      { eventType: "LOGIN_PIN_REQUIRED", payload: { text: "Code?" } },
      discriminator === undefined ? {} : { discriminator },
    );

  test("It is told as a whole, and the request keeps what is known of it", () => {
    const request = running({ prompts: ["d0"], providerRequestId: "known" });
    const prompt = promptOf("d1");
    const data = { ...prompt.data, providerRequestId: "other", createdAtReplaced: true } as const;
    const applied = apply(request, { ...prompt, data }, unread);
    const deadlineMs = nowMs + requestRules.actionTimeoutMs;
    expect(applied).not.toHaveProperty("laneEffect");
    expect(applied).toMatchObject({
      verdict: "applied",
      request: {
        ...{ status: "ACTION_REQUIRED", prompts: ["d0", "d1"], providerRequestId: "known" },
        ...{ submittedMs: nowMs - MINUTE_MS, actionDeadlineMs: deadlineMs, deadlineMs },
        ...{ holdUntilMs: deadlineMs, dueMs: deadlineMs },
      },
    });
    expect(toldBy(applied)).toStrictEqual([
      {
        id: `workflow.actionRequired:${request.requestId}:2`,
        ...{ type: "workflow.actionRequired", atMs: nowMs, raw },
        data: {
          ...{ ...subjectOf(request), providerRequestId: "known", status: "action_required" },
          ...{ eventType: "LOGIN_PIN_REQUIRED", payload: { text: "Code?" } },
          ...{ numbersAsText: true, createdAtReplaced: true },
        },
      },
    ]);
  });

  test("It proves the submission of a request that counted as not sent", () => {
    const prompt = promptOf("d1");
    const event = { ...prompt, data: { ...prompt.data, providerRequestId: "theirs-1" } };
    const { request } = apply(requestRecord(newOwner(), { action: "login_v2" }), event);
    expect(request).toMatchObject({ providerRequestId: "theirs-1", submittedMs: nowMs });
  });

  test("Without a digest of its own, its data tell whether it is another", () => {
    const prompt = promptOf();
    const { request } = apply(running(), prompt);
    expect(request.prompts).toEqual([sha256Hex(canonicalJson(prompt.data)).slice(0, 16)]);
    expect(apply(request, prompt)).toStrictEqual({ request, verdict: "duplicate" });
  });

  test("While one is open, a poll that words it differently brings no other", () => {
    const open = running({ status: "ACTION_REQUIRED", prompts: ["d1"] });
    const polled = apply(open, promptOf("d2"), { isCurrentState: true });
    expect(polled).toStrictEqual({ request: open, verdict: "duplicate" });
  });

  test("While one is open, a webhook with an earlier one lets the provider be asked", () => {
    const open = running({ status: "ACTION_REQUIRED", prompts: ["d1", "d2"] });
    const late = apply(open, promptOf("d1"));
    expect(late).toMatchObject({
      verdict: "needsPoll",
      request: { status: "ACTION_REQUIRED", prompts: ["d1", "d2"], dueMs: nowMs },
    });
    expect(toldBy(late)).toEqual([]);
  });
});

describe("A report about a request that has ended", () => {
  const login = () => running({ action: "login_v2" });

  test("A later outcome has the effect of its own on the account, and a copy has none", () => {
    const { request } = apply(login(), completed({ result: { n: 1 } }));
    const late = apply(request, failed("WRONG_PASSWORD"));
    expect(late).toMatchObject({
      verdict: "late",
      laneEffect: { pause: { reason: "WRONG_PASSWORD" } },
    });
    const again = apply(late.request, failed("WRONG_PASSWORD"));
    expect(again).toStrictEqual({ request: late.request, verdict: "duplicate" });
    const ended = running({ action: "login_v2", status: "FAILED", finishedMs: nowMs - 1 });
    expect(apply(ended, completed({}))).toMatchObject({
      verdict: "late",
      laneEffect: { endLoginPause: true },
    });
  });

  test("The whole event of a later outcome", () => {
    const ended = running({ status: "FAILED", finishedMs: nowMs - 1, lastEventMs: nowMs + 4 });
    const end = completed({ status: "failed", error: { code: "c".repeat(201), message: "m" } });
    const late = apply(ended, end, unread);
    expect(toldBy(late)).toStrictEqual([
      {
        ...{ id: `workflow.lateResult:${ended.requestId}:1`, type: "workflow.lateResult", raw },
        atMs: nowMs + 5,
        data: {
          ...{ ...subjectOf(ended), status: "failed", eventType: "CONNECTION_FAILED" },
          ...{ error: { code: "c".repeat(200), message: "m" }, numbersAsText: true },
        },
      },
    ]);
    expect(late.request.lastEventMs).toBe(nowMs + 5);
  });
});

describe("The effect of an end on the account", () => {
  test.each<[string, ProviderEvent]>([
    ["a code that only ends the request", failed("PROXY_ERROR")],
    ["a code that is not listed", failed("NEW_CODE")],
    ["no code", completed({ status: "failed" })],
  ])("The failure of a login with %s has none", (_, event) => {
    expect(apply(running({ action: "login_v2" }), event)).not.toHaveProperty("laneEffect");
  });
});

test.each(["account.active", "message.reply", "workflow.created"] as const)(
  "A report of the type %s changes nothing of a request",
  (type) => {
    const request = running();
    const applied = apply(request, report(type, { status: "completed", result: {} }));
    expect(applied).toStrictEqual({ request, verdict: "duplicate" });
    expect(applied.request).toBe(request);
  },
);
