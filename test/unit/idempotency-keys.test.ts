import { describe, expect, test } from "vitest";
import { Failure } from "../../shared/contracts/failures.ts";
import { sha256Hex } from "../../shared/core/crypto/digest.ts";
import { plainDigest } from "../../shared/core/requests/acceptance/body-digest.ts";
import {
  type CallKey,
  findKey,
  isStored,
  isUnderWay,
  keyExpiresMs,
  lookUp,
  type NewRequest,
  reserveRequestId,
} from "../../shared/core/requests/acceptance/idempotency.ts";
import { newRequestId } from "../../shared/core/requests/acceptance/request-id.ts";
import type { KnownKey } from "../../shared/core/requests/state/idempotency-store.ts";
import type { RequestRecord } from "../../shared/core/requests/state/record.ts";
import { providerClients } from "../../shared/providers/provider-clients.ts";
import { NOON_MS as nowMs } from "../support/noon.ts";
import { makeRequestParts } from "../support/payloads/request-parts.ts";
import { newOwner, requestRecord } from "../support/payloads/request-records.ts";
import { requestRules as rules } from "../support/payloads/request-rules.ts";

const nowRealMs = nowMs + 7_000;
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const owner = newOwner({ clientId: "cl_1", accountId: "a" });
const { masterKeys } = makeRequestParts(owner);
const context = () => ({ nowMs, nowRealMs, rules });

const lane = "a".repeat(24);
const idOf = (n: number, of = lane) => newRequestId(of, String(n).padStart(20, "0"));
const ID = idOf(99);
const OTHER_ID = idOf(98);
const digest = plainDigest("body");
const entryOf = (of: Partial<KnownKey> = {}): KnownKey => ({
  bodySha256: digest.text,
  requestId: ID,
  reservedRealMs: nowRealMs - 1,
  ...of,
});
const otherBody = { bodySha256: plainDigest("other").text };
const storedAs = (of: Partial<RequestRecord> = {}) =>
  requestRecord(owner, { requestId: ID, ...of });

interface Given {
  /** The entry that is found. */
  entry?: KnownKey;
  requests?: RequestRecord[];
  /** The entries of other calls that `reserve` finds, in turn; after them, it stores its own. */
  others?: KnownKey[];
  /** The entry that is to be joined is gone. */
  isGone?: boolean;
}

/** Stores that note their calls, and random digits that are numbers in order. */
function setUp({ entry, requests = [], others = [], isGone = false }: Given = {}) {
  const calls: unknown[][] = [];
  let drawn = 0;
  const deps = {
    requests: {
      async find(id: string) {
        calls.push(["findRequest", id]);
        return requests.find(({ requestId }) => requestId === id);
      },
    },
    idempotency: {
      async find(...of: unknown[]) {
        calls.push(["find", ...of]);
        return entry;
      },
      async joinReservation(of: unknown) {
        calls.push(["join", of]);
        return !isGone;
      },
      async reserve(of: KnownKey) {
        calls.push(["reserve", of]);
        return others.shift() ?? of;
      },
    },
    providerClients,
    masterKeys: async () => {
      calls.push(["masterKeys"]);
      return masterKeys();
    },
    randomHex: (bytes: number) => String(++drawn).padStart(2 * bytes, "0"),
    context,
  } as unknown as Parameters<typeof findKey>[0];
  const named = (name: string) => calls.filter(([one]) => one === name);
  return { calls, deps, named };
}

const conflict = new Failure(
  "IDEMPOTENCY_CONFLICT",
  "this Idempotency-Key was used with another body",
);

