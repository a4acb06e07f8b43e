import { describe, expect, test } from "vitest";
import { makeAdministration } from "../../shared/core/administration/administration.ts";
import { identificationToken } from "../../shared/core/administration/identification-token.ts";
import type { AdministrationDeps } from "../../shared/core/administration/ports.ts";
import { sha256Hex } from "../../shared/core/crypto/digest.ts";
import { unseal } from "../../shared/core/crypto/master-keys.ts";
import type { PageOf } from "../../shared/core/input/cursor.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";
import { testMasterKeys } from "../support/fakes/webhook-api.ts";

const NOON = "2026-06-25T12:00:00.000Z";
const hex = (n: number, bytes: number) => n.toString(16).padStart(bytes * 2, "0");

/** The client `cl_1` with the connection `cn_1` of We-Link and the account `known`. */
function setUp(given: { apiKeys?: object[]; isRevoked?: boolean } = {}) {
  const clock = makeTestClock();
  // The two clocks differ, so that each time shows of which one it is.
  clock.passReal(5_000);
  const created: Record<string, unknown>[] = [];
  const calls: unknown[] = [];
  const stored = new Set(["client#cl_1", "account#cn_1#known"]);
  let drawn = 0;
  const administration = makeAdministration({
    store: {
      exists: async (pk: string) => stored.has(pk),
      create: async (item: Record<string, unknown>) => void created.push(item),
      connection: async (connectionId: string) =>
        connectionId === "cn_1"
          ? { connectionId, clientId: "cl_1", provider: "we-link" }
          : undefined,
      async apiKeysOf(clientId: string, page?: PageOf) {
        calls.push(["apiKeysOf", clientId, page]);
        return given.apiKeys ?? [];
      },
      async revokeApiKey(...of: unknown[]) {
        calls.push(["revokeApiKey", ...of]);
        return given.isRevoked ?? true;
      },
    },
    masterKeys: testMasterKeys,
    clock,
    randomHex: (bytes: number) => hex(++drawn, bytes),
    wakeLanesOf: async () => undefined,
  } as unknown as AdministrationDeps);
  return { ...administration, calls, created };
}

test("A new client is listed before it is stored, so that no crash leaves one that is not listed", async () => {
  const { createClient, created } = setUp();
  const clientId = `cl_${hex(1, 8)}`;
  expect(await createClient("Acme")).toStrictEqual({ clientId, name: "Acme", createdAt: NOON });
  expect(created).toStrictEqual([
    { pk: `listed#${clientId}`, clientId: "#clients", createdAt: NOON },
    { pk: `client#${clientId}`, clientId, name: "Acme", createdAt: NOON },
  ]);
});

