import { describe, expect, test } from "vitest";
import { Failure } from "../../shared/contracts/failures.ts";
import type { InboundMessage } from "../../shared/contracts/inbound-message.ts";
import { sha256Hex } from "../../shared/core/digest.ts";
import { makeIngestWebhook } from "../../shared/core/ingest-webhook.ts";
import type { Connection } from "../../shared/core/ports.ts";
import { providerPacks } from "../../shared/providers/packs.ts";
import { signWeLink } from "../../shared/providers/we-link.ts";
import { makeTestClock } from "../support/clocks.ts";

const secret = "secret code";
const token = "t".repeat(64);
const connection = (over: Partial<Connection> = {}): Connection => ({
  clientId: "cl_1",
  connectionId: "cn_1",
  provider: "we-link",
  tokenSha256: sha256Hex(token),
  createdAt: "2026-06-25T12:00:00.000Z",
  secrets: { webhookSecrets: [secret] },
  ...over,
});
const good = signWeLink({ status: "SUCCESS", request_id: "r" }, secret);

function setUp(options: { read?: () => Promise<Connection>; send?: () => Promise<void> } = {}) {
  const queued: InboundMessage[] = [];
  const known = new Map([["cn_1", connection()]]);
  const ingest = makeIngestWebhook({
    connections: { read: options.read ?? (async (id) => known.get(id)) },
    queue: {
      send:
        options.send ??
        (async (message) => {
          queued.push(message);
        }),
    },
    packs: providerPacks,
    clock: makeTestClock(),
    maxBodyBytes: 1_000,
  });
  return {
    queued,
    ingest: (body: string | Uint8Array = good, over: object = {}) =>
      ingest({
        provider: "we-link",
        connectionId: "cn_1",
        token,
        body: Buffer.from(body as string),
        headers: {},
        signal: AbortSignal.timeout(1_000),
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

describe("what is refused leaves nothing behind", () => {
  const tampered = good.replace('"r"', '"s"');
  const big = signWeLink({ status: "SUCCESS", request_id: "r", more: "x".repeat(1_000) }, secret);
  const frameless = signWeLink({ request_id: "r" }, secret);
  test.each([
    ["a wrong token", good, { token: `${token.slice(1)}u` }, "CONNECTION_UNKNOWN"],
    ["an empty token", good, { token: "" }, "CONNECTION_UNKNOWN"],
    ["an unknown connection", good, { connectionId: "cn_2" }, "CONNECTION_UNKNOWN"],
    ["a connection id that is none", good, { connectionId: "../cn_1" }, "CONNECTION_UNKNOWN"],
    ["another provider's address", good, { provider: "linked-api" }, "CONNECTION_UNKNOWN"],
    ["a provider that is none", good, { provider: "__proto__" }, "CONNECTION_UNKNOWN"],
    ["a tampered body", tampered, {}, "SIGNATURE_REJECTED"],
    ["a frame without status", frameless, {}, "FRAME_INVALID"],
    ["not JSON", "hello", {}, "BODY_NOT_JSON"],
    ["nothing", "", {}, "BODY_NOT_JSON"],
    ["not UTF-8", Buffer.from([0xff]), {}, "BODY_NOT_UTF8"],
    ["one byte too many", big, {}, "BODY_TOO_LARGE"],
  ])("%s", async (_name, body, over, code) => {
    const { ingest, queued } = setUp();
    expect(await ingest(body, over)).toMatchObject({ kind: "refused", code });
    expect(queued).toEqual([]);
  });
});

describe("a dependency that is down is never taken for a yes", () => {
  const down = async () => {
    throw new Failure("DEPENDENCY_DOWN", "SQS SendMessage failed: TimeoutError");
  };
  test.each([
    ["the queue", { send: down }],
    ["the config store", { read: down }],
  ])("%s", async (_name, faulty) => {
    expect(await setUp(faulty).ingest()).toMatchObject({
      kind: "refused",
      code: "DEPENDENCY_DOWN",
    });
  });
});
