import { expect, test } from "vitest";
import { Failure } from "../../shared/contracts/failures.ts";
import type { TextStore } from "../../shared/core/requests/state/ports.ts";
import type { Dependency } from "../../shared/core/requests/state/record.ts";
import {
  type RequestView,
  requestJson,
  summaryOf,
  viewOf,
  type Wait,
} from "../../shared/core/requests/state/request-view.ts";
import { iso, ms } from "../support/noon.ts";
import { newOwner, requestRecord } from "../support/payloads/request-records.ts";

const texts: TextStore = {
  store: async (_, inline) => ({ inline }),
  open: async (text) => ("inline" in text ? text.inline : `"opened ${text.key}"`),
};

const owner = newOwner({ accountId: "anna" });

/** What every view has. */
const basic = {
  ...{ status: "QUEUED", provider: "we-link", accountId: "anna", action: "invite" },
  ...{ group: undefined, priority: "normal", scheduled: undefined, createdAt: iso(0) },
  ...{ joinedAt: undefined, submittedAt: undefined, finishedAt: undefined },
  ...{ providerRequestId: undefined, pendingReason: undefined, attempts: 0 },
  ...{ category: undefined, notAfter: undefined, error: undefined },
  ...{ waitsFor: undefined, waitReason: undefined, position: undefined, expectedAt: undefined },
};

test("A new request is shown without anything of its params, its lane and its worker", async () => {
  const request = requestRecord(owner, {
    ...{ params: { inline: '{"secret":1}' }, sealedParams: "sealed", owner: "worker" },
    ...{ lanePosition: 7, laneState: "waiting", correlationKeys: ["k"], outbox: [] },
  });
  const { requestId } = request;
  expect(summaryOf(request)).toStrictEqual({ ...basic, requestId });
  expect(await viewOf(request, texts)).toStrictEqual({ ...basic, requestId });
});

test("A request is shown with its times in UTC, its category, its error and what it waits for", () => {
  const error = { code: "X", message: "it failed" };
  const request = requestRecord(owner, {
    ...{ status: "FAILED", group: "g", isHigh: true, recurringId: "rc_1", attempts: 3, error },
    ...{ scheduledMs: ms(1), joinedMs: ms(2), submittedMs: ms(3), finishedMs: ms(4) },
    ...{ notAfterMs: ms(5), providerRequestId: "theirs", pendingReason: "queued" },
    ...{ category: "stMessages", result: { inline: "1" }, lateResult: { inline: "2" } },
  });
  const wait: Wait = { waitsFor: "pace", reason: "The gap.", position: 2, expectedMs: ms(6) };
  expect(summaryOf(request, wait)).toStrictEqual({
    ...{ ...basic, requestId: request.requestId, status: "FAILED", group: "g", priority: "high" },
    ...{ scheduled: iso(1), joinedAt: iso(2), submittedAt: iso(3), finishedAt: iso(4) },
    ...{ notAfter: iso(5), providerRequestId: "theirs", pendingReason: "queued", attempts: 3 },
    ...{ recurringId: "rc_1", category: "stMessages", error },
    ...{ waitsFor: "pace", waitReason: "The gap.", position: 2, expectedAt: iso(6) },
  });
});

test("A request that depends on another is shown with its condition, and not with what it watches", () => {
  const dependsOn: Dependency = {
    ...{ requestId: "rq_1", on: "succeeded", untilMs: ms(60), afterMs: 1_500 },
    ...{ eventSinceMs: 0, unlessSinceMs: 0, ancestors: ["rq_1"], keys: ["k"] },
  };
  const shown = { requestId: "rq_1", on: "succeeded", until: iso(60), afterSeconds: 1.5 };
  expect(summaryOf(requestRecord(owner, { dependsOn })).dependsOn).toStrictEqual(shown);
  const more = { on: "event", event: "message.reply", unless: "message.reply" } as const;
  const met = requestRecord(owner, { dependsOn: { ...dependsOn, ...more, metMs: ms(30) } });
  expect(summaryOf(met).dependsOn).toStrictEqual({ ...shown, ...more, metAt: iso(30) });
  const metAtOnce = requestRecord(owner, { dependsOn: { ...dependsOn, metMs: 0 } });
  expect(summaryOf(metAtOnce).dependsOn?.metAt).toBe("1970-01-01T00:00:00.000Z");
});

test("The results of a request and the reports that are not clear are shown, wherever they are stored", async () => {
  const report = { kind: "unrecognised", status: "REVIEWING", body: "{}" } as const;
  const request = requestRecord(owner, {
    ...{ result: { key: "r" }, numbersAsText: true, lateResult: { key: "l" } },
    earlierLateResults: [{ inline: '"first"' }, { key: "second" }],
    unclearReports: [
      { ...report, atMs: ms(1), source: "webhook", digest: "1" },
      { ...report, kind: "contradictory", atMs: ms(2), source: "answer", digest: "2" },
    ],
  });
  const wait: Wait = { waitsFor: "provider", reason: "It runs." };
  expect(await viewOf(request, texts, wait)).toStrictEqual({
    ...{ ...basic, requestId: request.requestId, waitsFor: "provider", waitReason: "It runs." },
    ...{ result: '"opened r"', numbersAsText: true, lateResult: '"opened l"' },
    earlierLateResults: ['"first"', '"opened second"'],
    unclearReports: [
      { ...report, at: iso(1), source: "webhook" },
      { ...report, kind: "contradictory", at: iso(2), source: "answer" },
    ],
  });
});

test("A result without a mark is shown without one", async () => {
  const request = requestRecord(owner, { result: { inline: "1" }, numbersAsText: undefined });
  const { requestId } = request;
  const marks = { result: "1", numbersAsText: undefined };
  expect(await viewOf(request, texts)).toStrictEqual({ ...basic, requestId, ...marks });
});

test("A request whose texts cannot be read is not shown without them", async () => {
  const down = new Failure("DEPENDENCY_DOWN", "the bucket is down");
  const broken: TextStore = { ...texts, open: () => Promise.reject(down) };
  const text = { key: "k" };
  for (const stored of [{ result: text }, { lateResult: text }, { earlierLateResults: [text] }]) {
    await expect(viewOf(requestRecord(owner, stored), broken)).rejects.toBe(down);
  }
});

const view: RequestView = {
  ...{ requestId: "rq_1", status: "SUCCEEDED", provider: "we-link", accountId: "a" },
  ...{ action: "connect", priority: "normal", createdAt: iso(0), attempts: 1 },
};
const text = JSON.stringify(view);

test.each<[string, Partial<RequestView>, string]>([
  ["nothing", {}, text],
  ["a result", { result: '{"n":1.0}' }, `${text.slice(0, -1)},"result":{"n":1.0}}`],
  ["a late result", { lateResult: "null" }, `${text.slice(0, -1)},"lateResult":null}`],
  [
    "all results",
    { result: "1.0", lateResult: "9007199254740993", earlierLateResults: ["1e400", "[]"] },
    `${text.slice(0, -1)},"result":1.0,"lateResult":9007199254740993,"earlierLateResults":[1e400,[]]}`,
  ],
])("The JSON text of a view with %s has every digit of it", (_, results, json) => {
  expect(requestJson({ ...view, ...results })).toBe(json);
});
