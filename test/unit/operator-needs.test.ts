import { setImmediate } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { ConnectionItem } from "../../shared/contracts/config-items.ts";
import type { LaneView } from "../../shared/contracts/http/operator/overview.ts";
import { makeClientNeeds, needsOfQueues } from "../../shared/core/operator/needs.ts";
import type { OperatorDeps, QueueCounts } from "../../shared/core/operator/ports.ts";
import type { RequestRecord } from "../../shared/core/requests/state/record.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";
import { makeMemoryRequests } from "../support/memory/memory-requests.ts";
import { newOwner, requestRecord } from "../support/payloads/request-records.ts";

const NOW = "2026-06-25T12:00:00.000Z";
const EARLIER = "2026-06-25T11:00:00.000Z";
const DAY_MS = 86_400_000;

interface Given {
  connections?: ConnectionItem[];
  /** Of every connection. */
  hasCredentials?: boolean | undefined;
  /** Webhooks in the quarantine of each connection. */
  quarantined?: number;
  requests?: RequestRecord[];
}

/** The client cl_1, which has no webhook. */
async function setUp({ connections = [], quarantined = 0, requests = [], ...given }: Given) {
  const clock = makeTestClock();
  const stored = makeMemoryRequests({ clock, retentionMs: DAY_MS });
  for (const request of requests) await stored.requests.create(request);
  const { hasCredentials } = { hasCredentials: true, ...given };
  const looked: string[] = [];
  /** Lists of quarantines at the same time. */
  const running = { now: 0, most: 0 };
  const deps = {
    clock,
    requestStore: stored.requests,
    inputs: { read: async () => ({ webhooks: new Map(), health: new Map() }) },
    store: { connectionsOf: async (clientId: string) => (clientId === "cl_1" ? connections : []) },
    administration: async () => ({ viewOfItem: () => ({ hasCredentials }) }),
    quarantine: {
      keys: async function* (connectionId: string) {
        running.most = Math.max(running.most, ++running.now);
        await setImmediate();
        running.now--;
        for (let n = 0; n < quarantined; n++) {
          looked.push(connectionId);
          yield `${connectionId}/${n}`;
        }
      },
    },
  };
  const needsOfClient = makeClientNeeds(deps as unknown as OperatorDeps);
  const needs = (lanes: LaneView[] = []) => needsOfClient("cl_1", lanes);
  return { clock, looked, running, needs };
}

const needsOf = async (given: Given, lanes?: LaneView[]) => (await setUp(given)).needs(lanes);

function connection(
  of: Partial<ConnectionItem> = {},
  settings: Partial<ConnectionItem["settings"]> = {},
): ConnectionItem {
  return {
    ...{ pk: "connection#cn_1", clientId: "cl_1", connectionId: "cn_1", provider: "we-link" },
    ...{ createdAt: EARLIER, tokens: [], sealedSecrets: "sealed", version: 1 },
    settings: {
      ...{ status: "active", signature: "enforce", hashForms: ["raw"] },
      ...{ allowUnboundJwt: false, verifyByFetch: false },
      ...settings,
    },
    ...of,
  };
}

const lane = (of: Partial<LaneView> = {}): LaneView => ({
  ...{ clientId: "cl_1", provider: "we-link", connectionId: "cn_1", accountId: "anna" },
  ...{ waiting: 1, isHeld: false, isStuck: false },
  ...of,
});

