import { describe, expect, test } from "vitest";
import {
  type ConnectionItem,
  type ConnectionSecrets,
  configKey,
} from "../../shared/contracts/config-items.ts";
import { makeConnectionAdministration } from "../../shared/core/administration/connections.ts";
import type { AdministrationDeps } from "../../shared/core/administration/ports.ts";
import { sha256Hex } from "../../shared/core/crypto/digest.ts";
import { type MasterKeys, unseal } from "../../shared/core/crypto/master-keys.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";
import { testMasterKeys } from "../support/fakes/webhook-api.ts";

const HOUR_MS = 3_600_000;
const credentials = { "X-Api-Key": "the key", "x-api-secret": "the other" };
const weLink = { clientId: "cl_1", provider: "we-link", webhookSecret: "first" } as const;

/** The connections of the client `cl_1`, in memory. */
function setUp(masterKeys: MasterKeys = testMasterKeys) {
  const clock = makeTestClock();
  const items = new Map<string, ConnectionItem>();
  const woken: string[] = [];
  let drawn = 0;
  const world = { conflicts: false, others: 0 };
  const admin = (keys: MasterKeys) =>
    makeConnectionAdministration({
      store: {
        exists: async (pk: string) => pk === configKey.client("cl_1"),
        create: async (item: ConnectionItem) => void items.set(item.connectionId, item),
        connection: async (id: string) => items.get(id),
        connectionsOf: async () => [...items.values()],
        countConnections: async (clientId: string, limit: number) =>
          clientId === "cl_1" ? Math.min(items.size + world.others, limit) : 0,
        replaceConnection: async (item: ConnectionItem) => {
          if (world.conflicts) return false;
          items.set(item.connectionId, item);
          return true;
        },
        deleteConnection: async (id: string) => void items.delete(id),
      },
      masterKeys: keys,
      clock,
      randomHex: (bytes: number) => (++drawn).toString(16).padStart(bytes * 2, "0"),
      wakeLanesOf: async ({ connectionId }: ConnectionItem) => void woken.push(connectionId),
    } as unknown as AdministrationDeps);
  const secretsOf = (connectionId: string): ConnectionSecrets => {
    const { pk, sealedSecrets } = items.get(connectionId) as ConnectionItem;
    return JSON.parse(unseal(masterKeys, pk, sealedSecrets));
  };
  const change = (id: string, of: Partial<ConnectionItem>) =>
    items.set(id, { ...(items.get(id) as ConnectionItem), ...of });
  return { ...admin(masterKeys), admin, clock, items, woken, world, secretsOf, change };
}

describe("A new connection", () => {
  test("It has the default settings, and only a digest of the token of its URL is stored", async () => {
    const { createConnection, items, secretsOf } = setUp();
    const created = await createConnection({ ...weLink, credentials });
    const connectionId = "cn_0000000000000001";
    const token = "2".padStart(64, "0");
    expect(created).toEqual({
      ...{ connectionId, provider: "we-link", createdAt: "2026-06-25T12:00:00.000Z" },
      ...{ status: "active", signature: "enforce", hashForms: expect.arrayContaining(["raw"]) },
      ...{ allowUnboundJwt: false, verifyByFetch: false, hasCredentials: true },
      inboundPath: `/v1/in/we-link/${connectionId}/${token}`,
    });
    expect(items.get(connectionId)).toMatchObject({
      ...{ pk: configKey.connection(connectionId), clientId: "cl_1", version: 1 },
      tokens: [{ sha256: sha256Hex(token) }],
    });
    expect(secretsOf(connectionId)).toEqual({
      webhookSecrets: [{ secret: "first" }],
      credentials: { "x-api-key": "the key", "x-api-secret": "the other" },
    });
    expect(JSON.stringify([...items.values()])).not.toMatch(/first|the key|the other/);
  });

  test("A provider that signs nothing needs no secret, and credentials may come later", async () => {
    const { createConnection, secretsOf } = setUp();
    const of = { clientId: "cl_1", provider: "linked-api" } as const;
    const settings = { signature: "quarantine" } as const;
    const { connectionId, ...view } = await createConnection({ ...of, settings });
    expect(view).toMatchObject({ hasCredentials: false, signature: "quarantine" });
    expect(secretsOf(connectionId)).toEqual({ webhookSecrets: [] });
  });

  test.each([
    ["of an unknown client", { ...weLink, clientId: "cl_2" }, "NOT_FOUND", /there is no client/],
    [
      "without the secret of its provider",
      { clientId: "cl_1", provider: "we-link" } as const,
      ...(["REQUEST_INVALID", /We-Link signs its webhooks: its secret is missing/] as const),
    ],
    [
      "that confirms webhooks without credentials",
      { ...weLink, settings: { verifyByFetch: true } },
      ...(["REQUEST_INVALID", /verifyByFetch asks the provider/] as const),
    ],
  ])("One %s is refused, and nothing is stored", async (_, of, code, message) => {
    const { createConnection, items } = setUp();
    const creating = createConnection(of);
    await expect(creating).rejects.toMatchObject({
      ...{ code, message: expect.stringMatching(message) },
    });
    expect(items.size).toBe(0);
  });
});

