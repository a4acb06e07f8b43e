import { describe, expect, test } from "vitest";
import { toResult } from "../../functions/ingest/request.ts";
import { Failure } from "../../shared/contracts/failures.ts";
import type { InboundMessage } from "../../shared/contracts/messages/inbound.ts";
import { providerPacks } from "../../shared/contracts/providers.ts";
import type { Connection } from "../../shared/core/connections/ports.ts";
import { sha256Hex } from "../../shared/core/crypto/digest.ts";
import { signHs256 } from "../../shared/core/crypto/hs256.ts";
import {
  type IngestDeps,
  type IngestOutcome,
  makeIngestWebhook,
} from "../../shared/core/inbound/ingest-webhook.ts";
import { keysIn, requestKey } from "../../shared/core/providers/correlation.ts";
import type { CorrelatedEvent } from "../../shared/core/requests/state/correlation-ports.ts";
import { signWeLink } from "../../shared/providers/we-link/pack.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";
import { makeMemoryBlobStore } from "../support/memory/memory-blob-store.ts";

const secret = "secret code";
const token = "t".repeat(64);
const connection = (over: Partial<Connection> = {}): Connection => ({
  clientId: "cl_1",
  connectionId: "cn_1",
  provider: "we-link",
  tokens: [{ sha256: sha256Hex(token) }],
  createdAt: "2026-06-25T12:00:00.000Z",
  secrets: { webhookSecrets: [{ secret }] },
  settings: {
    status: "active",
    signature: "enforce",
    hashForms: ["raw", "json"],
    allowUnboundJwt: false,
    verifyByFetch: false,
  },
  ...over,
});
const good = signWeLink({ status: "SUCCESS", request_id: "r" }, secret);

function setUp(
  options: {
    read?: () => Promise<Connection>;
    send?: (message: InboundMessage, signal: AbortSignal) => Promise<void>;
    put?: () => Promise<void>;
    recordEvent?: IngestDeps["correlations"]["recordEvent"];
    storeSettledForm?: IngestDeps["storeSettledForm"];
    remembered?: Connection;
    stored?: Connection;
  } = {},
) {
  const queued: InboundMessage[] = [];
  const quarantined: string[] = [];
  const bodies = makeMemoryBlobStore();
  const clock = makeTestClock();
  const { remembered = connection(), stored = remembered } = options;
  let refreshes = 0;
  const known = (id: string, of: Connection) => (id === "cn_1" ? of : undefined);
  const ingest = makeIngestWebhook({
    connections: {
      read: options.read ?? (async (id) => known(id, remembered)),
      readThrottled:
        options.read ??
        (async (id) => {
          refreshes++;
          return known(id, stored);
        }),
    },
    queue: {
      send:
        options.send ??
        (async (message) => {
          queued.push(message);
        }),
    },
    correlations: { recordEvent: options.recordEvent ?? (async () => undefined) },
    bodies: { ...bodies, ...(options.put ? { put: options.put } : {}) },
    quarantine: {
      put:
        options.put ??
        (async ({ body }) => {
          quarantined.push(Buffer.from(body).toString());
        }),
    },
    packs: providerPacks,
    storeSettledForm: options.storeSettledForm ?? (async () => undefined),
    storeRefused: async () => undefined,
    clock,
    maxBodyBytes: 1_000,
    maxInlineBytes: 500,
  });
  return {
    clock,
    queued,
    quarantined,
    bodies,
    refreshes: () => refreshes,
    ingest: (body: string | Uint8Array = good, over: object = {}) =>
      ingest({
        provider: "we-link",
        connectionId: "cn_1",
        token,
        body: Buffer.from(body as string),
        headers: {},
        signal: new AbortController().signal,
        ...over,
      }),
  };
}

test("a good webhook is queued byte for byte, and then accepted", async () => {
  const { ingest, queued } = setUp();
  expect(await ingest()).toEqual({
    kind: "accepted",
    connectionId: "cn_1",
    bytes: Buffer.byteLength(good),
    form: "raw",
    formObservation: { isUnsettled: true },
    isTimeReplaced: false,
  });
  expect(queued).toEqual([
    {
      v: 1,
      provider: "we-link",
      clientId: "cl_1",
      connectionId: "cn_1",
      receivedAtMs: Date.UTC(2026, 5, 25, 12),
      bodyBase64: Buffer.from(good).toString("base64"),
    },
  ]);
});