describe("What a person must do at a connection", () => {
  const ofConnection = { clientId: "cl_1", subject: { kind: "connection", id: "cn_1" } };

  test("A client whose connection works and whose requests wait needs nobody", async () => {
    expect(await needsOf({ connections: [connection()] }, [lane()])).toEqual([]);
  });

  test.each<[ConnectionItem["pausedBecause"], string, string]>([
    [undefined, "A person has paused it.", "Resume it."],
    [
      "CREDENTIALS_REFUSED",
      "The provider refused its credentials.",
      "Set its credentials, then resume it.",
    ],
  ])("A connection that is paused (%s) needs a person", async (pausedBecause, cause, toDo) => {
    const connections = [connection({ pausedBecause }, { status: "paused" })];
    const lanes = [
      ...[lane({ waiting: 3 }), lane({ accountId: "ben", waiting: 4 })],
      ...[lane({ connectionId: "cn_2", waiting: 10 }), lane({ clientId: "cl_2", waiting: 20 })],
    ];
    expect(await needsOf({ connections }, lanes)).toEqual([
      {
        ...ofConnection,
        kind: "connection_paused",
        severity: "page",
        title: "The connection to we-link is paused",
        cause,
        toDo,
        count: 7,
      },
    ]);
  });

  test("A connection that is known to have no credentials needs them", async () => {
    const given = { connections: [connection()], hasCredentials: false };
    expect(await needsOf(given, [lane({ waiting: 3 })])).toEqual([
      {
        ...ofConnection,
        kind: "connection_without_credentials",
        severity: "ticket",
        title: "The connection to we-link has no credentials",
        cause: "Nothing can be submitted without them.",
        toDo: "Set its credentials.",
        count: 3,
      },
    ]);
    expect(await needsOf({ ...given, hasCredentials: undefined })).toEqual([]);
  });

  const MISMATCH = "Their signature does not match a secret of this connection.";
  const FORGED = [
    "If the provider has a new secret, rotate to it; else somebody forges them.",
    "Quarantine keeps what comes meanwhile.",
  ].join(" ");
  test.each([
    [["192.0.2.1"], "one address"],
    [["192.0.2.1", "192.0.2.2"], "several addresses"],
  ])("Webhooks that are refused from %j need a person for a day", async (addresses, from) => {
    const refused = { count: 5, since: EARLIER, lastAt: NOW, addresses };
    const { needs, clock } = await setUp({ connections: [connection({ refused })] });
    clock.passBusiness(DAY_MS - 1);
    expect(await needs()).toEqual([
      {
        ...ofConnection,
        kind: "webhooks_refused",
        severity: "page",
        title: "Webhooks of we-link are refused",
        cause: `${MISMATCH} They came from ${from}.`,
        toDo: FORGED,
        since: EARLIER,
        count: 5,
      },
    ]);
    clock.passBusiness(1);
    expect(await needs()).toEqual([]);
  });

  test.each([
    [1, 1],
    [99, 99],
    [100, 100],
    [150, 100],
  ])("Of %i webhooks in quarantine %i are counted", async (quarantined, count) => {
    const connections = [connection({}, { signature: "quarantine" })];
    const { needs, looked } = await setUp({ connections, quarantined });
    expect(await needs()).toEqual([
      {
        ...ofConnection,
        kind: "webhooks_quarantined",
        severity: "ticket",
        title: "Webhooks of we-link wait in quarantine",
        cause: "Their signature did not match when they came.",
        toDo: "Rotate to the right secret, release them, and enforce the signature again.",
        count,
      },
    ]);
    expect(looked).toEqual(Array.from({ length: count }, () => "cn_1"));
  });

  test("Ten quarantines of one client are looked at at a time, and in the end all", async () => {
    const connections = Array.from({ length: 25 }, (_, n) =>
      connection({ connectionId: `cn_${n}` }, { signature: "quarantine" }),
    );
    const { needs, running } = await setUp({ connections, quarantined: 1 });
    const ids = (await needs()).map(({ subject }) => subject.id);
    expect(ids).toEqual(connections.map(({ connectionId }) => connectionId));
    expect(running).toEqual({ now: 0, most: 10 });
  });

  test("A quarantine needs nobody when it is empty, or is not in use", async () => {
    const unused = await setUp({ connections: [connection()], quarantined: 1 });
    expect(await unused.needs()).toEqual([]);
    expect(unused.looked).toEqual([]);
    const connections = [connection({}, { signature: "quarantine" })];
    expect(await needsOf({ connections })).toEqual([]);
  });
});

