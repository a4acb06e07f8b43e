import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeDynamoAudit } from "../../../shared/adapters/dynamo/dynamo-audit.ts";
import { randomHex } from "../../../shared/adapters/random-hex.ts";
import { Failure } from "../../../shared/contracts/failures.ts";
import { type AuditStore, makeAudited } from "../../../shared/core/audit/audit.ts";
import { makeSweepAudit } from "../../../shared/core/audit/sweep-audit.ts";
import { faultsOfOperatorAction } from "../../support/contract-judge.ts";
import { makeTestClock } from "../../support/fakes/clocks.ts";
import { openLocalTables } from "../../support/runs/local-tables.ts";

let tables: Awaited<ReturnType<typeof openLocalTables>>;
beforeAll(async () => {
  tables = await openLocalTables();
});
afterAll(() => tables.close());

const AWAIT_OUTCOME_MS = 60_000;

/** Each test has a client of its own: the tests share the table. */
let made = 0;

function setUp(faulty: Partial<AuditStore> = {}) {
  const clock = makeTestClock();
  const clientId = `cl_${++made}`;
  const tableName = tables.outputs.AuditTableName ?? "";
  const audit = makeDynamoAudit({ client: tables.client, tableName, clock });
  const errors: unknown[] = [];
  const audited = makeAudited({
    audit: { ...audit, ...faulty },
    clock,
    randomHex,
    awaitOutcomeMs: AWAIT_OUTCOME_MS,
    onNonFatalError: (error) => errors.push(error),
  });
  const published: { id: string; clientId?: string; data: { outcome: string } }[] = [];
  const sweep = makeSweepAudit({
    audit: { ...audit, ...faulty },
    publish: async ({ detail }) => {
      published.push(JSON.parse(detail));
    },
    clock,
    limit: 100,
  });
  const own = () => published.filter((one) => one.clientId === clientId);
  const change = { who: "operator:op1", action: "resumeConnection", target: {}, clientId };
  const list = async (limit = 25, before?: string) =>
    audit.list({ limit, before, matches: (record) => record.clientId === clientId });
  return { clock, audit, audited, sweep, own, change, list, errors };
}

test("A change has a record with its outcome, which is published once", async () => {
  const { audited, sweep, own, change, list } = setUp();
  expect(await audited({ ...change, why: "it was mended" }, async () => "changed")).toBe("changed");
  expect((await list()).records).toMatchObject([
    { ...change, why: "it was mended", outcome: "done", finishedAt: expect.any(String) },
  ]);
  await sweep();
  await sweep();
  expect(own()).toMatchObject([{ type: "operator.action", data: { outcome: "done" } }]);
  expect(own().flatMap(faultsOfOperatorAction)).toEqual([]);
});

test("A record has the ids of what its change created, in the list and on the bus", async () => {
  const { audited, sweep, own, change, list } = setUp();
  const created = { keyId: "key1" };
  await audited(
    change,
    async () => undefined,
    () => created,
  );
  expect((await list()).records).toMatchObject([{ ...change, outcome: "done", created }]);
  await sweep();
  expect(own()).toMatchObject([{ data: { outcome: "done", created } }]);
  expect(own().flatMap(faultsOfOperatorAction)).toEqual([]);
});

test.each([
  ["refused", new Failure("CONFLICT", "no"), "CONFLICT"],
  ["failed", new Failure("DEPENDENCY_DOWN", "no"), "DEPENDENCY_DOWN"],
  ["failed", new TypeError("a bug"), "INTERNAL_ERROR"],
])("A change that is %s throws its error, and its record says so", async (outcome, error, code) => {
  const { audited, change, list } = setUp();
  await expect(audited(change, () => Promise.reject(error))).rejects.toBe(error);
  expect((await list()).records).toMatchObject([{ outcome, code }]);
});

