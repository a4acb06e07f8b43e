import { describe, expect, test } from "vitest";
import type { ConnectionItem } from "../../shared/contracts/config-items.ts";
import { Failure } from "../../shared/contracts/failures.ts";
import { quarantineKey } from "../../shared/core/inbound/quarantine-key.ts";
import { makeClientPages } from "../../shared/core/operator/client-pages.ts";
import { connectionHandlers } from "../../shared/core/operator/connection-handlers.ts";
import type { OperatorDeps } from "../../shared/core/operator/ports.ts";
import { answerOf } from "../support/answer-of.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";
import { notingIn } from "../support/noting.ts";

const NOW = "2026-06-25T12:00:00.000Z";
const nowMs = Date.parse(NOW);
const noConnection = new Failure("NOT_FOUND", "there is no such connection");

const itemOf = (connectionId: string, of: Partial<ConnectionItem> = {}): ConnectionItem => ({
  ...{ pk: `connection#${connectionId}`, clientId: "cl_1", connectionId, provider: "we-link" },
  ...{ createdAt: NOW, tokens: [{ sha256: "digest" }], sealedSecrets: "sealed", version: 1 },
  settings: {
    ...{ status: "active", signature: "enforce", hashForms: ["raw"] },
    ...{ allowUnboundJwt: false, verifyByFetch: false },
  },
  ...of,
});

interface Given {
  items?: ConnectionItem[];
  hasCredentials?: boolean | undefined;
  previousSecretValidUntil?: string;
  /** The keys of the quarantine. */
  keys?: string[];
  /** The functions know no such connection. */
  isUnread?: boolean;
}

/** The connections of cl_1. The use cases note their calls. */
function setUp({ items = [itemOf("cn_1")], keys = [], isUnread, ...given }: Given = {}) {
  const clock = makeTestClock();
  const { hasCredentials } = { hasCredentials: true, ...given };
  const calls: unknown[] = [];
  const yielded: string[] = [];
  const noting = notingIn(calls);
  const viewOf = ({ connectionId, provider, settings }: ConnectionItem) => ({
    ...{ connectionId, provider, status: settings.status, hasCredentials },
  });
  const find = async (id: string) => items.find(({ connectionId }) => connectionId === id);
  const deps = {
    clock,
    store: {
      connection: find,
      connectionsOf: async (clientId: string, of: unknown) => {
        calls.push(["connectionsOf", clientId, of]);
        return items;
      },
      clientIds: async () => ["cl_1"],
      client: async () => ({}),
    },
    administration: async () => ({
      viewOfItem: viewOf,
      previousSecretValidUntil: () => given.previousSecretValidUntil,
      getConnection: async (clientId: string, connectionId: string) => {
        calls.push(["getConnection", clientId, connectionId]);
        const item = await find(connectionId);
        return item && viewOf(item);
      },
      updateConnection: noting("updateConnection"),
      rotateSecret: noting("rotateSecret"),
    }),
    quarantine: {
      keys: async function* (connectionId: string) {
        for (const key of keys) {
          yielded.push(connectionId);
          yield key;
        }
      },
    },
    readConnection: async (connectionId: string) => (isUnread ? undefined : { connectionId }),
    releaseQuarantine: noting("release", { released: 1, kept: 2, isComplete: true }),
  } as unknown as OperatorDeps;
  return { clock, calls, yielded, handlers: connectionHandlers(deps, makeClientPages(deps)) };
}

const params = { connectionId: "cn_1" };
const view = { connectionId: "cn_1", provider: "we-link", status: "active" };
const shown = { ...view, clientId: "cl_1", hasCredentials: true };

describe("A connection that an operator looks at", () => {
  test.each([{}, { clientId: "cl_1" }])(
    "With the query %j a connection is shown without its secrets",
    async (query) => {
      const { handlers, calls } = setUp();
      expect(await answerOf(handlers.getConnection, { params, query })).toEqual(shown);
      expect(calls).toEqual([["getConnection", "cl_1", "cn_1"]]);
    },
  );

  test.each([
    ["of another client", "cn_1", { clientId: "cl_2" }],
    ["that there is not", "cn_2", {}],
  ])("A connection %s is not found", async (_, connectionId, query) => {
    const { handlers, calls } = setUp();
    const answer = answerOf(handlers.getConnection, { params: { connectionId }, query });
    await expect(answer).rejects.toThrow(noConnection);
    expect(calls).toEqual([]);
  });

  test("Refused webhooks are shown with the reason, and unknown credentials as none", async () => {
    const refused = { count: 3, since: NOW, lastAt: NOW, addresses: ["192.0.2.1"] };
    const items = [itemOf("cn_1", { refused })];
    const { handlers } = setUp({ items, hasCredentials: undefined });
    expect(await answerOf(handlers.getConnection, { params, query: {} })).toEqual({
      ...shown,
      hasCredentials: false,
      refused: { ...refused, reason: "their signature does not match" },
    });
  });

  test("It is shown until when the secret before the current one is accepted", async () => {
    const previousSecretValidUntil = "2026-06-26T12:00:00.000Z";
    const { handlers } = setUp({ previousSecretValidUntil });
    const all = { ...shown, previousSecretValidUntil };
    expect(await answerOf(handlers.getConnection, { params, query: {} })).toEqual(all);
    const page = await answerOf(handlers.listConnections, { query: { limit: 1 } });
    expect(page.items).toEqual([all]);
  });

  test("Connections are listed page by page", async () => {
    const { handlers, calls } = setUp({ items: [itemOf("cn_1"), itemOf("cn_2")] });
    const first = await answerOf(handlers.listConnections, { query: { limit: 1 } });
    expect(first.items).toEqual([shown]);
    const query = { limit: 1, cursor: first.nextCursor };
    await answerOf(handlers.listConnections, { query });
    expect(calls).toEqual([
      ["connectionsOf", "cl_1", { limit: 2 }],
      ["connectionsOf", "cl_1", { limit: 2, after: "cn_1" }],
    ]);
  });
});