describe("What a person must do about requests", () => {
  const owner = newOwner({ clientId: "cl_1", connectionId: "cn_1", accountId: "anna" });
  const [nowMs, earlierMs] = [Date.parse(NOW), Date.parse(EARLIER)];
  const unknown = (of: Partial<RequestRecord> = {}) =>
    requestRecord(owner, { status: "UNKNOWN", ...of });

  test("A request of unknown outcome needs a decision since it was sent, or accepted", async () => {
    const sent = unknown({ createdMs: earlierMs, submittedMs: nowMs });
    const accepted = unknown({ createdMs: earlierMs - 1_000 });
    const running = requestRecord(owner, { status: "RUNNING" });
    const another = requestRecord(newOwner(), { status: "UNKNOWN" });
    const needs = await needsOf({ requests: [accepted, sent, running, another] });
    const need = {
      kind: "request_unknown",
      severity: "ticket",
      title: "A request's outcome is unknown",
      cause: "The provider's answer to its submission was lost.",
      toDo: "Look at the provider whether it has it, and decide it.",
      clientId: "cl_1",
    };
    expect(needs).toEqual([
      { ...need, since: NOW, subject: { kind: "request", id: sent.requestId } },
      {
        ...need,
        since: "2026-06-25T10:59:59.000Z",
        subject: { kind: "request", id: accepted.requestId },
      },
    ]);
  });

  test("Ten requests of unknown outcome of one client are shown, the newest ones", async () => {
    const requests = Array.from({ length: 11 }, (_, n) => unknown({ createdMs: nowMs - n }));
    const ids = (await needsOf({ requests })).map(({ subject }) => subject.id);
    expect(ids).toEqual(requests.slice(0, 10).map(({ requestId }) => requestId));
  });

  const ofLane = {
    ...{ clientId: "cl_1", count: 6 },
    subject: { kind: "account", id: "anna", connectionId: "cn_1" },
  };

  test.each<[Partial<LaneView>, object]>([
    [
      { pausedUntil: NOW, oldestSince: EARLIER },
      {
        toDo: "It resumes by itself; resume it earlier if the cause is gone.",
        since: EARLIER,
      },
    ],
    [{ isStuck: true }, { toDo: "Mend the cause, such as the login, and resume it." }],
  ])("A paused account with the lane %j needs a person", async (of, expected) => {
    const paused = lane({ waiting: 6, pausedBecause: "loginRequired", ...of });
    expect(await needsOf({}, [paused, lane({ ...paused, clientId: "cl_2" })])).toEqual([
      {
        ...ofLane,
        kind: "account_paused",
        severity: "ticket",
        title: "The account anna is paused, and requests wait",
        cause: "loginRequired",
        ...expected,
      },
    ]);
  });

  test.each<[Partial<LaneView>, object]>([
    [{ oldestSince: EARLIER }, { since: EARLIER }],
    [{}, {}],
  ])("A lane that stands still with %j needs a person at once", async (of, expected) => {
    expect(await needsOf({}, [lane({ waiting: 6, isStuck: true, ...of })])).toEqual([
      {
        ...ofLane,
        kind: "lane_stuck",
        severity: "page",
        title: "The lane of the account anna stands still",
        cause: "It was to be worked more than five minutes ago.",
        toDo: "Look at the submit queue and its dead letters.",
        ...expected,
      },
    ]);
  });
});

test("Queues with dead letters need a person at once, also while somebody looks at them", () => {
  const counts = (name: string, deadLetters: number, deadLettersInFlight: number): QueueCounts => ({
    ...{ name, waiting: 9, inFlight: 9, delayed: 9, deadLetters, deadLettersInFlight },
    ...{ hasQueue: true, isRedrivable: true, hasDeadLetters: true },
  });
  const need = (name: string, count: number) => ({
    kind: "dead_letters",
    severity: "page",
    title: `Messages of the queue ${name} could not be processed`,
    cause: "Each failed again and again, or can never succeed.",
    toDo: "Look at one; redrive them when the cause is mended, or save and drop it.",
    count,
    subject: { kind: "queue", id: name },
  });
  const queues = [counts("inbound", 0, 0), counts("submit", 1, 2), counts("deliver", 0, 1)];
  expect(needsOfQueues(queues)).toEqual([need("submit", 3), need("deliver", 1)]);
});
