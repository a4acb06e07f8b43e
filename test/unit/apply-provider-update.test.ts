import { describe, expect, test } from "vitest";
import { Failure } from "../../shared/contracts/failures.ts";
import { providerPacks } from "../../shared/contracts/providers.ts";
import {
  type ApplyProviderUpdateDeps,
  makeApplyProviderUpdate,
} from "../../shared/core/requests/results/apply-provider-update.ts";
import type { LanePause, RequestRecord } from "../../shared/core/requests/state/record.ts";
import { makeRequestWriter } from "../../shared/core/requests/state/request-writer.ts";
import { providerClients } from "../../shared/providers/provider-clients.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";
import { makeMemoryRequests } from "../support/memory/memory-requests.ts";
import { type ProviderReport, webhookBody } from "../support/payloads/provider-payloads.ts";
import { makeRequestParts } from "../support/payloads/request-parts.ts";
import { newOwner, requestRecord } from "../support/payloads/request-records.ts";
import { requestRules } from "../support/payloads/request-rules.ts";
import { webhookOf } from "../support/payloads/webhooks.ts";

const HOUR_MS = 3_600_000;
const down = new Failure("DEPENDENCY_DOWN", "throttled");

/** A login that runs at the provider, and what is done to its lane. */
async function setUp(of: Partial<RequestRecord> = {}) {
  const clock = makeTestClock();
  const nowMs = clock.businessMs();
  const { requests } = makeMemoryRequests({ clock, retentionMs: 24 * HOUR_MS });
  const owner = newOwner();
  const running = requestRecord(owner, {
    ...{ action: "login_v2", status: "RUNNING", isStarted: true, providerRequestId: "theirs-1" },
    ...{ submittedMs: nowMs - 60_000, deadlineMs: nowMs + HOUR_MS },
    ...of,
  });
  await requests.create(running);
  const { requestId, lane } = running;
  const calls: unknown[] = [];
  const world = { isDown: false, isWakeDown: false };
  const apply = makeApplyProviderUpdate({
    writer: makeRequestWriter({ requests, texts: makeRequestParts(owner).texts }),
    lanes: {
      async pause(id: string, { accountId }: RequestRecord, pause: LanePause) {
        if (world.isDown) throw new Failure("DEPENDENCY_DOWN", "no lanes");
        calls.push(["pause", id, accountId, pause]);
      },
      endLoginPause: async (...args: unknown[]) => void calls.push(["endLoginPause", ...args]),
    },
    laneScheduler: {
      dueAfterWakeUp: (atMs: number) => atMs + 5,
      async wakeFreedLane(freed: RequestRecord) {
        calls.push(["wake", freed.requestId]);
        if (world.isWakeDown) throw down;
      },
    },
    providerClients,
    context: () => ({ nowMs, nowRealMs: nowMs, rules: requestRules }),
  } as unknown as ApplyProviderUpdateDeps);
  const target = { requestId, connectionId: owner.connectionId };
  const reported = (body: object = {}, to: Partial<typeof target> = {}) => {
    const event = providerPacks["we-link"].parseWebhook(webhookOf(body));
    return apply({ ...target, ...to }, { event });
  };
  return {
    ...{ owner, nowMs, requestId, lane, calls, world, reported },
    told: (report: ProviderReport, to?: Partial<typeof target>) =>
      reported(webhookBody("we-link", report), to),
    stored: () => requests.find(requestId),
  };
}

const nothingElse = { isChanged: true, hasPausedAccount: false, hasStoredUnclearReport: false };

describe("A report about a request that is not the connection's", () => {
  test("A report from another connection changes neither the request nor its lane", async () => {
    const { told, stored, calls } = await setUp();
    const before = await stored();
    for (const report of ["success", "WRONG_PASSWORD"] as const) {
      expect(await told(report, { connectionId: "cn_other" })).toBeUndefined();
    }
    expect(await stored()).toEqual(before);
    expect(calls).toEqual([]);
  });

  test("A report about a request that is not stored changes nothing", async () => {
    const { told, calls } = await setUp();
    expect(await told("success", { requestId: "rq_other" })).toBeUndefined();
    expect(calls).toEqual([]);
  });
});

