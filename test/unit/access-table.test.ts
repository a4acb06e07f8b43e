import { describe, expect, test } from "vitest";
import type { ApiKeyItem, OperatorKeyItem } from "../../shared/contracts/config-items.ts";
import { Failure } from "../../shared/contracts/failures.ts";
import { type Operation, operations, routeKeyOf } from "../../shared/contracts/http/operations.ts";
import {
  type OperatorOperation,
  operatorScopes,
} from "../../shared/contracts/http/operator/operation.ts";
import { operatorOperationList } from "../../shared/contracts/http/operator/operations.ts";
import { providerPacks } from "../../shared/contracts/providers.ts";
import { identificationToken } from "../../shared/core/administration/identification-token.ts";
import type { ApiCall, ApiOutcome } from "../../shared/core/api/api-call.ts";
import { portalLinkOf } from "../../shared/core/api/authentication/portal-token.ts";
import { makeServeApi, type ServeApiDeps } from "../../shared/core/api/serve-api.ts";
import type { AuditedChange } from "../../shared/core/audit/audit.ts";
import { sha256Hex } from "../../shared/core/crypto/digest.ts";
import {
  makeServeOperator,
  type OperatorInput,
} from "../../shared/core/operator/serve-operator.ts";
import { clientRows, operatorRows } from "../support/access-rows.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";

/*
 * The table of routes, scopes and clients. `access-rows.ts` has a row for each operation, written
 * by hand: an operation without one fails the first test, and each cell of each row is a call.
 */

const OWN = "cl_0123456789abcdef";
const OTHER = "cl_fedcba9876543210";
const clock = makeTestClock();
const master = { current: "k1", keys: new Map([["k1", "m".repeat(64)]]) };

/** Ends every handler of the clients' API that uses it: the call got through. */
const reached: unknown = new Proxy(() => undefined, {
  get: (_, name) => (name === "then" ? undefined : reached),
  apply: () => {
    throw new Failure("CONFLICT", "the handler was reached");
  },
});

const key = (keyId: string, of: Partial<ApiKeyItem>): ApiKeyItem => ({
  pk: `key#${keyId}`,
  clientId: OWN,
  keyId,
  secretSha256: sha256Hex("secret"),
  createdAt: "2026-01-01T00:00:00.000Z",
  lastUsedAt: "2099-01-01T00:00:00.000Z",
  ...of,
});

const past = new Date(clock.businessMs() - 1).toISOString();
const future = new Date(clock.businessMs() + 60_000).toISOString();

/** The client keys of the table, and whether each may do what a scope is needed for. */
const clientKeys: Record<string, { item: Partial<ApiKeyItem>; may: Record<string, boolean> }> = {
  all: { item: {}, may: { read: true, write: true } },
  allUntilLater: { item: { expiresAt: future }, may: { read: true, write: true } },
  write: { item: { scopes: ["write"] }, may: { read: true, write: true } },
  read: { item: { scopes: ["read"] }, may: { read: true, write: false } },
};
const refusedKeys: Record<string, Partial<ApiKeyItem>> = {
  expired: { expiresAt: past },
  revoked: { revokedAt: past },
  wrong: { secretSha256: sha256Hex("another") },
};

const items = new Map(
  [
    ...Object.entries(clientKeys).map(([id, { item }]) => [id, item] as const),
    ...Object.entries(refusedKeys),
  ].map(([id, item]) => [id, key(id, item)]),
);

const serveApi = makeServeApi({
  keys: { find: async (keyId: string) => items.get(keyId), recordUse: async () => undefined },
  masterKeys: async () => master,
  clock,
  onNonFatalError: () => undefined,
  administration: async () => reached,
  reader: reached,
  requests: reached,
  accounts: reached,
  recurring: reached,
  webhooks: reached,
  deliveries: reached,
} as unknown as ServeApiDeps);

/** The headers with which a key calls an operation, in its own protocol or a dialect. */
function headersOf({ dialect }: Operation, apiKey: string): Record<string, string> {
  if (dialect === undefined) return { authorization: `Bearer ${apiKey}` };
  const [, keyId = "", secret = ""] = apiKey.split("_");
  const values = {
    apiKey,
    apiKeyId: keyId,
    apiKeySecret: secret,
    accountToken: identificationToken(master, { clientId: OWN, accountId: "a" }),
  };
  const { credentials = [] } = providerPacks[dialect].dialect ?? {};
  return Object.fromEntries(credentials.map(({ header, holds }) => [header, values[holds]]));
}

