import { describe, expect, test } from "vitest";
import type { ConnectionItem } from "../../shared/contracts/config-items.ts";
import { Failure } from "../../shared/contracts/failures.ts";
import type { NeedView } from "../../shared/contracts/http/operator/overview.ts";
import type { PendingAudit } from "../../shared/core/audit/audit.ts";
import { makeClientPages } from "../../shared/core/operator/client-pages.ts";
import { overviewHandlers } from "../../shared/core/operator/overview-handlers.ts";
import type { OperatorDeps, QueueCounts } from "../../shared/core/operator/ports.ts";
import { laneId } from "../../shared/core/requests/acceptance/request-id.ts";
import { answerOf } from "../support/answer-of.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";
import { makeMemoryRequests } from "../support/memory/memory-requests.ts";
import { newOwner, requestRecord } from "../support/payloads/request-records.ts";

const NOW = "2026-06-25T12:00:00.000Z";
const EARLIER = "2026-06-25T11:00:00.000Z";
const nowMs = Date.parse(NOW);
const operator = { kind: "operator", keyId: "op1", name: "anna", scope: "operate" };
const linkOf = (clientId: string) => ({ kind: "portal", clientId, expiresMs: nowMs });

interface Given {
  /** The clients. */
  ids?: string[];
  queues?: QueueCounts[];
  pending?: PendingAudit[];
  /** Of every client; none has credentials. */
  connections?: Partial<ConnectionItem>[];
  deps?: Partial<OperatorDeps>;
}

function setUp({ ids = ["cl_1"], queues = [], pending = [], connections = [], deps }: Given = {}) {
  const clock = makeTestClock();
  const { requests, lanes } = makeMemoryRequests({ clock, retentionMs: 86_400_000 });
  const asked: unknown[] = [];
  const reads: string[] = [];
  const store = {
    client: async (id: string) => (ids.includes(id) ? { clientId: id, name: "Acme" } : undefined),
    clientIds: async () => ids,
    connectionsOf: async () => connections,
    accountsOf: async () => [],
  };
  const all = {
    ...{ clock, store, requestStore: requests, lanes, speed: 1 },
    traffic: {
      read: async (of: string, clientId: string) => {
        reads.push(`${of} of ${clientId}`);
        return { entries: [], isComplete: true };
      },
    },
    queues: {
      counts: async () => {
        asked.push("queues");
        return queues;
      },
    },
    audit: {
      pending: async (limit: number) => {
        asked.push(limit);
        return pending;
      },
    },
    inputs: { read: async () => ({ webhooks: new Map(), health: new Map() }) },
    administration: async () => ({ viewOfItem: () => ({ hasCredentials: false }) }),
    ...deps,
  } as unknown as OperatorDeps;
  const handlers = overviewHandlers(all, makeClientPages(all));
  const overview = (caller: object = operator, clientId?: string) =>
    answerOf(handlers.getOverview, { caller, query: clientId === undefined ? {} : { clientId } });

  /** A lane of the first client whose request joined it at that time. @returns its account */
  async function addLane(joinedMs: number): Promise<string> {
    const owner = newOwner({ clientId: ids[0] ?? "" });
    const subQueues = [{ category: "other", isHigh: false } as const];
    await lanes.join(laneId(owner), owner, { nowMs, dueMs: nowMs, subQueues });
    const waits = { laneState: "waiting", lanePosition: nowMs, joinedMs } as const;
    await requests.create(requestRecord(owner, waits));
    return owner.accountId;
  }
  return { clock, asked, reads, overview, addLane };
}

const countsOf = (name: string, of: Partial<QueueCounts> = {}): QueueCounts => ({
  ...{ name, waiting: 1, inFlight: 2, delayed: 3, deadLetters: 4, deadLettersInFlight: 5 },
  ...{ hasQueue: true, isRedrivable: true, hasDeadLetters: true },
  ...of,
});
const shown = (name: string) => ({ name, waiting: 1, inFlight: 2, delayed: 3, deadLetters: 4 });

const pendingOf = (id: string, of: Partial<PendingAudit["intent"]> = {}): PendingAudit => ({
  intent: { id, at: EARLIER, who: "cli:root", action: "resumeAccount", target: {}, ...of },
  awaitedUntilRealMs: nowMs - 1,
});

