import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { sha256Hex } from "../../shared/core/crypto/digest.ts";
import type { Fault } from "../support/fakes/aws-faults.ts";
import {
  type FaultyRequestsRun,
  startFaultyRequestsRun,
} from "../support/runs/faulty-requests-run.ts";
import type { ShownRequest } from "../support/runs/requests-run.ts";

const DAY_MS = 86_400_000;
const SPEED = 600;
/** Real time. */
const LEASE_MS = 20_000;

let run: FaultyRequestsRun;
beforeAll(async () => {
  run = await startFaultyRequestsRun({
    speed: SPEED,
    visibilitySeconds: LEASE_MS / 1_000 + 2,
    maxReceives: 50,
    sweepMinutes: (5 * SPEED) / 60,
    settings: {
      laneLeaseSeconds: LEASE_MS / 1_000,
      outboxGraceSeconds: LEASE_MS / 1_000,
      submitTimeoutSeconds: 5,
      unknownTimeoutSeconds: 365 * 86_400,
      scheduleLeadSeconds: 0,
      clientRequestsPerSecond: 10_000,
    },
  });
});
afterAll(() => run.close());

/** Faults of each call. With EVERY_FAULT=1 all of them. */
const faults: readonly Fault[] =
  process.env.EVERY_FAULT === "1"
    ? ["crash-before", "crash-after", "timeout-not-applied", "timeout-applied", "throttle"]
    : ["crash-after"];

/** An SDK client makes three attempts before a call fails. */
const timesOf = (fault: Fault) => (fault === "throttle" ? 3 : 1);

/** Requests of a group keep their status in an attribute. */
const stored = (status: string) => `"status":{"S":"${status}"}`;

type By = "lane" | "account" | "batch key" | "item key";

/** The calls to AWS that a batch makes, and those by which `submit` publishes its events. */
const calls: readonly {
  from: "api" | "submit";
  operation: string;
  by: By;
  which?: string;
  after?: number;
}[] = [
  { from: "api", operation: "GetItem", by: "batch key" },
  { from: "api", operation: "BatchGetItem", by: "item key" },
  { from: "api", operation: "PutItem", by: "batch key" },
  { from: "api", operation: "PutItem", by: "item key" },
  { from: "api", operation: "UpdateItem", by: "lane", which: "lastPlace" },
  { from: "api", operation: "PutItem", by: "lane", which: stored("QUEUED") },
  { from: "api", operation: "PutItem", by: "lane", which: stored("QUEUED"), after: 2 },
  { from: "api", operation: "PutItem", by: "lane", which: stored("SCHEDULED") },
  { from: "api", operation: "CreateSchedule", by: "lane" },
  { from: "api", operation: "PutItem", by: "account", which: '"pk":' },
  { from: "api", operation: "SendMessageBatch", by: "lane" },
  { from: "submit", operation: "BatchGetItem", by: "lane" },
  { from: "submit", operation: "PutEvents", by: "lane", which: "workflow.created" },
  { from: "submit", operation: "BatchWriteItem", by: "lane", which: "workflow.created" },
  { from: "submit", operation: "PutItem", by: "lane", which: stored("QUEUED") },
];

interface Item {
  status: number;
  request?: ShownRequest;
  problem?: { code: string; detail: string };
}
interface GroupView {
  total: number;
  counts: Record<string, number>;
}
interface Answer {
  accepted: number;
  refused: number;
  items: Item[];
}

/** Sends the batch until it is answered, as a client does. */
async function send(body: object, key: string): Promise<Answer> {
  for (let attempt = 0; attempt < 60; attempt++) {
    if (attempt > 0) await sleep(100);
    const headers = { "idempotency-key": key };
    const answer = await run
      .native<Answer>("POST", "/v1/requests/batch", body, headers)
      .catch(() => undefined);
    const items = answer?.status === 200 ? answer.body.items : [];
    if (answer?.status === 200 && items.every(({ status }) => status < 500)) return answer.body;
  }
  throw new Error(`the batch ${key} was never answered`);
}

/** What a repeated call must show again: not the status, which goes on. */
const shown = ({ items, ...counts }: Answer) => ({
  ...counts,
  items: items.map(({ status, request, problem }) => [status, request?.requestId, problem]),
});

