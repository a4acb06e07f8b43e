import { describe, expect, test } from "vitest";
import type { InboundMessage } from "../../shared/contracts/messages/inbound.ts";
import type { Connection } from "../../shared/core/connections/ports.ts";
import { sha256Hex } from "../../shared/core/crypto/digest.ts";
import type { ProviderEvent } from "../../shared/core/events/provider-event.ts";
import {
  type IngestCommand,
  type IngestDeps,
  makeIngestWebhook,
} from "../../shared/core/inbound/ingest-webhook.ts";
import type { Verification } from "../../shared/core/providers/provider-pack.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";
import { makeMemoryBlobStore } from "../support/memory/memory-blob-store.ts";

const NOON = "2026-06-25T12:00:00.000Z";
const noonMs = Date.parse(NOON);
const REAL_AHEAD_MS = 5_000;
const body = Buffer.from('{"a":1}');
const { signal } = new AbortController();
const verified: Verification = { kind: "verified", form: "header" };
const bodyNotSigned: Verification = { kind: "bodyNotSigned", form: "jwt" };
const invalid: Verification = { kind: "invalid" };

interface Given {
  verification?: Verification;
  event?: Partial<ProviderEvent>;
  settings?: Partial<Connection["settings"]>;
  secrets?: Partial<Connection["secrets"]>;
  /** Whether the provider can confirm a webhook with credentials. */
  canConfirm?: boolean;
  maxBodyBytes?: number;
  /** The provider has no pack, or one with a bug. */
  packs?: object;
}

/** The connection `cn_1` of a provider whose webhooks are as the test says. */
function setUp({ verification = verified, ...given }: Given = {}) {
  const clock = makeTestClock();
  clock.passReal(REAL_AHEAD_MS);
  const calls: unknown[][] = [];
  const noting =
    (name: string) =>
    async (...of: unknown[]) =>
      void calls.push([name, ...of]);
  const connection = {
    ...{ clientId: "cl_1", connectionId: "cn_1", provider: "we-link", createdAt: NOON },
    tokens: [{ sha256: sha256Hex("token") }],
    secrets: { webhookSecrets: [], ...given.secrets },
    settings: {
      ...{ status: "active", signature: "enforce", hashForms: ["raw", "jwt"] },
      ...{ allowUnboundJwt: false, verifyByFetch: false },
      ...given.settings,
    },
  } as unknown as Connection;
  const pack = {
    client: {},
    signatureHeaders: ["x-signature", "x-signed-at"],
    verify(_: unknown, input: unknown) {
      calls.push(["verify", input]);
      return verification;
    },
    parseWebhook: () => ({
      ...{ type: "workflow.completed", providerObjectId: "p-1", data: { eventType: "UNKNOWN" } },
      ...given.event,
    }),
    ...(given.canConfirm
      ? { confirmation: { request: (_: unknown, of: object) => ("key" in of ? {} : undefined) } }
      : {}),
  };
  const ingest = makeIngestWebhook({
    connections: {
      async read(id: string, of: unknown) {
        calls.push(["read", id, of]);
        return id === "cn_1" ? connection : undefined;
      },
      readThrottled: async (id: string) => {
        calls.push(["readThrottled", id]);
        return id === "cn_1" ? connection : undefined;
      },
    },
    queue: { send: noting("send") },
    correlations: { recordEvent: noting("recordEvent") },
    bodies: makeMemoryBlobStore(),
    quarantine: { put: noting("quarantine") },
    packs: given.packs ?? { "we-link": pack },
    clock,
    storeSettledForm: noting("settle"),
    storeRefused: noting("refused"),
    maxBodyBytes: given.maxBodyBytes ?? 100,
    maxInlineBytes: 100,
  } as unknown as IngestDeps);
  const named = (name: string) =>
    calls.filter(([one]) => one === name).map((call) => call.slice(1));
  const call = (of: Partial<IngestCommand> = {}) =>
    ingest({
      ...{ provider: "we-link", connectionId: "cn_1", token: "token", body, headers: {}, signal },
      ...of,
    });
  return { call, named };
}

const addressee = { connectionId: "cn_1", clientId: "cl_1", provider: "we-link" };
const unknown = {
  ...{ kind: "refused", code: "CONNECTION_UNKNOWN", detail: "no connection has this address" },
};

describe("The address of a webhook", () => {
  test.each(["a", "x".repeat(64), "A-b_9"])("The connection %s is looked for", async (id) => {
    const { call, named } = setUp();
    await call({ connectionId: id });
    expect(named("read")).toEqual([[id, signal]]);
  });

  test.each(["", "x".repeat(65), "a/b", "a b", "é"])("The text %j is no connection", async (id) => {
    const { call, named } = setUp();
    expect(await call({ connectionId: id })).toStrictEqual(unknown);
    expect([...named("read"), ...named("readThrottled")]).toEqual([]);
  });

  test("A wrong token is checked against the stored connection too, and names nobody", async () => {
    const { call, named } = setUp();
    expect(await call({ token: "other" })).toStrictEqual(unknown);
    expect(named("readThrottled")).toEqual([["cn_1"]]);
    expect(named("verify")).toEqual([]);
  });
});

describe("The size of a webhook", () => {
  test("One that is as large as may be is accepted", async () => {
    expect(await setUp({ maxBodyBytes: 7 }).call()).toMatchObject({ kind: "accepted", bytes: 7 });
  });

  test("One with a byte more is refused, and the refusal says how large both are", async () => {
    expect(await setUp({ maxBodyBytes: 6 }).call()).toStrictEqual({
      ...{ kind: "refused", code: "BODY_TOO_LARGE", addressee },
      detail: "7 bytes; at most 6 are accepted",
    });
  });
});

