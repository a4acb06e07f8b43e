import { describe, expect, test } from "vitest";
import type { OperatorKeyItem } from "../../shared/contracts/config-items.ts";
import { Failure } from "../../shared/contracts/failures.ts";
import {
  type OperatorScope,
  operatorScopes,
} from "../../shared/contracts/http/operator/operation.ts";
import { portalLinkOf } from "../../shared/core/api/authentication/portal-token.ts";
import { sha256Hex } from "../../shared/core/crypto/digest.ts";
import { signHs256 } from "../../shared/core/crypto/hs256.ts";
import { derivedKey } from "../../shared/core/crypto/master-keys.ts";
import {
  makeAuthenticateOperator,
  type OperatorKeys,
  requireOperatorScope,
} from "../../shared/core/operator/authenticate-operator.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";

const NOW = "2026-06-25T12:00:00.000Z";
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const BEARER = "Bearer ackwire_op_op1_secret";
const master = { current: "k1", keys: new Map([["k1", "m".repeat(64)]]) };
const operator = { kind: "operator", keyId: "op1", name: "anna", scope: "operate" };

const NO_KEY = "no operator key: send it as Authorization: Bearer <operator key>";
const NO_FORM =
  "this is no operator key: it has the form ackwire_op_<key id>_<secret>, as it was shown once";
const NOT_TAKEN = "the operator key is unknown, incomplete, revoked or expired";
const NO_LINK = "the portal link is not valid, or its 15 minutes are over";

const unauthenticated = (message: string) => new Failure("UNAUTHENTICATED", message);

function setUp(of: Partial<OperatorKeyItem> = {}, given: Partial<OperatorKeys> = {}) {
  const clock = makeTestClock();
  const key: OperatorKeyItem = {
    pk: "operatorKey#op1",
    clientId: "#operators",
    keyId: "op1",
    name: "anna",
    scope: "operate",
    secretSha256: sha256Hex("secret"),
    createdAt: NOW,
    lastUsedAt: NOW,
    ...of,
  };
  const asked: string[] = [];
  const used: unknown[] = [];
  const dropped: unknown[] = [];
  const authenticate = makeAuthenticateOperator({
    operatorKeys: {
      find: async (keyId) => {
        asked.push(keyId);
        return keyId === key.keyId ? key : undefined;
      },
      recordUse: async (keyId, usedAt) => void used.push([keyId, usedAt]),
      ...given,
    },
    masterKeys: async (keyId) => {
      asked.push(`master ${keyId}`);
      return master;
    },
    clock,
    onNonFatalError: (error) => dropped.push(error),
  });
  const as = (authorization?: string) => authenticate({ authorization });
  return { clock, asked, used, dropped, as };
}