describe("The search for the key of a call", () => {
  const params = { profile_id: "p" };
  const call: NewRequest = {
    ...{ clientId: "cl_1", provider: "we-link", accountId: "a", action: "connect", params },
    idempotencyKey: "key",
  };
  async function callKeyOf(deps: Parameters<typeof findKey>[0], of: Partial<NewRequest> = {}) {
    const found = await findKey(deps, { ...call, ...of });
    if (!found || "storedRequest" in found) throw new Error("there is no key to reserve");
    return found.callKey;
  }

  test("A call without a key reads nothing", async () => {
    const { calls, deps } = setUp();
    expect(await findKey(deps, { ...call, idempotencyKey: undefined })).toBeUndefined();
    expect(calls).toEqual([]);
  });

  const bodyOf = (more = "") => `["we-link",null,"a","connect",null,{"profile_id":"p"}${more}]`;
  const dependsOn = { requestId: "rq", on: "succeeded", within: 60 } as const;
  test.each([
    [{}, bodyOf()],
    [{ priority: "normal" }, bodyOf()],
    [{ recurringId: "r", traceparent: "t", expiresRealMs: 1 }, bodyOf()],
    [{ priority: "high" }, bodyOf(',{"priority":"high"}')],
    [{ group: "g", notAfter: "t" }, bodyOf(',{"group":"g","notAfter":"t"}')],
    [{ dependsOn }, bodyOf(',{"dependsOn":{"on":"succeeded","requestId":"rq","within":6e1}}')],
    [
      { connectionId: "cn_1", scheduled: "s" },
      '["we-link","cn_1","a","connect","s",{"profile_id":"p"}]',
    ],
  ] as [Partial<NewRequest>, string][])("A call with %j has the digest of %s", async (of, body) => {
    const { calls, deps } = setUp();
    const { digest, ...key } = await callKeyOf(deps, of);
    expect(digest.text).toBe(sha256Hex(body));
    expect(key).toStrictEqual({ clientId: "cl_1", key: "key", entry: undefined });
    expect(calls).toEqual([["find", "cl_1", "key"]]);
  });

  test("The digest of a body with a secret is made with the master key", async () => {
    const { calls, deps } = setUp();
    const { digest } = await callKeyOf(deps, { action: "login" });
    expect(digest.text).toMatch(/^k1\.[0-9a-f]{64}$/);
    expect(calls).toEqual([["masterKeys"], ["find", "cl_1", "key"]]);
  });

  const { text: bodySha256 } = plainDigest(bodyOf());
  test("A repeated call gets its request", async () => {
    const request = storedAs();
    const { deps } = setUp({ entry: entryOf({ bodySha256 }), requests: [request] });
    expect(await findKey(deps, call)).toStrictEqual({ storedRequest: request });
  });

  test.each([
    ["is not stored", []],
    ["is forgotten", [storedAs({ status: "FAILED", finishedMs: 0 })]],
  ])("A call whose request %s goes on with the entry that was found", async (_, requests) => {
    const entry = entryOf({ bodySha256 });
    const { deps, named } = setUp({ entry, requests });
    expect((await callKeyOf(deps)).entry).toBe(entry);
    expect(named("findRequest")).toEqual([["findRequest", ID]]);
  });

  test("A call with another body is refused", async () => {
    const { deps } = setUp({ entry: entryOf(), requests: [storedAs()] });
    await expect(findKey(deps, call)).rejects.toEqual(conflict);
  });
});

describe("What is known of the request of a key", () => {
  const endedMs = nowMs - rules.idempotencyMs;
  const outcomeOf = async (entry: KnownKey, requests: RequestRecord[] = []) => {
    const known = await lookUp(setUp({ requests }).deps, entry, digest);
    return isStored(known) ? known.status : known;
  };

  test.each([
    ["SUCCEEDED", endedMs, "forgotten"],
    ["SUCCEEDED", endedMs + 1, "SUCCEEDED"],
    ["FAILED", undefined, "FAILED"],
    ["RUNNING", 0, "RUNNING"],
  ] as const)("A request that is %s since %s is %s", async (status, finishedMs, known) => {
    const requests = [storedAs({ status, finishedMs })];
    expect(await outcomeOf(entryOf(), requests)).toBe(known);
    const other = outcomeOf(entryOf(otherBody), requests);
    if (known === "forgotten") expect(await other).toBe("forgotten");
    else await expect(other).rejects.toEqual(conflict);
  });

  test.each([
    [0, "unstored"],
    [DAY_MS, "unstored"],
    [DAY_MS + 1, "forgotten"],
  ])("A request that is not stored, whose key is %i ms old, is %s", async (ms, known) => {
    expect(await outcomeOf(entryOf({ reservedRealMs: nowRealMs - ms }))).toBe(known);
  });

  test("A key is free for another body when its call has had a minute to store its request", async () => {
    const reserved = (ms: number) => entryOf({ ...otherBody, reservedRealMs: nowRealMs - ms });
    await expect(outcomeOf(reserved(MINUTE_MS - 1))).rejects.toEqual(conflict);
    expect(await outcomeOf(reserved(MINUTE_MS))).toBe("unstored");
    expect(await outcomeOf(reserved(DAY_MS + 1))).toBe("forgotten");
    expect(isUnderWay(reserved(MINUTE_MS - 1), context())).toBe(true);
    expect(isUnderWay(reserved(MINUTE_MS), context())).toBe(false);
  });

  test("Only a request itself is a stored one", () => {
    for (const known of [undefined, "unstored", "forgotten"] as const) {
      expect(isStored(known)).toBe(false);
    }
    expect(isStored(storedAs())).toBe(true);
  });
});

