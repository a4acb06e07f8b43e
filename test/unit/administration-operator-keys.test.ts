import { describe, expect, test } from "vitest";
import type { OperatorKeyItem } from "../../shared/contracts/config-items.ts";
import { makeOperatorKeys } from "../../shared/core/administration/operator-keys.ts";
import type { ConfigStore } from "../../shared/core/administration/ports.ts";
import { sha256Hex } from "../../shared/core/crypto/digest.ts";
import type { PageOf } from "../../shared/core/input/cursor.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";

const NOON = "2026-06-25T12:00:00.000Z";
const hex = (n: number, bytes: number) => n.toString(16).padStart(bytes * 2, "0");
const [keyId, secret] = [`op${hex(1, 8)}`, hex(2, 32)];

const item: OperatorKeyItem = {
  ...{ pk: `operatorKey#${keyId}`, clientId: "#operators", keyId, name: "Anna" },
  ...{ scope: "operate", secretSha256: sha256Hex(secret), createdAt: NOON },
};

/** A key as it is shown: every member is there, and neither its item's key nor its digest. */
const shown = (of: Partial<OperatorKeyItem> = {}) => ({
  ...{ keyId, name: "Anna", scope: "operate", createdAt: NOON },
  ...{ expiresAt: undefined, revokedAt: undefined, lastUsedAt: undefined },
  ...of,
});

function setUp(given: { isRevoked?: boolean; found?: OperatorKeyItem | undefined } = {}) {
  const clock = makeTestClock();
  // The two clocks differ, so that each time shows of which one it is.
  clock.passReal(5_000);
  const created: unknown[] = [];
  const calls: unknown[] = [];
  let drawn = 0;
  const keys = makeOperatorKeys({
    store: {
      create: async (one: OperatorKeyItem) => void created.push(one),
      async operatorKeys(page?: PageOf) {
        calls.push(["operatorKeys", page]);
        return [item, { ...item, expiresAt: "e", lastUsedAt: "l" }];
      },
      async revokeOperatorKey(...of: unknown[]) {
        calls.push(["revokeOperatorKey", ...of]);
        return given.isRevoked ?? true;
      },
      async operatorKey(id: string) {
        calls.push(["operatorKey", id]);
        return given.found;
      },
    } as unknown as ConfigStore,
    clock,
    randomHex: (bytes) => hex(++drawn, bytes),
  });
  return { ...keys, calls, created };
}

describe("An operator key", () => {
  const operatorKey = `ackwire_op_${keyId}_${secret}`;

  test("A new key is shown once, and only the digest of its secret is stored", async () => {
    const { createOperatorKey, created } = setUp();
    const made = await createOperatorKey({ name: "Anna", scope: "operate" });
    expect(made).toStrictEqual({ ...shown(), operatorKey });
    expect(created).toStrictEqual([item]);
  });

  test("Its end is stored with it", async () => {
    const { createOperatorKey, created } = setUp();
    const expiresAt = "2027-01-01T00:00:00.000Z";
    const made = await createOperatorKey({ name: "Anna", scope: "operate", expiresAt });
    expect(made).toStrictEqual({ ...shown({ expiresAt }), operatorKey });
    expect(created).toStrictEqual([{ ...item, expiresAt }]);
  });

  test("Keys are listed without their digests, the page that is asked for", async () => {
    const { listOperatorKeys, calls } = setUp();
    const page = { limit: 2, after: "op0" };
    expect(await listOperatorKeys(page)).toStrictEqual([
      shown(),
      shown({ expiresAt: "e", lastUsedAt: "l" }),
    ]);
    expect(calls).toStrictEqual([["operatorKeys", page]]);
  });

  test("A key that is revoked is shown as it is then", async () => {
    const { revokeOperatorKey, calls } = setUp({ found: { ...item, revokedAt: NOON } });
    expect(await revokeOperatorKey(keyId)).toStrictEqual(shown({ revokedAt: NOON }));
    expect(calls).toStrictEqual([
      ["revokeOperatorKey", keyId, NOON],
      ["operatorKey", keyId],
    ]);
  });

  test.each([
    ["there is not", { isRevoked: false, found: item }],
    ["is gone when it is read again", { isRevoked: true }],
  ])("A key that %s cannot be revoked", async (_, given) => {
    const revoking = setUp(given).revokeOperatorKey(keyId);
    await expect(revoking).rejects.toMatchObject({
      ...{ code: "NOT_FOUND", message: `there is no operator key ${keyId}` },
    });
  });
});