function callOf(path: string, of: Partial<ApiCall>): ApiCall {
  const names = [...path.matchAll(/\{(\w+)\}/g)].flatMap(([, name]) => name ?? []);
  return {
    routeKey: "",
    headers: {},
    params: Object.fromEntries(names.map((name) => [name, "x1"])),
    query: {},
    body: Buffer.from("{}"),
    origin: "https://example.com",
    signal: new AbortController().signal,
    ...of,
  };
}

const codeOf = (outcome: ApiOutcome) => (outcome.kind === "refused" ? outcome.code : "answered");

async function callClientApi(operation: Operation, apiKey: string): Promise<string> {
  const call = { routeKey: routeKeyOf(operation), headers: headersOf(operation, apiKey) };
  return codeOf(await serveApi(callOf(operation.path, call)));
}

describe("The clients' API", () => {
  test("Each operation has a row, and each row an operation", () => {
    expect(Object.keys(clientRows).sort()).toEqual(
      operations.map(({ operationId }) => operationId).sort(),
    );
  });

  test.each(operations.map((one) => [one.operationId, one] as const))(
    "%s",
    async (id, operation) => {
      const needed = clientRows[id];
      if (needed === "public") {
        expect(await callClientApi(operation, "")).not.toMatch(/UNAUTHENTICATED|FORBIDDEN/);
        return;
      }
      for (const [name, { may }] of Object.entries(clientKeys)) {
        const code = await callClientApi(operation, `ackwire_${name}_secret`);
        expect({ name, isForbidden: code === "FORBIDDEN", code }).toEqual({
          name,
          isForbidden: !may[needed ?? ""],
          code: expect.not.stringContaining("UNAUTHENTICATED"),
        });
      }
      for (const name of [...Object.keys(refusedKeys), "unknown"]) {
        const code = await callClientApi(operation, `ackwire_${name}_secret`);
        expect({ name, code }).toEqual({ name, code: "UNAUTHENTICATED" });
      }
      // Neither an operator key nor a portal link is a key of a client.
      const { token } = portalLinkOf(master, {
        clientId: OWN,
        nowMs: clock.realMs(),
        consoleUrl: "",
      });
      for (const other of ["ackwire_op_admin_secret", token, ""]) {
        expect(await callClientApi(operation, other)).toBe("UNAUTHENTICATED");
      }
    },
  );
});

const operatorKeys = new Map(
  [
    ...operatorScopes.map((scope) => ({ keyId: scope, scope })),
    { keyId: "expired", scope: "admin" as const, expiresAt: past },
    { keyId: "revoked", scope: "admin" as const, revokedAt: past },
  ].map((of): [string, OperatorKeyItem] => [
    of.keyId,
    {
      pk: `operatorKey#${of.keyId}`,
      clientId: "#operators",
      name: of.keyId,
      secretSha256: sha256Hex("secret"),
      createdAt: past,
      lastUsedAt: "2099-01-01T00:00:00.000Z",
      ...of,
    },
  ]),
);

interface Seen {
  id: string;
  input: OperatorInput;
}

function setUpOperator() {
  const seen: Seen[] = [];
  const audited: AuditedChange[] = [];
  const handlers = Object.fromEntries(
    operatorOperationList.map(({ operationId: id }) => [
      id,
      async (input: OperatorInput) => {
        seen.push({ id, input });
        return "{}";
      },
    ]),
  );
  const serve = makeServeOperator({
    operatorKeys: {
      find: async (keyId) => operatorKeys.get(keyId),
      recordUse: async () => undefined,
    },
    masterKeys: async () => master,
    clock,
    onNonFatalError: () => undefined,
    handlers: handlers as never,
    audited: async (of, change) => {
      audited.push(of);
      return change();
    },
    clientOf: async () => OWN,
  });

  async function call(
    { method, path }: OperatorOperation,
    bearer: string,
    { clientId, query = {} }: { clientId?: string; query?: Record<string, string> } = {},
  ): Promise<string> {
    const filled = path.replace("{clientId}", clientId ?? OWN).replaceAll(/\{\w+\}/g, "x1");
    const unmatched = { method, path: filled };
    const headers = { authorization: `Bearer ${bearer}` };
    return codeOf(await serve(callOf(path, { unmatched, headers, query })));
  }
  return { call, seen, audited };
}