describe("The header of an operator's call", () => {
  test.each(["Bearer ", "bearer ", "BEARER ", "Bearer    "])(
    "A key is taken after %j",
    async (scheme) => {
      const { as, asked } = setUp();
      expect(await as(`${scheme}ackwire_op_op1_secret`)).toEqual(operator);
      expect(asked).toEqual(["op1"]);
    },
  );

  test.each([
    undefined,
    "",
    "Bearer",
    "Bearer ",
    "Bearerackwire_op_op1_secret",
    "Bearer\tackwire_op_op1_secret",
    "ackwire_op_op1_secret",
    "Basic ackwire_op_op1_secret",
    `x${BEARER}`,
    ` ${BEARER}`,
    `${BEARER} `,
    `${BEARER} more`,
    `Bearer more ${BEARER}`,
  ])("No key is in the header %j", async (authorization) => {
    const { as, asked } = setUp();
    await expect(as(authorization)).rejects.toThrow(unauthenticated(NO_KEY));
    expect(asked).toEqual([]);
  });

  test.each([
    "nonsense",
    "xackwire_op_op1_secret",
    "Ackwire_op_op1_secret",
    "ackwire_op_op1_secret!",
    "ackwire_op_op1_secret_",
    "ackwire_op_op1_sec-ret",
    "ackwire_op_op-1_secret",
    "ackwire_op__secret",
    "ackwire_op_op1_",
    "ackwire_op_op1",
    "ackwire_op1_secret",
    "ackwire_portal_k1_",
    "ackwire_portal_x1_token",
    "ackwire_portal_k1234567_token",
    "xackwire_portal_k1_token",
  ])("%j has not the form of a key, and no store is asked for it", async (text) => {
    const { as, asked } = setUp();
    await expect(as(`Bearer ${text}`)).rejects.toThrow(unauthenticated(NO_FORM));
    expect(asked).toEqual([]);
  });

  test("A key's id has at most 64 characters, and its secret at most 256", async () => {
    const keyId = "k".repeat(64);
    const secret = "S".repeat(256);
    const { as, asked } = setUp({ keyId, secretSha256: sha256Hex(secret) });
    expect(await as(`Bearer ackwire_op_${keyId}_${secret}`)).toEqual({ ...operator, keyId });
    for (const text of [`${keyId}k_${secret}`, `${keyId}_${secret}S`]) {
      await expect(as(`Bearer ackwire_op_${text}`)).rejects.toThrow(unauthenticated(NO_FORM));
    }
    expect(asked).toEqual([keyId]);
  });

  test("A key's id and its secret have at least one character", async () => {
    const { as } = setUp({ keyId: "7", secretSha256: sha256Hex("Z") });
    expect(await as("Bearer ackwire_op_7_Z")).toEqual({ ...operator, keyId: "7" });
  });
});

describe("An operator key", () => {
  const refused: [string, Partial<OperatorKeyItem>, string][] = [
    ["unknown", {}, "Bearer ackwire_op_op2_secret"],
    ["wrong", {}, "Bearer ackwire_op_op1_Secret"],
    ["incomplete", {}, "Bearer ackwire_op_op1_secre"],
    ["revoked", { revokedAt: "2099-01-01T00:00:00.000Z" }, BEARER],
    ["expired since this moment", { expiresAt: NOW }, BEARER],
    ["expired", { expiresAt: "2026-06-25T11:59:59.999Z" }, BEARER],
  ];
  test.each(refused)(
    "A key that is %s is refused with one message, and its use is not recorded",
    async (_, of, bearer) => {
      const { as, used } = setUp({ lastUsedAt: undefined, ...of });
      await expect(as(bearer)).rejects.toThrow(unauthenticated(NOT_TAKEN));
      expect(used).toEqual([]);
    },
  );

  test("A key is taken until it expires (business time), and its caller is told when", async () => {
    const expiresAt = "2026-06-25T12:00:01.000Z";
    const { as, clock } = setUp({ expiresAt });
    clock.passReal(DAY_MS);
    clock.passBusiness(999);
    expect(await as(BEARER)).toEqual({ ...operator, expiresMs: Date.parse(expiresAt) });
    clock.passBusiness(1);
    await expect(as(BEARER)).rejects.toThrow(unauthenticated(NOT_TAKEN));
  });

  test("The use of a key is recorded five minutes of business time after the last", async () => {
    const { as, clock, used } = setUp();
    clock.passReal(DAY_MS);
    clock.passBusiness(5 * MINUTE_MS - 1);
    await as(BEARER);
    expect(used).toEqual([]);
    clock.passBusiness(1);
    await as(BEARER);
    expect(used).toEqual([["op1", "2026-06-25T12:05:00.000Z"]]);
  });

  test("The first use of a key is recorded at once", async () => {
    const { as, used } = setUp({ lastUsedAt: undefined });
    await as(BEARER);
    expect(used).toEqual([["op1", NOW]]);
  });

  test("A call does not fail when the use of its key cannot be recorded", async () => {
    const down = new Failure("DEPENDENCY_DOWN", "DynamoDB UpdateItem failed");
    const recordUse = () => Promise.reject(down);
    const { as, dropped } = setUp({ lastUsedAt: undefined }, { recordUse });
    expect(await as(BEARER)).toEqual(operator);
    expect(dropped).toEqual([down]);
  });

  test("A call fails as an outage when its key cannot be read", async () => {
    const down = new Failure("DEPENDENCY_DOWN", "DynamoDB GetItem failed");
    const { as, dropped } = setUp({}, { find: () => Promise.reject(down) });
    await expect(as(BEARER)).rejects.toThrow(down);
    expect(dropped).toEqual([]);
  });
});

