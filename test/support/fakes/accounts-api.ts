import type { AccountItem, ApiKeyItem } from "../../../shared/contracts/config-items.ts";
import type { ProviderId } from "../../../shared/contracts/providers.ts";
import {
  type Accounts,
  type AccountsDeps,
  makeAccounts,
} from "../../../shared/core/administration/accounts.ts";
import { makeServeApi, type ServeApiDeps } from "../../../shared/core/api/serve-api.ts";
import { sha256Hex } from "../../../shared/core/crypto/digest.ts";
import { laneId } from "../../../shared/core/requests/acceptance/request-id.ts";
import { noCounters } from "../../../shared/core/requests/state/lane-counters.ts";
import type { Lane, LaneCounters } from "../../../shared/core/requests/state/record.ts";
import { toCall, toResult } from "../../../shared/runtime/api-request.ts";
import { makeTestClock, type TestClock } from "./clocks.ts";
import { testMasterKeys } from "./webhook-api.ts";

/** The API on accounts of the client `cl_1`, over stores in memory. A connection is named after its provider. */
export function makeAccountsApi(
  given: {
    connections?: readonly { connectionId: string; provider: ProviderId }[];
    /** What else the API serves on these accounts. */
    more?: (accounts: Accounts, clock: TestClock) => object;
    /** The scopes of the caller's key; absent: every scope. */
    scopes?: ApiKeyItem["scopes"];
    /** Happens before an account is written. */
    beforeWrite?: () => Promise<unknown>;
  } = {},
) {
  const clock = makeTestClock();
  const connections = (
    given.connections ?? [
      { connectionId: "cn_linked-api", provider: "linked-api" },
      { connectionId: "cn_we-link", provider: "we-link" },
    ]
  ).map((connection) => ({ clientId: "cl_1", ...connection }));
  const stored = new Map<string, AccountItem>();
  const lanes = new Map<string, Partial<Lane>>();
  const woken: unknown[] = [];
  const keyOf = (connectionId: string, accountId: string) => `${connectionId} ${accountId}`;
  const accounts = makeAccounts({
    store: {
      connectionsOf: async () => connections,
      connection: async (id: string) => connections.find((one) => one.connectionId === id),
      account: async (connectionId: string, accountId: string) =>
        stored.get(keyOf(connectionId, accountId)),
      replaceAccount: async (item: AccountItem, before: AccountItem | undefined) => {
        await given.beforeWrite?.();
        const key = keyOf(item.connectionId, item.accountId);
        const now = stored.get(key);
        if ((now === undefined) !== (before === undefined)) return false;
        if (now?.version !== before?.version) return false;
        stored.set(key, item);
        return true;
      },
    },
    lanes: { find: async (lane: string) => lanes.get(lane) },
    laneScheduler: { wakeAfterChange: async (lane: unknown) => void woken.push(lane) },
    providerClients: { "linked-api": {}, "we-link": {} },
    masterKeys: async () => testMasterKeys,
    randomHex: (bytes: number) => "0".repeat(bytes * 2),
    clock,
    stagePace: { minGapMs: 0, maxGapMs: 0, defaultPreset: "careful" },
  } as unknown as AccountsDeps);
  const api: Partial<ServeApiDeps> = {
    accounts,
    ...given.more?.(accounts, clock),
    keys: {
      find: async () => ({
        pk: "key#key1",
        clientId: "cl_1",
        keyId: "key1",
        secretSha256: sha256Hex("secret"),
        ...(given.scopes ? { scopes: given.scopes } : {}),
        createdAt: "2026-06-25T12:00:00.000Z",
      }),
      recordUse: async () => undefined,
    },
    masterKeys: async () => testMasterKeys,
    clock,
    onNonFatalError: () => undefined,
  };
  const serve = makeServeApi(api as ServeApiDeps);

  return {
    accounts,
    clock,
    serve,
    /** All accounts as they are stored, by connection and account. */
    items: stored as ReadonlyMap<string, AccountItem>,
    /** The lanes that were woken after a change of their account, in order. */
    woken,

    async call(routeKey: string, body: object = {}, params?: Record<string, string>) {
      const event = {
        routeKey,
        headers: {
          "linked-api-token": "ackwire_key1_secret",
          authorization: "Bearer ackwire_key1_secret",
        },
        pathParameters: params,
        body: routeKey.startsWith("GET") ? "" : JSON.stringify(body),
      };
      const outcome = await serve(toCall(event as never, new AbortController().signal));
      const { statusCode: status, body: text = "null" } = toResult(outcome);
      return { status, body: JSON.parse(text) };
    },

    /** Stores an account of Linked API. */
    addAccount(accountId: string, of: Partial<AccountItem> = {}) {
      const item: AccountItem = {
        pk: `account#${accountId}`,
        clientId: "cl_1",
        connectionId: "cn_linked-api",
        accountId,
        provider: "linked-api",
        createdAt: "2026-06-25T12:00:00.000Z",
        sealedIdentificationToken: { keyId: "k2", iv: "", data: "", tag: "" } as never,
        ...of,
      };
      stored.set(keyOf(item.connectionId, accountId), item);
      return item;
    },

    /** The account as it is stored. */
    stored: (accountId: string) => stored.get(keyOf("cn_linked-api", accountId)),

    /** Gives the account's lane a budget. */
    haveBudget(account: AccountItem, counters: Partial<LaneCounters>) {
      const lane = { counters: { ...noCounters, ...counters }, givenBack: [], categoryPauses: {} };
      lanes.set(laneId(account), lane);
    },
  };
}