describe("The overview", () => {
  const queues = [
    countsOf("inbound"),
    countsOf("plain", { hasDeadLetters: false, deadLettersInFlight: 0, deadLetters: 0 }),
    countsOf("events", { hasQueue: false }),
  ];

  test("An operator sees every client's traffic, the queues and what they need", async () => {
    const { overview, reads } = setUp({ ids: ["cl_1", "cl_2"], queues });
    const { traffic, needsYou, ...others } = await overview();
    expect(others).toEqual({
      at: NOW,
      lanes: [],
      hasAllLanes: true,
      queues: [
        { ...shown("inbound"), deadLetterQueue: "inbound" },
        { ...shown("plain"), deadLetters: 0 },
      ],
      clients: 2,
      isComplete: true,
    });
    expect(traffic).toMatchObject({ since: EARLIER, isComplete: true });
    expect(needsYou.map(({ subject }: NeedView) => subject.id).sort()).toEqual([
      "events",
      "inbound",
    ]);
    expect(reads).toHaveLength(6);
  });

  test("A portal link sees its client only, and neither queues nor changes", async () => {
    const given = { ids: ["cl_1", "cl_2"], queues, pending: [pendingOf("au_1")] };
    const { overview, reads, asked } = setUp(given);
    const answer = await overview(linkOf("cl_1"), "cl_1");
    expect(answer).toMatchObject({ needsYou: [], queues: [], clients: 1, isComplete: true });
    expect(reads).toEqual(["requests of cl_1", "events of cl_1", "deliveries of cl_1"]);
    expect(asked).toEqual([]);
  });

  test.each([
    [100, true],
    [101, false],
  ])("Of %i clients a hundred are looked at, which is complete: %s", async (n, isComplete) => {
    const ids = Array.from({ length: n }, (_, at) => `cl_${at}`);
    const { overview, reads } = setUp({ ids });
    expect(await overview()).toMatchObject({ clients: n, isComplete });
    expect(reads).toHaveLength(300);
  });

  test("The ten lanes of the oldest requests are shown", async () => {
    const { overview, addLane } = setUp();
    const accounts: string[] = [];
    for (let n = 0; n < 11; n++) accounts.push(await addLane(nowMs - n));
    const { lanes } = await overview();
    const found = lanes.map(({ accountId }: { accountId: string }) => accountId);
    expect(found).toEqual(accounts.reverse().slice(0, 10));
  });

  test.each([
    [99, true],
    [100, false],
  ])("With %i lanes that are due the overview has all of them: %s", async (n, hasAllLanes) => {
    const { overview, addLane } = setUp();
    for (let lane = 0; lane < n; lane++) await addLane(nowMs);
    expect(await overview()).toMatchObject({ hasAllLanes, isComplete: true });
  });

  test("What pages comes first, then what has waited longest, last what has no time", async () => {
    const refused = { count: 1, since: EARLIER, lastAt: NOW, addresses: ["192.0.2.1"] };
    const settings = { status: "active", signature: "enforce" } as ConnectionItem["settings"];
    const connections = [{ clientId: "cl_1", connectionId: "cn_1", settings, refused }];
    const pending = [pendingOf("au_1"), pendingOf("au_2", { at: "2026-06-25T10:00:00.000Z" })];
    const { overview } = setUp({ queues: [countsOf("inbound")], connections, pending });
    const { needsYou } = await overview();
    expect(needsYou).toMatchObject([
      { severity: "page", kind: "webhooks_refused" },
      { severity: "page", kind: "dead_letters" },
      { severity: "ticket", subject: { id: "au_2" } },
      { severity: "ticket", subject: { id: "au_1" } },
      { severity: "ticket", kind: "connection_without_credentials" },
    ]);
  });

  test("A change whose outcome is awaited no longer needs a look by a person", async () => {
    const of = { whoName: "anna", clientId: "cl_1", at: "2026-06-25T10:00:00.000Z" };
    const awaited = { ...pendingOf("au_3"), awaitedUntilRealMs: nowMs };
    const { overview, asked } = setUp({
      pending: [pendingOf("au_1", of), pendingOf("au_2"), awaited],
    });
    const need = {
      kind: "action_incomplete",
      severity: "ticket",
      title: "It is not known whether resumeAccount was carried out",
      toDo: "Look at what it was to change, and repeat it if necessary.",
    };
    const { needsYou } = await overview();
    expect(needsYou).toEqual([
      {
        ...{ ...need, cause: "The process of anna ended in between.", since: of.at },
        ...{ clientId: "cl_1", subject: { kind: "action", id: "au_1" } },
      },
      {
        ...{ ...need, cause: "The process of cli:root ended in between.", since: EARLIER },
        subject: { kind: "action", id: "au_2" },
      },
    ]);
    expect(asked).toContain(20);
  });
});

describe("The memory of overviews", () => {
  test("An overview is remembered for three seconds by its client and kind of caller", async () => {
    const { overview, reads, clock } = setUp({ ids: ["cl_1", "cl_2"] });
    await Promise.all([overview(operator, "cl_1"), overview(operator, "cl_1")]);
    expect(reads).toHaveLength(3);
    await overview(linkOf("cl_1"), "cl_1");
    expect(reads).toHaveLength(6);
    await overview(operator, "cl_2");
    expect(reads).toHaveLength(9);
    await overview();
    expect(reads).toHaveLength(15);
    clock.passBusiness(60_000);
    clock.passReal(2_999);
    await overview(operator, "cl_1");
    expect(reads).toHaveLength(15);
    clock.passReal(1);
    await overview(operator, "cl_1");
    expect(reads).toHaveLength(18);
  });

  test("At most about a hundred overviews are remembered", async () => {
    const ids = Array.from({ length: 102 }, (_, n) => `cl_${n}`);
    const { overview, reads } = setUp({ ids });
    for (const id of ids.slice(0, 101)) await overview(operator, id);
    await overview(operator, "cl_0");
    expect(reads).toHaveLength(303);
    await overview(operator, "cl_101");
    await overview(operator, "cl_0");
    expect(reads).toHaveLength(309);
  });

  test("An overview that failed is not remembered", async () => {
    const down = new Failure("DEPENDENCY_DOWN", "no traffic");
    let failures = 1;
    const read = async () => {
      if (failures-- > 0) throw down;
      return { entries: [], isComplete: true };
    };
    const { overview } = setUp({ deps: { traffic: { read } } });
    await expect(overview()).rejects.toThrow(down);
    expect(await overview()).toMatchObject({ clients: 1 });
  });
});