test("A client with 1,000 connections gets no other before it has deleted one", async () => {
  const { createConnection, deleteConnection, items, world } = setUp();
  world.others = 999;
  const { connectionId } = await createConnection(weLink);
  await expect(createConnection(weLink)).rejects.toMatchObject({
    code: "CONFLICT",
    message: "the client has 1000 connections: delete one before creating another",
  });
  expect([...items.keys()]).toEqual([connectionId]);
  await deleteConnection("cl_1", connectionId);
  expect(await createConnection(weLink)).toMatchObject({ status: "active" });
});

async function withConnection(masterKeys?: MasterKeys) {
  const world = setUp(masterKeys);
  const { connectionId } = await world.createConnection({ ...weLink, credentials });
  return { ...world, connectionId };
}

describe("A change of a connection", () => {
  test("New credentials replace the earlier ones, and keep the secret of the webhooks", async () => {
    const { updateConnection, secretsOf, connectionId, woken } = await withConnection();
    await updateConnection("cl_1", connectionId, { credentials: { "X-NEW": "n" } });
    expect(secretsOf(connectionId)).toEqual({
      ...{ webhookSecrets: [{ secret: "first" }], credentials: { "x-new": "n" } },
    });
    expect(woken).toEqual([]);
  });

  test("Only a new status ends the reason of a pause, and an active one wakes the lanes", async () => {
    const { updateConnection, items, connectionId, woken, change } = await withConnection();
    const settings = items.get(connectionId)?.settings as ConnectionItem["settings"];
    change(connectionId, {
      ...{ settings: { ...settings, status: "paused" }, pausedBecause: "CREDENTIALS_REFUSED" },
    });
    const kept = await updateConnection("cl_1", connectionId, { signature: "quarantine" });
    expect(kept).toMatchObject({ status: "paused", pausedBecause: "CREDENTIALS_REFUSED" });
    const paused = await updateConnection("cl_1", connectionId, { status: "paused" });
    expect(paused).not.toHaveProperty("pausedBecause");
    expect(woken).toEqual([]);
    const active = await updateConnection("cl_1", connectionId, { status: "active" });
    expect(active).toMatchObject({ status: "active", signature: "quarantine" });
    expect(woken).toEqual([connectionId]);
  });

  test("A reason of a pause is not shown once the connection is active", async () => {
    const { getConnection, connectionId, change } = await withConnection();
    change(connectionId, { pausedBecause: "CREDENTIALS_REFUSED" });
    expect(await getConnection("cl_1", connectionId)).not.toHaveProperty("pausedBecause");
  });

  test("Webhooks are confirmed only with credentials, those that are stored or given", async () => {
    const { createConnection, updateConnection } = setUp();
    const { connectionId } = await createConnection(weLink);
    const confirm = { verifyByFetch: true };
    const refused = updateConnection("cl_1", connectionId, confirm);
    await expect(refused).rejects.toMatchObject({ code: "REQUEST_INVALID" });
    await updateConnection("cl_1", connectionId, { ...confirm, credentials });
    const again = await updateConnection("cl_1", connectionId, confirm);
    expect(again.verifyByFetch).toBe(true);
  });

  test("A change that meets another one is refused, and another client's is not found", async () => {
    const { updateConnection, world, connectionId, deleteConnection, items } =
      await withConnection();
    world.conflicts = true;
    const meeting = updateConnection("cl_1", connectionId, { status: "active" });
    await expect(meeting).rejects.toMatchObject({
      code: "CONFLICT",
      message: "the connection was changed at the same time: read it and try again",
    });
    for (const change of [
      updateConnection("cl_2", connectionId, {}),
      deleteConnection("cl_2", connectionId),
    ]) {
      await expect(change).rejects.toMatchObject({ code: "NOT_FOUND" });
    }
    expect(items.size).toBe(1);
  });
});