async function play(of: (typeof calls)[number], fault: Fault, n: string) {
  const accountId = `batch.${typeof fault === "string" ? fault : ""}.${n}.`;
  const [key, itemKey] = [`${accountId}key`, `${accountId}item`];
  const texts: Record<By, string> = {
    lane: run.lane(accountId),
    account: accountId,
    "batch key": sha256Hex(`batch ${key}`),
    "item key": sha256Hex(itemKey),
  };
  const matching = texts[of.by];
  const plan = run.proxy.plan({ ...of, fault, times: timesOf(fault), matching });
  const item = (params: object, more: object = {}) => ({
    ...{ provider: "we-link", accountId, action: "connect", params },
    ...more,
  });
  const scheduled = new Date(run.businessMs() + 30 * DAY_MS).toISOString();
  const body = {
    group: accountId,
    requests: [
      item({ n: 0 }),
      item({ n: 1 }, { idempotencyKey: itemKey }),
      item({ n: 2 }),
      item({ n: 3 }, { scheduled }),
      item({ n: 4 }, { scheduled: "yesterday" }),
      item({ n: 5 }),
      item({ n: 6 }, { accountId: `${accountId}other` }),
    ],
  };
  const answers = [await send(body, key)];
  answers.push(await send(body, key));
  const [first, repeated] = answers.map(shown);
  expect(repeated).toEqual(first);
  const ids = (answers[0]?.items ?? []).flatMap(({ request }) => request?.requestId ?? []);
  return { accountId, plan, ids, answers };
}

/** The request for a later time, which is stored and not submitted. */
const scheduledIn = ([first]: readonly Answer[]) => first?.items[3]?.request?.requestId;

test(`A batch that meets a fault of any of its AWS calls (${calls.length} calls) has the same answers when it is repeated, each of its requests is stored and submitted once, with one event of each kind, and its group counts them`, async () => {
  type Case = { of: (typeof calls)[number]; fault: Fault; n: number };
  let waiting: Case[] = faults.flatMap((fault) => calls.map((of, n) => ({ of, fault, n })));
  const played: Awaited<ReturnType<typeof play>>[] = [];
  const missed: Case[] = [];
  const worker = async (round: number) => {
    for (let one = waiting.shift(); one; one = waiting.shift()) {
      const result = await play(one.of, one.fault, `${one.n}.${round}`);
      played.push(result);
      if (result.plan.struck() === 0) missed.push(one);
    }
  };
  // Another write sometimes comes first, and the call of the case is not made: it is played again.
  for (let round = 1; round <= 4; round++) {
    await Promise.all([worker(round), worker(round), worker(round)]);
    waiting = missed.splice(0);
  }

  for (const { ids, accountId, answers } of played) {
    expect(answers[0]).toMatchObject({ accepted: 6, refused: 1 });
    expect(answers[0]?.items[4]).toMatchObject({
      status: 400,
      problem: { code: "REQUEST_INVALID" },
    });
    const unknown: string[] = [];
    for (const id of ids) {
      await expect.poll(() => run.copies(id, "workflow.created").length).toBeGreaterThan(0);
      expect(new Set(run.copies(id, "workflow.created")).size).toBe(1);
      if (id === scheduledIn(answers)) continue;
      const look = async () => (await run.stored(id)).status;
      await expect.poll(look).toMatch(/^(SUCCEEDED|UNKNOWN)$/);
      // On a busy machine a submission may get no answer in time.
      if ((await look()) === "UNKNOWN") unknown.push(id);
      else expect(new Set(run.copies(id, "workflow.completed")).size).toBeLessThanOrEqual(1);
    }
    const submitted = [
      ...(await run.submissions(accountId)),
      ...(await run.submissions(`${accountId}other`)),
    ].filter(({ status }) => status === 200);
    const numbers = submitted.map(({ body }) => (body as { n: number }).n);
    expect(new Set(numbers).size).toBe(numbers.length);
    expect(numbers.length).toBeGreaterThanOrEqual(5 - unknown.length);
    expect(numbers.length).toBeLessThanOrEqual(5);
  }

  const [{ accountId: group = "", ids = [] } = {}] = played;
  const path = `/v1/groups/${group}`;
  const counted = async () => (await run.native<GroupView>("GET", path)).body;
  await expect.poll(counted).toMatchObject({ total: 6, counts: { SCHEDULED: 1, QUEUED: 0 } });
  const listed = await run.native<{ items: ShownRequest[] }>("GET", `/v1/requests?group=${group}`);
  expect(listed.body.items.map(({ requestId }) => requestId).sort()).toEqual(ids.toSorted());
  expect((await run.native("DELETE", path)).body).toMatchObject({ cancelled: 1, remaining: 0 });
  await expect.poll(counted).toMatchObject({ counts: { SCHEDULED: 0, CANCELLED: 1 } });
  expect((await run.native("GET", "/v1/groups/none")).status).toBe(404);

  expect(waiting.map(({ of }) => `${of.from} ${of.operation}`)).toEqual([]);
});
