import { describe, expect, test } from "vitest";
import type { InboundMessage } from "../../shared/contracts/messages/inbound.ts";
import { providerPacks } from "../../shared/contracts/providers.ts";
import type { Connection } from "../../shared/core/connections/ports.ts";
import { signHs256 } from "../../shared/core/crypto/hs256.ts";
import { quarantineKey } from "../../shared/core/inbound/quarantine-key.ts";
import { makeReleaseQuarantine } from "../../shared/core/inbound/release-quarantine.ts";
import { signAsLinkedApi } from "../../shared/providers/linked-api/signature.ts";
import { signWeLink } from "../../shared/providers/we-link/pack.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";
import { makeMemoryBlobStore } from "../support/memory/memory-blob-store.ts";

const DAY_MS = 86_400_000;
const secret = "secret code";
const connection = {
  clientId: "cl_1",
  connectionId: "cn_1",
  provider: "we-link",
  secrets: { webhookSecrets: [{ secret }] },
  settings: {
    status: "active",
    signature: "quarantine",
    hashForms: ["raw", "jwt"],
    allowUnboundJwt: false,
    verifyByFetch: false,
  },
} as unknown as Connection;

function setUp(
  bodies: string[],
  headers: Readonly<Record<string, string>> = {},
  of: Connection = connection,
) {
  const clock = makeTestClock();
  const receivedAtMs = clock.businessMs() - 40 * DAY_MS;
  const held = new Map(
    bodies.map((text) => {
      const body = Buffer.from(text);
      const key = quarantineKey({ connectionId: "cn_1", body, receivedAtMs });
      return [key, { body, headers }] as const;
    }),
  );
  const queued: InboundMessage[] = [];
  const release = makeReleaseQuarantine({
    contents: {
      keys: async function* () {
        yield* [...held.keys()];
      },
      get: async (key) => held.get(key),
      remove: async (key) => void held.delete(key),
    },
    queue: { send: async (message) => void queued.push(message) },
    bodies: makeMemoryBlobStore(),
    packs: providerPacks,
    clock,
    maxInlineBytes: 60_000,
    sendDeadline: () => new AbortController().signal,
    onProgress: () => undefined,
  });
  return { clock, receivedAtMs, held, queued, release: () => release(of) };
}

const signed = (id: string) => signWeLink({ status: "SUCCESS", request_id: id }, secret);

test("a webhook with a valid signature is queued with its time of receipt and removed from the quarantine", async () => {
  const { release, queued, held, receivedAtMs } = setUp([signed("a")]);
  expect(await release()).toMatchObject({ released: 1, kept: 0, isComplete: true });
  expect(queued).toMatchObject([{ connectionId: "cn_1", receivedAtMs }]);
  expect(held.size).toBe(0);
});

test("a webhook without a valid signature stays in the quarantine, and the others are released", async () => {
  const bad = [
    "not JSON",
    signWeLink({ status: "SUCCESS", request_id: "a" }, "another"),
    signWeLink({ status: "SUCCESS", request_id: "a", requestId: "b" }, secret),
  ];
  const { release, held } = setUp([...bad, signed("a"), signed("b")]);
  expect(await release()).toMatchObject({ released: 2, kept: 3 });
  expect(held.size).toBe(3);
});

test("a token that expired in the quarantine is checked at its time of receipt", async () => {
  const { receivedAtMs } = setUp([]);
  const body = { status: "SUCCESS", request_id: "a" };
  const exp = Math.floor(receivedAtMs / 1000) + 60;
  const hash = signHs256({ ...body, exp }, secret);
  expect(await setUp([JSON.stringify({ ...body, hash })]).release()).toMatchObject({
    released: 1,
    kept: 0,
  });
});

describe("a webhook of Linked API, which signs in headers", () => {
  const ofLinkedApi = { ...connection, provider: "linked-api" } as Connection;
  const body = '{"id":"e1","type":"account.frozen","data":{"accountId":"a1"}}';
  const signedBefore = (seconds: number) => {
    const timestampSeconds = Math.floor(setUp([]).receivedAtMs / 1_000) - seconds;
    return signAsLinkedApi({ body, secret, timestampSeconds });
  };

  test("a webhook of Linked API is verified with the headers that were kept, at its time of receipt", async () => {
    const { release, queued, held } = setUp([body], signedBefore(300), ofLinkedApi);
    expect(await release()).toMatchObject({ released: 1, kept: 0 });
    expect(queued).toMatchObject([{ provider: "linked-api" }]);
    expect(held.size).toBe(0);
  });

  test.each<[string, Readonly<Record<string, string>>]>([
    ["whose signature was too old when it came", signedBefore(301)],
    ["that an earlier version stored without headers", {}],
  ])("a webhook of Linked API %s stays in the quarantine", async (_, headers) => {
    const { release, held } = setUp([body], headers, ofLinkedApi);
    expect(await release()).toMatchObject({ released: 0, kept: 1 });
    expect(held.size).toBe(1);
  });
});

test("a webhook that another release has removed is skipped", async () => {
  const { release, held } = setUp([signed("a")]);
  const running = release();
  held.clear();
  expect(await running).toMatchObject({ released: 0, kept: 1 });
});