describe("A portal link", () => {
  const nowMs = Date.parse(NOW);
  const tokenOf = (keys = master) =>
    portalLinkOf(keys, { clientId: "cl_1", nowMs, consoleUrl: undefined }).token;
  const secret = derivedKey(master, "k1", "ackwire/portal").toString("hex");
  const signed = (claims: object) => `ackwire_portal_k1_${signHs256(claims, secret)}`;
  const exp = nowMs / 1_000 + 600;

  test("A portal link authenticates its client for fifteen minutes of real time", async () => {
    const { as, clock, asked } = setUp();
    const bearer = `Bearer ${tokenOf()}`;
    clock.passBusiness(DAY_MS);
    clock.passReal(15 * MINUTE_MS - 1);
    const expiresMs = nowMs + 15 * MINUTE_MS;
    expect(await as(bearer)).toEqual({ kind: "portal", clientId: "cl_1", expiresMs });
    expect(asked).toEqual(["master k1"]);
    clock.passReal(1);
    await expect(as(bearer)).rejects.toThrow(unauthenticated(NO_LINK));
  });

  test("A token that is signed as a portal link is one", async () => {
    const bearer = `Bearer ${signed({ sub: "cl_1", aud: "portal", exp })}`;
    const expiresMs = nowMs + 10 * MINUTE_MS + 30_000;
    expect(await setUp().as(bearer)).toEqual({ kind: "portal", clientId: "cl_1", expiresMs });
  });

  const other = { current: "k1", keys: new Map([["k1", "o".repeat(64)]]) };
  const token = tokenOf();
  test.each([
    ["that was changed", `${token.slice(0, -1)}${token.endsWith("A") ? "B" : "A"}`],
    ["that another master key has signed", tokenOf(other)],
    ["of a master key that there is not", token.replace("_k1_", "_k2_")],
    ["for another purpose", signed({ sub: "cl_1", aud: "api", exp })],
    ["without a client", signed({ aud: "portal", exp })],
    ["without an end", signed({ sub: "cl_1", aud: "portal" })],
    ["that is no token", "ackwire_portal_k1_x"],
  ])("A portal link %s is refused", async (_, bearer) => {
    await expect(setUp().as(`Bearer ${bearer}`)).rejects.toThrow(unauthenticated(NO_LINK));
  });
});

describe("What a caller may do", () => {
  const callerOf = (scope: OperatorScope) =>
    ({ kind: "operator", keyId: "op1", name: "anna", scope }) as const;
  const link = { kind: "portal", clientId: "cl_1", expiresMs: 1 } as const;

  test.each([
    ["read", "read"],
    ["operate", "read"],
    ["operate", "operate"],
    ["admin", "read"],
    ["admin", "operate"],
    ["admin", "admin"],
  ] as const)("A key of the scope %s may do what needs %s", (has, scope) => {
    expect(() => requireOperatorScope({ scope }, callerOf(has))).not.toThrow();
  });

  test.each([
    ["read", "operate"],
    ["read", "admin"],
    ["operate", "admin"],
  ] as const)("A key of the scope %s may not do what needs %s", (has, scope) => {
    const detail = `the operator key has the scope ${has}, and this call needs ${scope}`;
    const refusal = new Failure("FORBIDDEN", detail);
    const caller = callerOf(has);
    expect(() => requireOperatorScope({ scope }, caller)).toThrow(refusal);
    expect(() => requireOperatorScope({ scope, isInPortal: true }, caller)).toThrow(refusal);
  });

  test.each(operatorScopes)(
    "A portal link may do what needs %s only where that is of the portal",
    (scope) => {
      expect(() => requireOperatorScope({ scope, isInPortal: true }, link)).not.toThrow();
      expect(() => requireOperatorScope({ scope }, link)).toThrow(
        new Failure("FORBIDDEN", "a portal link may not do this"),
      );
    },
  );
});
