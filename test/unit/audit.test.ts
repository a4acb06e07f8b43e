import { describe, expect, test } from "vitest";
import { Failure } from "../../shared/contracts/failures.ts";
import type { AuditRecord } from "../../shared/contracts/operator-action.ts";
import {
  type AuditedChange,
  type AuditIntent,
  type AuditOutcome,
  type AuditStore,
  makeAudited,
  type PendingAudit,
} from "../../shared/core/audit/audit.ts";
import { makeSweepAudit } from "../../shared/core/audit/sweep-audit.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";

const NOON = "2026-06-25T12:00:00.000Z";
const noonMs = Date.parse(NOON);
const AWAIT_OUTCOME_MS = 60_000;

const change: AuditedChange = {
  ...{ who: "operator:op1", whoName: "Anna", action: "resumeConnection" },
  ...{ target: { connectionId: "cn_1" }, clientId: "cl_1", why: "it was mended" },
};
const noTable = new Failure("DEPENDENCY_DOWN", "no table");

/** Changes whose records are noted in the order of the calls. */
function setUpChanges(faulty: Partial<AuditStore> = {}) {
  const clock = makeTestClock();
  // The two clocks differ, so that each time shows of which one it is.
  clock.passReal(7);
  const steps: unknown[] = [];
  const errors: unknown[] = [];
  const audited = makeAudited({
    audit: {
      begin: async (pending: PendingAudit) => void steps.push(["begin", pending]),
      finish: async (of: AuditIntent, outcome: AuditOutcome) =>
        void steps.push(["finish", of, outcome]),
      ...faulty,
    } as unknown as AuditStore,
    clock,
    randomHex: (bytes) => "ab".repeat(bytes),
    awaitOutcomeMs: AWAIT_OUTCOME_MS,
    onNonFatalError: (error) => errors.push(error),
  });
  return { audited, clock, errors, steps };
}

describe("A change of a person", () => {
  const intent = { id: `au_${"ab".repeat(16)}`, at: NOON, ...change };

  test("It is recorded before it is made, and its outcome after it", async () => {
    const { audited, clock, errors, steps } = setUpChanges();
    const result = await audited(change, async () => {
      steps.push(["change"]);
      clock.passBusiness(1_500);
      return "changed";
    });
    expect(result).toBe("changed");
    expect(steps).toStrictEqual([
      ["begin", { intent, awaitedUntilRealMs: noonMs + 7 + AWAIT_OUTCOME_MS }],
      ["change"],
      ["finish", intent, { outcome: "done", finishedAt: "2026-06-25T12:00:01.500Z" }],
    ]);
    expect(errors).toEqual([]);
  });

  test.each([
    ["a refusal", "refused", "CONFLICT", new Failure("CONFLICT", "no")],
    ["a failure that may end", "failed", "DEPENDENCY_DOWN", noTable],
    ["a failure that stays", "failed", "BODY_GONE", new Failure("BODY_GONE", "expired")],
    ["a bug", "failed", "INTERNAL_ERROR", new TypeError("a bug")],
    ["a text that was thrown", "failed", "INTERNAL_ERROR", "a text"],
  ])("Of %s the record says %s, and the caller gets the error itself", async (...row) => {
    const [, outcome, code, error] = row;
    const { audited, clock, steps } = setUpChanges();
    const changing = audited(change, async () => {
      clock.passBusiness(1);
      throw error;
    });
    await expect(changing).rejects.toBe(error);
    const finishedAt = "2026-06-25T12:00:00.001Z";
    expect(steps.slice(1)).toStrictEqual([["finish", intent, { outcome, code, finishedAt }]]);
  });

  test("The ids of what it created are stored with its outcome, and only once it is made", async () => {
    const { audited, steps } = setUpChanges();
    const made = { keyId: "key1", apiKey: "hidden" };
    const idsOf = ({ keyId }: typeof made) => ({ keyId });
    expect(await audited(change, async () => made, idsOf)).toBe(made);
    expect(steps.slice(1)).toStrictEqual([
      ["finish", intent, { outcome: "done", created: { keyId: "key1" }, finishedAt: NOON }],
    ]);
    const refused = audited(change, () => Promise.reject(noTable), idsOf);
    await expect(refused).rejects.toBe(noTable);
    expect(steps.at(-1)).toStrictEqual([
      "finish",
      intent,
      { outcome: "failed", code: "DEPENDENCY_DOWN", finishedAt: NOON },
    ]);
  });

  test("It is not made when its record cannot be stored", async () => {
    const { audited, steps } = setUpChanges({ begin: () => Promise.reject(noTable) });
    const changing = audited(change, async () => steps.push(["change"]));
    await expect(changing).rejects.toBe(noTable);
    expect(steps).toEqual([]);
  });

  test("Its result, or its error, is the caller's, although its outcome cannot be stored", async () => {
    const { audited, errors } = setUpChanges({ finish: () => Promise.reject(noTable) });
    expect(await audited(change, async () => 5)).toBe(5);
    const bug = new Error("a bug");
    await expect(audited(change, () => Promise.reject(bug))).rejects.toBe(bug);
    expect(errors).toEqual([noTable, noTable]);
  });
});

const pendingOf = (n: number, awaitedForMs: number, of: object = {}): PendingAudit => ({
  intent: { id: `au_${n}`, at: NOON, ...change, ...of },
  awaitedUntilRealMs: noonMs + awaitedForMs,
});