describe("A webhook that its provider has signed", () => {
  const message: InboundMessage = {
    ...{ v: 1, provider: "we-link", clientId: "cl_1", connectionId: "cn_1" },
    ...{ receivedAtMs: noonMs, bodyBase64: body.toString("base64") },
  };

  test("It is verified with the secrets of its time of receipt, and a token with the real time", async () => {
    const webhookSecrets = [
      { secret: "new" },
      { secret: "old", validUntil: "2026-06-25T12:00:00.001Z" },
      { secret: "gone", validUntil: NOON },
    ];
    const { call, named } = setUp({ secrets: { webhookSecrets } });
    await call();
    const settings = { hashForms: ["raw", "jwt"] };
    expect(named("verify")).toMatchObject([
      [{ secrets: ["new", "old"], settings, nowMs: noonMs + REAL_AHEAD_MS }],
    ]);
  });

  test("It is queued, and what it tells about its form is returned", async () => {
    const { call, named } = setUp();
    expect(await call()).toStrictEqual({
      ...{ kind: "accepted", connectionId: "cn_1", bytes: 7, form: "header" },
      ...{ formObservation: { isUnsettled: false }, isTimeReplaced: false },
    });
    expect(named("send")).toStrictEqual([[message, signal]]);
    expect(named("readThrottled")).toEqual([]);
  });

  test.each<[string, Given, object]>([
    ["whose connection says so", { settings: { verifyByFetch: true } }, { verifyByFetch: true }],
    [
      "whose body is not signed",
      {
        ...{ verification: bodyNotSigned, canConfirm: true },
        secrets: { credentials: { key: "k" } },
      },
      { verifyByFetch: true },
    ],
    ["of any other", {}, {}],
  ])("Whether its provider must be asked about one %s", async (_, given, expected) => {
    const { call, named } = setUp(given);
    await call();
    expect(named("send")).toStrictEqual([[{ ...message, ...expected }, signal]]);
  });

  test("Its trace is passed on, and what is no trace is not", async () => {
    const traceparent = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`;
    const { call, named } = setUp();
    await call({ headers: { traceparent } });
    await call({ headers: { traceparent: "none" } });
    expect(named("send").map(([sent]) => sent)).toStrictEqual([
      { ...message, traceparent },
      message,
    ]);
  });

  test.each([
    ["as late as a clock may be wrong", 300_000, false],
    ["later than that", 300_001, true],
  ])("A time of the event that is %s is replaced: %s", async (_, aheadMs, isTimeReplaced) => {
    const createdAt = new Date(noonMs + aheadMs).toISOString();
    expect(await setUp({ event: { createdAt } }).call()).toMatchObject({ isTimeReplaced });
  });
});

describe("A webhook whose signature is not valid", () => {
  const rejected = { kind: "refused", code: "SIGNATURE_REJECTED", addressee };
  const detail = "not signed with a secret of this connection";

  test("It is refused, and its connection counts it, with where it came from", async () => {
    const { call, named } = setUp({ verification: invalid });
    expect(await call({ sourceIp: "192.0.2.1" })).toStrictEqual({ ...rejected, detail });
    const counted = { count: 1, since: NOON, lastAt: NOON, addresses: ["192.0.2.1"] };
    expect(named("refused")).toStrictEqual([["cn_1", counted, signal]]);
    expect([...named("send"), ...named("quarantine")]).toEqual([]);
    // The stored connection is the cached one: it is not checked twice.
    expect(named("verify")).toHaveLength(1);
  });

  test("On a connection that quarantines it is stored aside, whatever is in it", async () => {
    const settings = { signature: "quarantine" } as const;
    const { call, named } = setUp({ verification: invalid, settings });
    const quarantined = { kind: "quarantined", connectionId: "cn_1", bytes: 7 };
    expect(await call()).toStrictEqual(quarantined);
    const stored = { connectionId: "cn_1", body, headers: {}, receivedAtMs: noonMs };
    expect(named("quarantine")).toEqual([[stored, signal]]);
    expect([...named("send"), ...named("refused")]).toEqual([]);
  });

  test.each([
    ["is as long as may be", "a".repeat(256), true],
    ["is a character longer", "a".repeat(257), false],
    ["has a character beyond ASCII", "é", false],
    ["is empty", "", false],
  ])(
    "Of its headers only those of a signature are stored with it; one that %s",
    async (_, value, isStored) => {
      const settings = { signature: "quarantine" } as const;
      const { call, named } = setUp({ verification: invalid, settings });
      await call({ headers: { "x-signature": value, "x-signed-at": "1", cookie: "c" } });
      const headers = { ...(isStored ? { "x-signature": value } : {}), "x-signed-at": "1" };
      const stored = { connectionId: "cn_1", body, headers, receivedAtMs: noonMs };
      expect(named("quarantine")).toEqual([[stored, signal]]);
    },
  );

  test.each<[string, Given]>([
    ["the provider has no call for that", {}],
    ["the connection has no credentials for that", { canConfirm: true }],
  ])("One whose body is not signed cannot be confirmed where %s", async (_, given) => {
    const { call, named } = setUp({ verification: bodyNotSigned, ...given });
    expect(await call()).toStrictEqual({
      ...rejected,
      detail: "the signature does not cover the body, and the provider cannot confirm the webhook",
    });
    expect(named("send")).toEqual([]);
  });
});

describe("A bug", () => {
  test("A provider without a pack is an error, and no refusal", async () => {
    await expect(setUp({ packs: {} }).call()).rejects.toThrow("No provider pack for we-link");
  });

  test("So is an error of a pack", async () => {
    const bug = new TypeError("a bug");
    const verify = () => {
      throw bug;
    };
    await expect(setUp({ packs: { "we-link": { verify } } }).call()).rejects.toBe(bug);
  });
});