describe("a refused webhook", () => {
  const tampered = good.replace('"r"', '"s"');
  const big = signWeLink({ status: "SUCCESS", request_id: "r", more: "x".repeat(1_000) }, secret);
  const frameless = signWeLink({ request_id: "r" }, secret);
  test.each([
    ["a wrong token", good, { token: `${token.slice(1)}u` }, "CONNECTION_UNKNOWN"],
    ["an empty token", good, { token: "" }, "CONNECTION_UNKNOWN"],
    ["an unknown connection", good, { connectionId: "cn_2" }, "CONNECTION_UNKNOWN"],
    ["an invalid connection id", good, { connectionId: "../cn_1" }, "CONNECTION_UNKNOWN"],
    ["another provider's address", good, { provider: "linked-api" }, "CONNECTION_UNKNOWN"],
    ["an invalid provider", good, { provider: "__proto__" }, "CONNECTION_UNKNOWN"],
    ["a tampered body", tampered, {}, "SIGNATURE_REJECTED"],
    ["a frame without status", frameless, {}, "FRAME_INVALID"],
    ["a body that is not JSON", "hello", {}, "BODY_NOT_JSON"],
    ["an empty body", "", {}, "BODY_NOT_JSON"],
    ["a body that is not UTF-8", Buffer.from([0xff]), {}, "BODY_NOT_UTF8"],
    ["one byte too many", big, {}, "BODY_TOO_LARGE"],
  ])(
    "a webhook with %s is refused, and nothing is stored or queued",
    async (_name, body, over, code) => {
      const { ingest, queued } = setUp();
      const outcome = await ingest(body, over);
      expect(outcome).toMatchObject({ kind: "refused", code });
      // The connection is named only if the whole address is right.
      expect("addressee" in outcome).toBe(code !== "CONNECTION_UNKNOWN");
      expect(queued).toEqual([]);
    },
  );
});

test("the detail of a valid signature that does not cover the body names that, and not a wrong secret", async () => {
  const settings = { ...connection().settings, hashForms: ["jwt" as const] };
  const { ingest } = setUp({ remembered: connection({ settings }) });
  const post = (key: string) =>
    ingest(
      JSON.stringify({
        status: "SUCCESS",
        request_id: "r",
        hash: signHs256({ request_id: "r" }, key),
      }),
    );
  const addressee = { connectionId: "cn_1", clientId: connection().clientId, provider: "we-link" };
  const refused = { kind: "refused", code: "SIGNATURE_REJECTED", addressee };
  expect(await post(secret)).toEqual({
    ...refused,
    detail: "the signature does not cover the body, and the provider cannot confirm the webhook",
  });
  expect(await post("another")).toEqual({
    ...refused,
    detail: "not signed with a secret of this connection",
  });
});

describe("a dependency that is down", () => {
  /** A call to AWS that is never answered: only its signal ends it. */
  const neverAnswers = (signal: AbortSignal) =>
    new Promise<never>((_resolve, reject) => {
      signal.addEventListener("abort", () =>
        reject(new Failure("DEPENDENCY_DOWN", "SQS SendMessage failed: TimeoutError")),
      );
    });

  test("a webhook whose queue never answers is refused when the deadline fires, and not before", async () => {
    const deadline = new AbortController();
    const signals: AbortSignal[] = [];
    const { ingest } = setUp({
      send: (_message, signal) => {
        signals.push(signal);
        return neverAnswers(signal);
      },
    });
    let outcome: IngestOutcome | undefined;
    const answered = ingest(good, { signal: deadline.signal }).then((one) => {
      outcome = one;
    });
    await new Promise(setImmediate);
    expect(signals).toEqual([deadline.signal]);
    expect(outcome).toBeUndefined();
    deadline.abort();
    await answered;
    expect(outcome).toMatchObject({ kind: "refused", code: "DEPENDENCY_DOWN" });
    expect(toResult(outcome as IngestOutcome)).toMatchObject({
      statusCode: 503,
      headers: { "retry-after": "5" },
    });
  });

  const down = async () => {
    throw new Failure("DEPENDENCY_DOWN", "SQS SendMessage failed: TimeoutError");
  };
  test.each([
    ["the queue", { send: down }],
    ["the config store", { read: down }],
  ])("a webhook is refused while %s is down", async (_name, faulty) => {
    expect(await setUp(faulty).ingest()).toMatchObject({
      kind: "refused",
      code: "DEPENDENCY_DOWN",
    });
  });
});

test("a body that is too large for the queue is stored before its message is sent", async () => {
  const { ingest, queued, bodies } = setUp();
  const body = signWeLink({ status: "SUCCESS", request_id: "r", more: "x".repeat(500) }, secret);
  expect(await ingest(body)).toMatchObject({ kind: "accepted" });
  const [message] = queued;
  expect(message).not.toHaveProperty("bodyBase64");
  expect(Buffer.from(await bodies.get(message?.bodyKey ?? "")).toString()).toBe(body);
});

test("a large body that cannot be stored is neither queued nor acked", async () => {
  const { ingest, queued } = setUp({
    put: async () => {
      throw new Failure("DEPENDENCY_DOWN", "S3 PutObject failed: TimeoutError");
    },
  });
  const body = signWeLink({ status: "SUCCESS", request_id: "r", more: "x".repeat(500) }, secret);
  expect(await ingest(body)).toMatchObject({ kind: "refused", code: "DEPENDENCY_DOWN" });
  expect(queued).toEqual([]);
});