describe("A report that ends a request", () => {
  test("A login that succeeds ends the pause that waits for it, and frees its lane", async () => {
    const { told, stored, calls, lane, requestId, nowMs } = await setUp();
    const applied = await told("success");
    expect(applied).toMatchObject({ ...nothingElse, verdict: "applied" });
    expect(applied?.request).toEqual(await stored());
    expect(await stored()).toMatchObject({ status: "SUCCEEDED", version: 2 });
    expect(calls).toEqual([
      ["endLoginPause", lane, nowMs + 5],
      ["wake", requestId],
    ]);
  });

  test("Another success than a login's leaves the pauses of its lane", async () => {
    const { told, calls, requestId } = await setUp({ action: "connect" });
    expect(await told("success")).toMatchObject({ ...nothingElse, verdict: "applied" });
    expect(calls).toEqual([["wake", requestId]]);
  });

  test("A failure that needs a person pauses the account, and says so once", async () => {
    const { told, stored, calls, owner, lane, requestId } = await setUp();
    const paused = { ...nothingElse, hasPausedAccount: true };
    expect(await told("WRONG_PASSWORD")).toMatchObject({ ...paused, verdict: "applied" });
    const pause = ["pause", lane, owner.accountId, { reason: "WRONG_PASSWORD" }];
    expect(calls).toEqual([pause, ["wake", requestId]]);
    const ended = await stored();
    const again = await told("WRONG_PASSWORD");
    const unchanged = { ...nothingElse, isChanged: false };
    expect(again).toEqual({ ...unchanged, verdict: "duplicate", request: ended });
    // The worker that ended the request may have crashed before it freed the lane.
    expect(calls).toEqual([pause, ["wake", requestId], ["wake", requestId]]);
  });

  test("A failure that pauses one category for a time does not count as a paused account", async () => {
    const { told, calls, owner, lane, requestId, nowMs } = await setUp();
    expect(await told("STATUS_429")).toMatchObject({ ...nothingElse, verdict: "applied" });
    const pause = { reason: "STATUS_429", untilMs: nowMs + 5 * HOUR_MS, category: "other" };
    expect(calls).toEqual([
      ["pause", lane, owner.accountId, pause],
      ["wake", requestId],
    ]);
  });

  test("A request does not end before the pause that its end causes is stored", async () => {
    const { told, stored, calls, world } = await setUp();
    world.isDown = true;
    await expect(told("WRONG_PASSWORD")).rejects.toMatchObject({ code: "DEPENDENCY_DOWN" });
    expect(await stored()).toMatchObject({ status: "RUNNING", version: 1 });
    expect(calls).toEqual([]);
    world.isDown = false;
    expect(await told("WRONG_PASSWORD")).toMatchObject({ hasPausedAccount: true });
    expect(await stored()).toMatchObject({ status: "FAILED", version: 2 });
  });
});

describe("A report after which the lane cannot be woken", () => {
  test("What it changed is told with why the lane was not woken, and the same report wakes it", async () => {
    const { told, stored, calls, world, requestId } = await setUp();
    world.isWakeDown = true;
    const first = await told("WRONG_PASSWORD");
    const paused = { ...nothingElse, hasPausedAccount: true, verdict: "applied" };
    expect(first).toEqual({ ...paused, request: await stored(), wakeError: down });
    expect(await stored()).toMatchObject({ status: "FAILED", version: 2 });
    world.isWakeDown = false;
    const again = await told("WRONG_PASSWORD");
    const unchanged = { ...nothingElse, isChanged: false, verdict: "duplicate" };
    expect(again).toEqual({ ...unchanged, request: await stored() });
    expect(calls.filter((call) => Array.isArray(call) && call[0] === "wake")).toEqual([
      ["wake", requestId],
      ["wake", requestId],
    ]);
  });

  test("The late result of a cancelled request is told, although its lane cannot be woken", async () => {
    const { told, world } = await setUp({ status: "CANCELLED" });
    world.isWakeDown = true;
    expect(await told("success")).toMatchObject({ verdict: "late", isChanged: true });
    expect(await told("success")).toMatchObject({ verdict: "late", isChanged: false });
  });
});

describe("A report that is not clear", () => {
  test("It is kept on the request once, which goes on and keeps its lane", async () => {
    const { reported, stored, calls } = await setUp();
    const body = { status: "REVIEWING", request_id: "theirs-1" };
    const kept = { ...nothingElse, hasStoredUnclearReport: true };
    expect(await reported(body)).toMatchObject({ ...kept, verdict: "unrecognised" });
    const after = await stored();
    expect(after).toMatchObject({ status: "RUNNING", unclearReports: [{ status: "REVIEWING" }] });
    const again = await reported(body);
    const unchanged = { ...nothingElse, isChanged: false };
    expect(again).toEqual({ ...unchanged, verdict: "duplicate", request: after });
    expect(calls).toEqual([]);
  });
});
