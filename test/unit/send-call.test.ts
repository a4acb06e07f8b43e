import { expect, test } from "vitest";
import {
  makeSendCall,
  type SendCallDeps,
} from "../../shared/core/requests/submission/send-call.ts";
import { SEND_WITHIN_MS } from "../../shared/core/requests/submission/submitting-until.ts";
import { newOwner, requestRecord } from "../support/payloads/request-records.ts";
import { requestRules } from "../support/payloads/request-rules.ts";

const NOW_MS = Date.UTC(2026, 5, 25, 12);
const NOW_REAL_MS = NOW_MS + 500;
const call = { method: "POST", path: "/p", headers: { "x-api-key": "k" }, body: "{}" } as const;
const request = requestRecord(newOwner(), { status: "SUBMITTING", attempts: 2 });
/** A lease that lasts exactly as long as the call may. */
const longEnough = NOW_REAL_MS + requestRules.submitTimeoutMs;

function setUp({
  answer = { kind: "answered", answer: { status: 200, body: "{}" } } as object,
  ...more
}: Partial<Record<keyof SendCallDeps, unknown>> & { answer?: object } = {}) {
  const sent: unknown[][] = [];
  let nowRealMs = NOW_REAL_MS;
  const send = makeSendCall({
    calls: {
      send: async (...args: unknown[]) => {
        sent.push(args);
        nowRealMs += 250;
        return answer;
      },
    },
    providerClients: {
      "we-link": {
        readSubmission: (read: object, action: string) => ({
          ...{ kind: "accepted", providerRequestId: `${action} ${JSON.stringify(read)}` },
        }),
      },
    },
    context: () => ({ nowMs: NOW_MS, nowRealMs, rules: requestRules }),
    ...more,
  } as unknown as SendCallDeps);
  return { sent, send };
}

test("A call that is made is reported with its times, and its answer is read for its action", async () => {
  const { sent, send } = setUp();
  const of = { claimedAtRealMs: NOW_REAL_MS, leaseUntilRealMs: longEnough };
  expect(await send(request, call, of)).toEqual({
    sent: { kind: "accepted", providerRequestId: 'invite {"status":200,"body":"{}"}' },
    call: {
      attempts: 2,
      startedMs: NOW_MS,
      startedRealMs: NOW_REAL_MS,
      endedRealMs: NOW_REAL_MS + 250,
    },
  });
  expect(sent).toEqual([["we-link", call, requestRules.submitTimeoutMs]]);
});

test.each([
  [{ kind: "notSent", reason: "CONNECTION_REFUSED" }, "notSent", "CONNECTION_REFUSED"],
  [{ kind: "incomplete", reason: "TIMEOUT" }, "unknown", "TIMEOUT"],
])("A call that ends as %j is %s", async (answer, kind, code) => {
  const { send } = setUp({ answer });
  const of = { claimedAtRealMs: NOW_REAL_MS, leaseUntilRealMs: longEnough };
  expect((await send(request, call, of)).sent).toEqual({ kind, code });
});

test.each([
  ["whose lease ends before its call would", NOW_REAL_MS, longEnough - 1],
  ["that claimed the request too long ago", NOW_REAL_MS - SEND_WITHIN_MS - 1, longEnough],
])("A worker %s sends nothing", async (_, claimedAtRealMs, leaseUntilRealMs) => {
  const { sent, send } = setUp();
  expect(await send(request, call, { claimedAtRealMs, leaseUntilRealMs })).toEqual({
    sent: { kind: "notSent", code: "WORKER_FROZEN_BEFORE_SEND" },
  });
  expect(sent).toEqual([]);
});

test("A worker that claimed the request just in time sends", async () => {
  const { sent, send } = setUp();
  const claimedAtRealMs = NOW_REAL_MS - SEND_WITHIN_MS;
  await send(request, call, { claimedAtRealMs, leaseUntilRealMs: longEnough });
  expect(sent).toHaveLength(1);
});

test("A person's input is sent until its deadline, and not at it", async () => {
  const { sent, send } = setUp();
  const of = { claimedAtRealMs: NOW_REAL_MS, leaseUntilRealMs: longEnough + 1_000 };
  const withInput = { ...request, sealedInput: "sealed" } as unknown as typeof request;
  expect(await send({ ...withInput, actionDeadlineMs: NOW_MS }, call, of)).toEqual({
    sent: { kind: "notSent", code: "INPUT_TOO_LATE" },
  });
  expect(await send(withInput, call, of)).toEqual({
    sent: { kind: "notSent", code: "INPUT_TOO_LATE" },
  });
  expect(sent).toEqual([]);
  await send({ ...withInput, actionDeadlineMs: NOW_MS + 1 }, call, of);
  // The deadline of a request without an input is another one.
  await send({ ...request, actionDeadlineMs: NOW_MS }, call, of);
  expect(sent).toHaveLength(2);
});

test("Providers are told the trace where that is set, besides the call's own headers", async () => {
  const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const traced = { ...request, traceparent };
  const of = { claimedAtRealMs: NOW_REAL_MS, leaseUntilRealMs: longEnough };
  const silent = setUp();
  await silent.send(traced, call, of);
  expect(silent.sent[0]?.[1]).toEqual(call);
  const telling = setUp({ tracesProviders: true });
  await telling.send(traced, call, of);
  expect(telling.sent[0]?.[1]).toEqual({ ...call, headers: { ...call.headers, traceparent } });
});
