import { describe, expect, test } from "vitest";
import { Failure } from "../../shared/contracts/failures.ts";
import { VERSION } from "../../shared/contracts/version.ts";
import { makeClientPages } from "../../shared/core/operator/client-pages.ts";
import { overviewHandlers } from "../../shared/core/operator/overview-handlers.ts";
import type { OperatorDeps, QueueCounts } from "../../shared/core/operator/ports.ts";
import { laneId } from "../../shared/core/requests/acceptance/request-id.ts";
import type { LaneAccount } from "../../shared/core/requests/state/record.ts";
import { answerOf } from "../support/answer-of.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";
import { makeMemoryRequests } from "../support/memory/memory-requests.ts";
import { newOwner, requestRecord } from "../support/payloads/request-records.ts";

const NOW = "2026-06-25T12:00:00.000Z";
const nowMs = Date.parse(NOW);

const linkOf = (clientId: string) => ({ kind: "portal", clientId, expiresMs: nowMs + 1_000 });

/** A stack whose only client is cl_1. */
function setUp(given: object = {}) {
  const clock = makeTestClock();
  const { requests, lanes } = makeMemoryRequests({ clock, retentionMs: 86_400_000 });
  const accounts: LaneAccount[] = [];
  /** The lanes that were read. */
  const read: string[] = [];
  const store = {
    client: async (id: string) => (id === "cl_1" ? { clientId: id, name: "Acme" } : undefined),
    clientIds: async () => ["cl_1"],
    accountsOf: async (clientId: string) => accounts.filter((one) => one.clientId === clientId),
  };
  const deps = {
    ...{ clock, store, requestStore: requests, stack: "prod", isLocal: false, speed: 2 },
    lanes: {
      async find(lane: string) {
        read.push(lane);
        return lanes.find(lane);
      },
    },
    ...given,
  } as unknown as OperatorDeps;

  /** Registers an account with a lane in which a request waits since that time. */
  async function addLane(owner: LaneAccount, joinedMs = nowMs): Promise<void> {
    accounts.push(owner);
    const subQueues = [{ category: "other", isHigh: false } as const];
    await lanes.join(laneId(owner), owner, { nowMs, dueMs: nowMs, subQueues });
    const waits = { laneState: "waiting", lanePosition: nowMs, joinedMs } as const;
    await requests.create(requestRecord(owner, waits));
  }
  return { clock, read, addLane, handlers: overviewHandlers(deps, makeClientPages(deps)) };
}

describe("Who calls", () => {
  const operator = { kind: "operator", keyId: "op1", name: "anna", scope: "operate" };
  const stack = { stack: "prod", isLocal: false, speed: 2, version: VERSION, now: NOW };
  const expiresAt = "2026-06-25T12:00:01.000Z";

  test("An operator is told the name and the scope of its key, and when it expires", async () => {
    const { handlers, clock } = setUp();
    clock.passReal(5_000);
    const own = { kind: "operator", name: "anna", scope: "operate", ...stack };
    expect(await answerOf(handlers.getMe, { caller: operator })).toEqual(own);
    const caller = { ...operator, expiresMs: nowMs + 1_000 };
    expect(await answerOf(handlers.getMe, { caller })).toEqual({ ...own, expiresAt });
  });

  test("A portal link is told its client, whose name may be gone", async () => {
    const { handlers } = setUp();
    const own = { kind: "portal", clientId: "cl_1", name: "Acme", clientName: "Acme" };
    const answer = await answerOf(handlers.getMe, { caller: linkOf("cl_1") });
    expect(answer).toEqual({ ...own, ...stack, expiresAt });
    const ofNobody = await answerOf(handlers.getMe, { caller: linkOf("cl_2") });
    const gone = { kind: "portal", clientId: "cl_2", name: "" };
    expect(ofNobody).toEqual({ ...gone, ...stack, expiresAt });
  });
});

describe("The parts of a stack", () => {
  test("As many lanes are listed as were asked for, of a client that there is", async () => {
    const { handlers, addLane } = setUp();
    const owners = [newOwner({ clientId: "cl_1" }), newOwner({ clientId: "cl_1" }), newOwner()];
    for (const [n, owner] of owners.entries()) await addLane(owner, nowMs + n);
    const accountsOf = async (query: object) => {
      const { items } = await answerOf(handlers.listLanes, { query });
      return items.map(({ accountId }: { accountId: string }) => accountId);
    };
    const accounts = owners.map(({ accountId }) => accountId);
    expect(await accountsOf({ limit: 3 })).toEqual(accounts);
    expect(await accountsOf({ limit: 3, clientId: "cl_1" })).toEqual(accounts.slice(0, 2));
    expect(await accountsOf({ limit: 1, clientId: "cl_1" })).toEqual(accounts.slice(0, 1));
    await expect(accountsOf({ limit: 1, clientId: "cl_2" })).rejects.toThrow(
      new Failure("NOT_FOUND", "there is no such client"),
    );
  });

  test("The lanes are read once in three seconds, and a portal link shows its client's", async () => {
    const { handlers, addLane, clock, read } = setUp();
    const own = newOwner({ clientId: "cl_1" });
    for (const owner of [newOwner(), own, newOwner()]) await addLane(owner);
    const query = { limit: 25, clientId: "cl_1" };
    const list = () => answerOf(handlers.listLanes, { caller: linkOf("cl_1"), query });
    const listed = { items: [expect.objectContaining(own)], isComplete: true };
    expect(await list()).toEqual(listed);
    clock.passBusiness(60_000);
    clock.passReal(2_999);
    expect(await list()).toEqual(listed);
    expect(read).toHaveLength(3);
    clock.passReal(1);
    await list();
    expect(read).toHaveLength(6);
  });

  test("Every queue is listed, with the name of its dead letters where it has some", async () => {
    const counts = { waiting: 1, inFlight: 2, delayed: 3, deadLetters: 4 };
    const queueOf = (name: string, of: Partial<QueueCounts>) => ({
      ...{ name, ...counts, deadLettersInFlight: 5 },
      ...{ hasQueue: true, isRedrivable: true, hasDeadLetters: true },
      ...of,
    });
    const queues = [
      queueOf("inbound", {}),
      queueOf("events", { hasQueue: false }),
      queueOf("plain", { hasDeadLetters: false }),
    ];
    const { handlers } = setUp({ queues: { counts: async () => queues } });
    expect(await answerOf(handlers.listQueues)).toEqual({
      items: [
        { name: "inbound", ...counts, deadLetterQueue: "inbound" },
        { name: "events", ...counts, deadLetterQueue: "events" },
        { name: "plain", ...counts },
      ],
    });
  });

  test("The alarms are listed as they are read", async () => {
    const alarms = { isAvailable: false, reason: "a local run has none", items: [] };
    const { handlers } = setUp({ readAlarms: async () => alarms });
    expect(await answerOf(handlers.listAlarms)).toEqual(alarms);
  });

  test("The settings are listed, and which of them are the defaults", async () => {
    const settings = { laneHoldSeconds: 3_600, pollsPerRun: 7, defaultPreset: "standard" };
    const { handlers } = setUp({ settings });
    expect(await answerOf(handlers.getSettings)).toEqual({
      items: [
        { name: "laneHoldSeconds", value: 3_600, isDefault: true },
        { name: "pollsPerRun", value: 7, isDefault: false },
        { name: "defaultPreset", value: "standard", isDefault: false },
      ],
    });
  });
});