describe("A rotation of a connection", () => {
  test("The secret before is accepted for the overlap, and that is told until it is over", async () => {
    const world = await withConnection();
    const { rotateSecret, previousSecretValidUntil, items, clock, connectionId } = world;
    const previous = () => previousSecretValidUntil(items.get(connectionId) as ConnectionItem);
    expect(previous()).toBeUndefined();
    world.change(connectionId, {
      refused: { count: 1, since: "s", lastAt: "l", addresses: [] },
    });
    const validUntil = "2026-06-25T14:00:00.000Z";
    expect(await rotateSecret("cl_1", connectionId, "second", 2)).toEqual({
      ...{ connectionId, previousValidUntil: validUntil },
    });
    expect(world.secretsOf(connectionId).webhookSecrets).toEqual([
      { secret: "second" },
      { secret: "first", validUntil },
    ]);
    expect(items.get(connectionId)).not.toHaveProperty("refused");
    expect(previous()).toBe(validUntil);
    clock.passBusiness(2 * HOUR_MS - 1);
    expect(previous()).toBe(validUntil);
    clock.passBusiness(1);
    expect(previous()).toBeUndefined();
  });

  test("A fifth secret at once is refused, unless it cuts all of the earlier ones", async () => {
    const { rotateSecret, secretsOf, connectionId } = await withConnection();
    for (const secret of ["2", "3", "4"]) await rotateSecret("cl_1", connectionId, secret);
    const fifth = rotateSecret("cl_1", connectionId, "5");
    await expect(fifth).rejects.toMatchObject({
      ...{ code: "CONFLICT", message: expect.stringContaining("rotated too often") },
    });
    expect(await rotateSecret("cl_1", connectionId, "5", 0)).toEqual({
      ...{ connectionId, previousValidUntil: undefined },
    });
    expect(secretsOf(connectionId).webhookSecrets).toEqual([{ secret: "5" }]);
  });

  test("A new URL has a new token, and the token before is accepted for a day", async () => {
    const { rotateToken, items, connectionId } = await withConnection();
    const before = items.get(connectionId)?.tokens ?? [];
    const rotated = await rotateToken("cl_1", connectionId);
    const token = rotated.inboundPath.split("/").at(-1) ?? "";
    const validUntil = "2026-06-26T12:00:00.000Z";
    expect(rotated).toMatchObject({ connectionId, previousValidUntil: validUntil });
    expect(items.get(connectionId)?.tokens).toEqual([
      { sha256: sha256Hex(token) },
      { ...before[0], validUntil },
    ]);
  });
});

test("A connection that was sealed with a master key that is not known here is shown all the same", async () => {
  const { admin, items, connectionId } = await withConnection();
  const later = admin({ current: "k3", keys: new Map([["k3", "3".repeat(32)]]) });
  const shown = await later.getConnection("cl_1", connectionId);
  expect(shown).toMatchObject({ connectionId, status: "active" });
  expect(shown).not.toHaveProperty("hasCredentials");
  expect(later.previousSecretValidUntil(items.get(connectionId) as ConnectionItem)).toBeUndefined();
  const change = later.updateConnection("cl_1", connectionId, { credentials });
  await expect(change).rejects.toMatchObject({
    ...{ code: "DEPENDENCY_DOWN", message: "master key k2 is not known here yet: try again" },
  });
});