describe("A connection that an operator changes", () => {
  const credentials = { "x-api-key": "new" };
  const refusedItem = itemOf("cn_1", { pausedBecause: "CREDENTIALS_REFUSED" });
  type Id = keyof ReturnType<typeof setUp>["handlers"];

  test.each<[Id, object, ConnectionItem, unknown[]]>([
    ["pauseConnection", {}, itemOf("cn_1"), ["updateConnection", { status: "paused" }]],
    ["resumeConnection", {}, itemOf("cn_1"), ["updateConnection", { status: "active" }]],
    [
      "changeConnectionSettings",
      { signature: "quarantine", verifyByFetch: false, why: "they rotate" },
      itemOf("cn_1"),
      ["updateConnection", { signature: "quarantine", verifyByFetch: false }],
    ],
    [
      "setConnectionCredentials",
      { credentials, why: "new ones" },
      itemOf("cn_1"),
      ["updateConnection", { credentials }],
    ],
    [
      "setConnectionCredentials",
      { credentials },
      refusedItem,
      ["updateConnection", { credentials, status: "active" }],
    ],
    [
      "rotateConnectionSecret",
      { webhookSecret: "new", overlapHours: 0, why: "it leaked" },
      itemOf("cn_1"),
      ["rotateSecret", "new", 0],
    ],
  ])("%s with %j changes it as its client's, and shows it", async (id, body, item, change) => {
    const { handlers, calls } = setUp({ items: [item] });
    expect(await answerOf(handlers[id], { params, body })).toEqual(shown);
    const [name, ...of] = change;
    expect(calls).toStrictEqual([
      [name, "cl_1", "cn_1", ...of],
      ["getConnection", "cl_1", "cn_1"],
    ]);
    const unknown = { params: { connectionId: "cn_2" }, body };
    await expect(answerOf(handlers[id], unknown)).rejects.toThrow(noConnection);
    expect(calls).toHaveLength(2);
  });
});

describe("The quarantine of a connection", () => {
  const keys = [0, 1_000].map((ms) =>
    quarantineKey({ connectionId: "cn_1", body: Buffer.from(`${ms}`), receivedAtMs: nowMs + ms }),
  );
  const items = [
    { key: keys[0], at: NOW },
    { key: keys[1], at: "2026-06-25T12:00:01.000Z" },
  ];

  test.each([
    [1, { items: items.slice(0, 1), hasMore: true }],
    [2, { items, hasMore: false }],
    [3, { items, hasMore: false }],
  ])("Up to %i webhooks are listed with their times of receipt", async (limit, expected) => {
    const { handlers, yielded } = setUp({ keys });
    const answer = await answerOf(handlers.listQuarantine, { params, query: { limit } });
    expect(answer).toEqual(expected);
    expect(yielded).toEqual(["cn_1", "cn_1"]);
  });

  test("A quarantine is released for twenty seconds of real time", async () => {
    const { handlers, clock, calls } = setUp();
    clock.passBusiness(60_000);
    expect(await answerOf(handlers.releaseQuarantine, { params })).toEqual({
      ...{ released: 1, kept: 2, isComplete: true },
    });
    expect(calls).toEqual([["release", { connectionId: "cn_1" }, nowMs + 20_000]]);
  });

  test("The quarantine of an unknown connection is neither listed nor released", async () => {
    const { handlers, calls } = setUp({ keys });
    const unknown = { params: { connectionId: "cn_2" }, query: { limit: 1 } };
    for (const handler of [handlers.listQuarantine, handlers.releaseQuarantine]) {
      await expect(answerOf(handler, unknown)).rejects.toThrow(noConnection);
    }
    const unread = setUp({ isUnread: true });
    const released = answerOf(unread.handlers.releaseQuarantine, { params });
    await expect(released).rejects.toThrow(noConnection);
    expect([...calls, ...unread.calls]).toEqual([]);
  });
});