describe("An API key of a client", () => {
  const [keyId, secret] = [`key${hex(1, 8)}`, hex(2, 32)];
  const apiKey = `ackwire_${keyId}_${secret}`;
  const common = { clientId: "cl_1", keyId, createdAt: NOON };
  const item = { ...common, pk: `key#${keyId}`, secretSha256: sha256Hex(secret) };

  test("A new key is shown once, and only the digest of its secret is stored", async () => {
    const { createApiKey, created } = setUp();
    expect(await createApiKey("cl_1")).toStrictEqual({
      ...common,
      ...{ secret, apiKey, scopes: undefined, expiresAt: undefined },
    });
    expect(created).toStrictEqual([item]);
  });

  test("Its scopes and its end are stored with it", async () => {
    const { createApiKey, created } = setUp();
    const of = { scopes: ["read" as const], expiresAt: "2027-01-01T00:00:00.000Z" };
    expect(await createApiKey("cl_1", of)).toStrictEqual({ ...common, secret, apiKey, ...of });
    expect(created).toStrictEqual([{ ...item, ...of }]);
  });

  test("A client that there is not gets none", async () => {
    const { createApiKey, created } = setUp();
    await expect(createApiKey("cl_9")).rejects.toMatchObject({
      ...{ code: "NOT_FOUND", message: "there is no client cl_9: create one first" },
    });
    expect(created).toEqual([]);
  });

  const ninetyNine = Array.from({ length: 99 }, () => ({}));

  test.each<[string, object]>([
    ["a revoked one", { revokedAt: NOON }],
    ["an expired one", { expiresAt: NOON }],
  ])("A client with 99 active keys and %s gets another", async (_, key) => {
    const { createApiKey, created } = setUp({ apiKeys: [...ninetyNine, key] });
    await createApiKey("cl_1");
    expect(created).toStrictEqual([item]);
  });

  test("A client with 100 active keys gets no other, and is told to revoke one", async () => {
    const expiresAt = "2026-06-25T12:00:00.001Z";
    const { createApiKey, created } = setUp({ apiKeys: [...ninetyNine, { expiresAt }] });
    const message = "the client has 100 active API keys: revoke one before creating another";
    const creating = createApiKey("cl_1");
    await expect(creating).rejects.toMatchObject({ code: "CONFLICT", message });
    expect(created).toEqual([]);
  });

  test("Keys are listed without their digests, the page that is asked for", async () => {
    const shown = {
      ...{ keyId, scopes: ["read"], createdAt: NOON, expiresAt: "e" },
      ...{ revokedAt: "r", lastUsedAt: "l" },
    };
    const { listApiKeys, calls } = setUp({ apiKeys: [{ ...item, ...shown }] });
    const page = { limit: 2, after: "key0" };
    expect(await listApiKeys("cl_1", page)).toStrictEqual([shown]);
    expect(calls).toStrictEqual([["apiKeysOf", "cl_1", page]]);
  });

  test("A key is revoked with the time of it", async () => {
    const { revokeApiKey, calls } = setUp();
    expect(await revokeApiKey("cl_1", keyId)).toBeUndefined();
    expect(calls).toStrictEqual([["revokeApiKey", "cl_1", keyId, NOON]]);
  });

  test("A key that the client does not have cannot be revoked", async () => {
    const { revokeApiKey } = setUp({ isRevoked: false });
    await expect(revokeApiKey("cl_1", "key9")).rejects.toMatchObject({
      ...{ code: "NOT_FOUND", message: "there is no API key key9" },
    });
  });
});

describe("An account that is registered by the admin command", () => {
  const account = { clientId: "cl_1", connectionId: "cn_1", accountId: "new" };
  const pk = "account#cn_1#new";
  const item = { ...account, pk, provider: "we-link", createdAt: NOON };

  test("It has the provider of its connection and the preset of new accounts, and no token", async () => {
    const { addAccount, created } = setUp();
    await addAccount(account);
    expect(created).toStrictEqual([{ ...item, preset: "careful" }]);
  });

  test("It has the preset that is given, and its token is stored sealed", async () => {
    const { addAccount, created } = setUp();
    await addAccount({ ...account, preset: "standard", identificationToken: "its token" });
    const sealedIdentificationToken = String(created[0]?.sealedIdentificationToken);
    expect(created).toStrictEqual([{ ...item, preset: "standard", sealedIdentificationToken }]);
    expect(unseal(testMasterKeys, pk, sealedIdentificationToken)).toBe("its token");
  });

  test.each<[string, Partial<typeof account>, object]>([
    [
      "that is registered already",
      { accountId: "known" },
      { code: "CONFLICT", message: "this account is registered already" },
    ],
    [
      "on a connection that there is not",
      { connectionId: "cn_9" },
      { code: "NOT_FOUND", message: "there is no connection cn_9" },
    ],
    [
      "on another client's connection",
      { clientId: "cl_2" },
      { code: "NOT_FOUND", message: "there is no connection cn_1" },
    ],
  ])("One %s is refused, and nothing is stored", async (_, of, refusal) => {
    const { addAccount, created } = setUp();
    await expect(addAccount({ ...account, ...of })).rejects.toMatchObject(refusal);
    expect(created).toEqual([]);
  });
});

test("The administration returns the same token of an account as the API", () => {
  const of = { clientId: "cl_1", accountId: "anna" };
  expect(setUp().identificationToken(of)).toBe(identificationToken(testMasterKeys, of));
});