const portalOf = (clientId: string, nowMs = clock.realMs()) =>
  portalLinkOf(master, { clientId, nowMs, consoleUrl: undefined }).token;

describe("The operator API", () => {
  test("Each operation has a row, and each row an operation", () => {
    expect(Object.keys(operatorRows).sort()).toEqual(
      operatorOperationList.map(({ operationId }) => operationId).sort(),
    );
  });

  const rows = operatorOperationList.map((one) => [one.operationId, one] as const);

  test.each(rows)("%s: scopes", async (id, operation) => {
    const { call, seen } = setUpOperator();
    const { scope: needed = "admin" } = operatorRows[id] ?? {};
    for (const scope of operatorScopes) {
      const isAllowed = operatorScopes.indexOf(scope) >= operatorScopes.indexOf(needed);
      const code = await call(operation, `ackwire_op_${scope}_secret`);
      expect({ scope, isForbidden: code === "FORBIDDEN" }).toEqual({
        scope,
        isForbidden: !isAllowed,
      });
      expect(code).not.toBe("UNAUTHENTICATED");
    }
    const before = seen.length;
    for (const bearer of [
      ...["ackwire_op_expired_secret", "ackwire_op_revoked_secret", "ackwire_op_admin_wrong"],
      ...["ackwire_op_nobody_secret", "ackwire_all_secret", "nonsense"],
    ]) {
      expect({ bearer, code: await call(operation, bearer) }).toEqual({
        bearer,
        code: "UNAUTHENTICATED",
      });
    }
    expect(seen.length).toBe(before);
  });

  test.each(rows)("%s: a portal link of one client", async (id, operation) => {
    const { call, seen, audited } = setUpOperator();
    const isInPortal = operatorRows[id]?.portal === true;
    const own = await call(operation, portalOf(OWN));
    if (!isInPortal) {
      expect(own).toBe("FORBIDDEN");
      expect(seen).toEqual([]);
      return;
    }
    expect(own).toBe("answered");
    // Every handler is given the link's own client, and no call can name another.
    const first = seen[0]?.input;
    if (id !== "getMe") expect([first?.params.clientId, first?.query.clientId]).toContain(OWN);
    const ofOther = await call(operation, portalOf(OTHER), { clientId: OWN });
    if (operation.path.includes("{clientId}")) {
      expect(ofOther).toBe("NOT_FOUND");
    } else if (id !== "getMe") {
      expect(seen.at(-1)?.input.query.clientId).toBe(OTHER);
      const named = await call(operation, portalOf(OTHER), { query: { clientId: OWN } });
      expect(named).toBe("NOT_FOUND");
    }
    const sixteenMinutes = 16 * 60_000;
    expect(await call(operation, portalOf(OWN, clock.realMs() - sixteenMinutes))).toBe(
      "UNAUTHENTICATED",
    );
    expect(await call(operation, `${portalOf(OWN).slice(0, -2)}xx`)).toBe("UNAUTHENTICATED");
    if (operation.method !== "GET") expect(audited[0]).toMatchObject({ who: `portal:${OWN}` });
  });

  test("A link is valid for fifteen minutes, and not longer", async () => {
    const { call } = setUpOperator();
    const [, me] = rows.find(([id]) => id === "getMe") ?? [];
    const fifteen = 15 * 60_000;
    if (!me) throw new Error("getMe is missing");
    expect(await call(me, portalOf(OWN, clock.realMs() - fifteen + 5_000))).toBe("answered");
    expect(await call(me, portalOf(OWN, clock.realMs() - fifteen - 1_000))).toBe("UNAUTHENTICATED");
  });

  test("Every change is audited with who made it, and no look is", async () => {
    for (const [id, operation] of rows) {
      const { call, seen, audited } = setUpOperator();
      await call(operation, "ackwire_op_admin_secret");
      if (seen.length === 0) continue;
      expect({ id, audited: audited.length }).toEqual({
        id,
        audited: operation.method === "GET" ? 0 : 1,
      });
      if (audited[0]) expect(audited[0]).toMatchObject({ action: id, who: "operator:admin" });
    }
  });
});