describe("The reservation of a request's id", () => {
  const startsMs = nowMs + 5_000;
  const keyOf = (entry?: KnownKey): CallKey => ({ clientId: "cl_1", key: "key", digest, entry });
  const callId = "2".padStart(20, "0");
  const own = { clientId: "cl_1", key: "key", requestId: idOf(1), callId };
  const reserving = (insteadOf?: string) => [
    "reserve",
    {
      ...{ ...own, bodySha256: digest.text, reservedRealMs: nowRealMs, insteadOf },
      expiresMs: keyExpiresMs(startsMs, rules),
    },
  ];
  const reserve = (deps: Parameters<typeof findKey>[0], entry?: KnownKey) =>
    reserveRequestId(deps, keyOf(entry), { lane, startsMs });
  const otherLane = { requestId: idOf(99, "b".repeat(24)) };

  test("A call without a key gets a random id of its lane, or the id of the digits that it names", async () => {
    const { calls, deps } = setUp();
    const of = { lane, startsMs };
    const idDigits = "5".repeat(20);
    expect(await reserveRequestId(deps, undefined, { ...of, idDigits })).toStrictEqual({
      requestId: `rq_${lane}${idDigits}`,
    });
    expect(await reserveRequestId(deps, undefined, of)).toStrictEqual({ requestId: idOf(1) });
    expect(calls).toEqual([]);
  });

  test("A new key is reserved for longer than any request of it is remembered", async () => {
    const { calls, deps } = setUp();
    expect(await reserve(deps)).toStrictEqual({ requestId: idOf(1), reservation: own });
    expect(calls).toEqual([reserving()]);
  });

  test("A request that another call has stored meanwhile is returned", async () => {
    const request = storedAs();
    const { calls, deps } = setUp({ requests: [request] });
    expect(await reserve(deps, entryOf())).toStrictEqual({ storedRequest: request });
    expect(calls).toEqual([["findRequest", ID]]);
  });

  test("A request that another call may be storing gets that call's id", async () => {
    const { calls, deps } = setUp();
    const reservation = { ...own, requestId: ID };
    expect(await reserve(deps, entryOf())).toStrictEqual({ requestId: ID, reservation });
    expect(calls).toEqual([
      ["findRequest", ID],
      ["join", reservation],
    ]);
  });

  test.each([
    ["that was released meanwhile", entryOf(), [], true],
    ["of a request that is forgotten", entryOf(), [storedAs({ status: "FAILED", finishedMs: 0 })]],
    ["of a call that is gone", entryOf({ reservedRealMs: nowRealMs - DAY_MS - 1 }), []],
    ["of another body", entryOf({ ...otherBody, reservedRealMs: nowRealMs - MINUTE_MS }), []],
    ["of another lane", entryOf({ ...otherLane, reservedRealMs: nowRealMs - MINUTE_MS }), []],
  ] as [string, KnownKey, RequestRecord[], boolean?][])(
    "The entry %s is replaced by this call's own",
    async (_, entry, requests, isGone = false) => {
      const { deps, named } = setUp({ requests, isGone });
      expect(await reserve(deps, entry)).toStrictEqual({ requestId: idOf(1), reservation: own });
      expect(named("join")).toHaveLength(isGone ? 1 : 0);
      expect(named("reserve")).toEqual([reserving(entry.requestId)]);
    },
  );

  test("While a call may still store its request, none is stored on another connection", async () => {
    const { deps, named } = setUp();
    const entry = entryOf({ ...otherLane, reservedRealMs: nowRealMs - MINUTE_MS + 1 });
    await expect(reserve(deps, entry)).rejects.toEqual(
      new Failure(
        "IDEMPOTENCY_CONFLICT",
        "an earlier call with this Idempotency-Key has not ended",
      ),
    );
    expect([...named("join"), ...named("reserve")]).toEqual([]);
  });

  test("A call that came second gets the request of the first", async () => {
    const request = storedAs();
    const { calls, deps } = setUp({ others: [entryOf()], requests: [request] });
    expect(await reserve(deps)).toStrictEqual({ storedRequest: request });
    expect(calls).toEqual([reserving(), ["findRequest", ID]]);
  });

  test("A call that came second with another body is refused", async () => {
    const { deps } = setUp({ others: [entryOf(otherBody)] });
    await expect(reserve(deps)).rejects.toEqual(conflict);
  });

  test("A call that never comes first has five attempts", async () => {
    const ended = storedAs({ status: "FAILED", finishedMs: 0 });
    const requests = [ended, { ...ended, requestId: OTHER_ID }];
    const both = [entryOf(), entryOf({ requestId: OTHER_ID })];
    const { deps, named } = setUp({ others: [...both, ...both, ...both], requests });
    await expect(reserve(deps)).rejects.toEqual(
      new Failure("DEPENDENCY_DOWN", "too many calls with one Idempotency-Key at once"),
    );
    const insteadOf = [undefined, ID, OTHER_ID, ID, OTHER_ID];
    expect(named("reserve")).toEqual(insteadOf.map((id) => reserving(id)));
  });
});

test.each([
  [20, 300, 7_654_321],
  [300, 20, 7_654_321],
])(
  "With a silence of %i and a cap of %i, the entry of a key may be deleted at %i",
  (resultTimeoutMs, pendingCapMs, expiresMs) => {
    const times = { queueTimeoutMs: 21, unknownTimeoutMs: 4_000, retentionMs: 50_000 };
    const of = { ...rules, ...times, resultTimeoutMs, pendingCapMs, idempotencyMs: 600_000 };
    expect(keyExpiresMs(7_000_000, of)).toBe(expiresMs);
  },
);