test("A change whose record cannot be stored is not made", async () => {
  const begin = () => Promise.reject(new Failure("DEPENDENCY_DOWN", "no table"));
  const { audited, change } = setUp({ begin });
  let isMade = false;
  const make = async () => {
    isMade = true;
  };
  await expect(audited(change, make)).rejects.toMatchObject({ code: "DEPENDENCY_DOWN" });
  expect(isMade).toBe(false);
});

test("A sweep whose store does not answer returns the failure, so that the other sweeps are reported", async () => {
  const pending = () => Promise.reject(new Failure("DEPENDENCY_DOWN", "no table"));
  const { sweep } = setUp({ pending });
  expect(await sweep()).toMatchObject({ published: 0, failures: [{ code: "DEPENDENCY_DOWN" }] });
});

describe("A process that is killed between the change and its outcome", () => {
  /** Makes a change and never returns, as when the process is killed. */
  async function crash(of: ReturnType<typeof setUp>): Promise<void> {
    const { audited, change } = of;
    await new Promise<void>((isMade) => {
      void audited(change, async () => {
        isMade();
        await new Promise(() => undefined);
      });
    });
  }

  test("leaves its record, which is shown as incomplete", async () => {
    const of = setUp();
    await crash(of);
    expect((await of.list()).records).toMatchObject([{ ...of.change, outcome: "incomplete" }]);
  });

  test("has its record published as incomplete, once its outcome is no longer awaited", async () => {
    const of = setUp();
    await crash(of);
    await of.sweep();
    expect(of.own()).toEqual([]);
    of.clock.passReal(AWAIT_OUTCOME_MS + 1);
    await of.sweep();
    await of.sweep();
    expect(of.own()).toMatchObject([{ data: { outcome: "incomplete" } }]);
  });

  test("or whose outcome could not be stored, has made its change, and is published as incomplete", async () => {
    const finish = () => Promise.reject(new Failure("DEPENDENCY_DOWN", "no answer"));
    const of = setUp({ finish });
    expect(await of.audited(of.change, async () => "changed")).toBe("changed");
    expect(of.errors).toHaveLength(1);
    of.clock.passReal(AWAIT_OUTCOME_MS + 1);
    await of.sweep();
    expect(of.own()).toMatchObject([{ data: { outcome: "incomplete" } }]);
  });

  test("before its record is stored has changed nothing, and its record is completed", async () => {
    const of = setUp();
    const id = `au_${randomHex(16)}`;
    const intent = { ...of.change, id, at: new Date(of.clock.businessMs()).toISOString() };
    // What `begin` stores first.
    await of.audit.begin({ intent, awaitedUntilRealMs: of.clock.realMs() - 1 });
    await of.sweep();
    expect(of.own()).toMatchObject([{ id: `operator.action:${id}` }]);
    expect((await of.list()).records).toMatchObject([{ id, outcome: "incomplete" }]);
  });
});

test("A record stays as it was first stored, and so does its outcome", async () => {
  const { audit, audited, change, list } = setUp();
  await audited(change, async () => undefined);
  const [record] = (await list()).records;
  if (!record) throw new Error("there is no record");
  await audit.begin({ intent: { ...record, who: "somebody else" }, awaitedUntilRealMs: 0 });
  await audit.finish(record, { outcome: "failed" });
  expect((await list()).records).toEqual([record]);
});

test("Records are listed newest first, page by page, across months", async () => {
  const { audited, change, list, clock } = setUp();
  for (let n = 0; n < 7; n++) {
    await audited({ ...change, why: String(n) }, async () => undefined);
    clock.passBusiness(12 * 24 * 60 * 60_000);
  }
  const seen: (string | undefined)[] = [];
  let before: string | undefined;
  do {
    const page = await list(2, before);
    seen.push(...page.records.map(({ why }) => why));
    before = page.before;
  } while (before !== undefined);
  expect(seen).toEqual(["6", "5", "4", "3", "2", "1", "0"]);
});