const ended = ({ intent }: PendingAudit): AuditRecord => ({
  ...intent,
  outcome: "done",
  finishedAt: "2026-06-25T12:00:01.000Z",
});

/** A sweep of these records at noon, real time; in business time it is a day later. */
function setUpSweep(
  pending: PendingAudit[],
  records: AuditRecord[],
  faulty: Partial<AuditStore> & { publish?: (detail: string) => Promise<void> } = {},
) {
  const clock = makeTestClock();
  clock.passBusiness(86_400_000);
  const calls: unknown[] = [];
  const { publish, ...faults } = faulty;
  const sweep = makeSweepAudit({
    audit: {
      async pending(limit: number) {
        calls.push(["pending", limit]);
        return pending;
      },
      find: async (of: AuditIntent) => records.find(({ id }) => id === of.id),
      begin: async (of: PendingAudit) => void calls.push(["begin", of]),
      forget: async (of: AuditIntent) => void calls.push(["forget", of.id]),
      ...faults,
    } as unknown as AuditStore,
    publish: async ({ detail }) => {
      await publish?.(detail);
      calls.push(["publish", detail]);
    },
    clock,
    limit: 25,
  });
  return { calls, sweep };
}

/** The event of a record, as its text. */
const detailOf = (record: AuditRecord) =>
  JSON.stringify({
    id: `operator.action:${record.id}`,
    type: "operator.action",
    createdAt: record.at,
    ...(record.clientId === undefined ? {} : { clientId: record.clientId }),
    data: record,
  });

describe("A sweep of the audit records", () => {
  test("A record with an outcome is published and then forgotten, whether it is awaited or not", async () => {
    const [awaited, late] = [pendingOf(1, 5_000), pendingOf(2, -5_000, { clientId: undefined })];
    const { calls, sweep } = setUpSweep([awaited, late], [ended(awaited), ended(late)]);
    expect(await sweep()).toStrictEqual({ published: 2, incomplete: 0, failures: [] });
    expect(calls).toStrictEqual([
      ["pending", 25],
      ["publish", detailOf(ended(awaited))],
      ["forget", "au_1"],
      ["publish", detailOf(ended(late))],
      ["forget", "au_2"],
    ]);
    expect(detailOf(ended(late))).not.toContain("clientId");
  });

  test.each([
    ["is stored without an outcome", true],
    ["was never stored", false],
  ])("A record that %s is left alone as long as its outcome is awaited", async (_, isStored) => {
    const pending = pendingOf(1, 1);
    const record: AuditRecord = { ...pending.intent, outcome: "incomplete" };
    const { calls, sweep } = setUpSweep([pending], isStored ? [record] : []);
    expect(await sweep()).toStrictEqual({ published: 0, incomplete: 0, failures: [] });
    expect(calls).toStrictEqual([["pending", 25]]);
  });

  test("A record without an outcome is published as incomplete when its outcome is no longer awaited", async () => {
    const pending = pendingOf(1, 0);
    const record: AuditRecord = { ...pending.intent, outcome: "incomplete" };
    const { calls, sweep } = setUpSweep([pending], [record]);
    expect(await sweep()).toStrictEqual({ published: 1, incomplete: 1, failures: [] });
    expect(calls.slice(1)).toStrictEqual([
      ["publish", detailOf(record)],
      ["forget", "au_1"],
    ]);
  });

  test("A record that was never stored is stored first, and then published as incomplete", async () => {
    const pending = pendingOf(1, 0);
    const { calls, sweep } = setUpSweep([pending], []);
    expect(await sweep()).toStrictEqual({ published: 1, incomplete: 1, failures: [] });
    expect(calls.slice(1)).toStrictEqual([
      ["begin", pending],
      ["publish", detailOf({ ...pending.intent, outcome: "incomplete" })],
      ["forget", "au_1"],
    ]);
  });

  test("A record that cannot be published stays pending, and the next one is published", async () => {
    const all = [pendingOf(1, 0), pendingOf(2, 0)];
    const { calls, sweep } = setUpSweep(all, all.map(ended), {
      async publish(detail) {
        if (detail.includes("au_1")) throw new Failure("PUBLISH_FAILED", "throttled");
      },
    });
    expect(await sweep()).toStrictEqual({
      ...{ published: 1, incomplete: 0 },
      failures: [{ kind: "failed", code: "PUBLISH_FAILED", detail: "throttled" }],
    });
    expect(calls.slice(1)).toStrictEqual([
      ["publish", detailOf(ended(pendingOf(2, 0)))],
      ["forget", "au_2"],
    ]);
  });

  test("A record that was published and could not be forgotten is counted as a failure", async () => {
    const pending = pendingOf(1, 0);
    const forget = () => Promise.reject(noTable);
    const { calls, sweep } = setUpSweep([pending], [ended(pending)], { forget });
    expect(await sweep()).toStrictEqual({
      ...{ published: 0, incomplete: 0 },
      failures: [{ kind: "failed", code: "DEPENDENCY_DOWN", detail: "no table" }],
    });
    expect(calls).toHaveLength(2);
  });

  test("A sweep that cannot read what is pending returns that, and publishes nothing", async () => {
    const pending = () => Promise.reject(noTable);
    const { calls, sweep } = setUpSweep([], [], { pending });
    expect(await sweep()).toStrictEqual({
      ...{ published: 0, incomplete: 0 },
      failures: [{ kind: "failed", code: "DEPENDENCY_DOWN", detail: "no table" }],
    });
    expect(calls).toEqual([]);
  });
});