describe("rotation", () => {
  const validUntil = new Date(Date.UTC(2026, 5, 26, 12)).toISOString();
  const rotated = connection({
    tokens: [{ sha256: sha256Hex("new") }, { sha256: sha256Hex(token), validUntil }],
    secrets: { webhookSecrets: [{ secret: "new" }, { secret, validUntil }] },
  });
  const signedNew = signWeLink({ status: "SUCCESS", request_id: "r" }, "new");

  test("old and new secrets and tokens are accepted during the overlap, and the old ones not afterwards", async () => {
    const { ingest, clock } = setUp({ remembered: rotated });
    clock.passBusiness(86_399_999);
    expect(await ingest(good)).toMatchObject({ kind: "accepted" });
    expect(await ingest(signedNew, { token: "new" })).toMatchObject({ kind: "accepted" });
    clock.passBusiness(1);
    expect(await ingest(good, { token: "new" })).toMatchObject({ code: "SIGNATURE_REJECTED" });
    expect(await ingest(signedNew)).toMatchObject({ code: "CONNECTION_UNKNOWN" });
    expect(await ingest(signedNew, { token: "new" })).toMatchObject({ kind: "accepted" });
  });

  test("a cached connection is read again before a webhook is refused", async () => {
    const { ingest, refreshes } = setUp({ remembered: connection(), stored: rotated });
    expect(await ingest(good)).toMatchObject({ kind: "accepted" });
    expect(refreshes()).toBe(0);
    expect(await ingest(signedNew)).toMatchObject({ kind: "accepted" });
    expect(await ingest(good, { token: "new" })).toMatchObject({ kind: "accepted" });
    expect(refreshes()).toBe(2);
  });
});

describe("a connection in quarantine", () => {
  const settings = { ...connection().settings, signature: "quarantine" as const };
  const forged = signWeLink({ status: "SUCCESS", request_id: "r" }, "unknown");

  test("a connection in quarantine acks a webhook that it cannot verify, stores it and does not queue it", async () => {
    const { ingest, queued, quarantined } = setUp({ remembered: connection({ settings }) });
    expect(await ingest(forged)).toMatchObject({ kind: "quarantined" });
    expect(quarantined).toEqual([forged]);
    expect(queued).toEqual([]);
    expect(await ingest(good)).toMatchObject({ kind: "accepted" });
  });

  test("a connection in quarantine does not ack a webhook that it could not store", async () => {
    const { ingest } = setUp({
      remembered: connection({ settings }),
      put: async () => {
        throw new Failure("DEPENDENCY_DOWN", "S3 PutObject failed: TimeoutError");
      },
    });
    expect(await ingest(forged)).toMatchObject({ kind: "refused", code: "DEPENDENCY_DOWN" });
  });
});

describe("an event that may release or stop a request", () => {
  const sign = (more: object) =>
    signWeLink({ status: "SUCCESS", request_id: "r", ...more }, secret);
  const reply = sign({ event_type: "MESSAGE_REPLY", result: { profile_id: "jane" } });

  test.each([
    ["MESSAGE_REPLY", "message.reply"],
    ["CONNECTION_ACCEPTED", "connection.accepted"],
  ])("%s is stored before the ack, under what it names", async (event_type, type) => {
    const recorded: CorrelatedEvent[] = [];
    const { promise: storing, resolve: isStored } = Promise.withResolvers<void>();
    const { ingest, clock } = setUp({
      recordEvent: async (event) => {
        recorded.push(event);
        await storing;
      },
    });
    const body = sign({ event_type, accountId: "acc", result: { profile_id: "jane" } });
    let isAcked = false;
    const acked = ingest(body).then(() => {
      isAcked = true;
    });
    await new Promise(setImmediate);
    expect([isAcked, recorded.length]).toEqual([false, 1]);
    isStored();
    await acked;
    const members = { person: /profileid$/, conversation: /threadid$/ };
    expect(recorded[0]).toMatchObject({
      ...{ connectionId: "cn_1", type, accountId: "acc", receivedMs: clock.businessMs() },
      keys: [requestKey("r"), ...keysIn({ profile_id: "jane" }, members)],
    });
  });

  test("It is not acked when it cannot be stored", async () => {
    const down = new Failure("DEPENDENCY_DOWN", "DynamoDB");
    const { ingest } = setUp({ recordEvent: () => Promise.reject(down) });
    expect(await ingest(reply)).toMatchObject({ kind: "refused", code: "DEPENDENCY_DOWN" });
  });

  test("Any other event needs no call", async () => {
    const { ingest } = setUp({ recordEvent: () => expect.fail("stored") });
    expect(await ingest(sign({ result: { profile_id: "jane" } }))).toMatchObject({
      kind: "accepted",
    });
  });
});
