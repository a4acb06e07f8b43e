import { describe, expect, test } from "vitest";
import { Failure } from "../../shared/contracts/failures.ts";
import type { Connection } from "../../shared/core/connections/ports.ts";
import {
  makeReleaseQuarantine,
  type ReleaseQuarantineDeps,
} from "../../shared/core/inbound/release-quarantine.ts";
import type { Verification } from "../../shared/core/providers/provider-pack.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";

const NOON = "2026-06-25T12:00:00.000Z";
const body = Buffer.from('{"a":1}');
const headers = { "x-signature": "s" };
const { signal } = new AbortController();
const keysOf = (count: number) =>
  Array.from({ length: count }, (_, n) => `quarantine/cn_1/${NOON}-${n}`);

interface Given {
  /** Webhooks in the quarantine. */
  count?: number;
  verification?: Verification;
  verifyByFetch?: boolean;
  /** What the reading of a webhook throws. */
  error?: Error;
  /** Called after each webhook. */
  onProgress?: (clock: ReturnType<typeof makeTestClock>) => void;
}

function setUp({ count = 1, verifyByFetch = false, ...given }: Given = {}) {
  const clock = makeTestClock();
  clock.passBusiness(86_400_000);
  const calls: unknown[][] = [];
  const noting =
    (name: string) =>
    async (...of: unknown[]) =>
      void calls.push([name, ...of]);
  const settings = { hashForms: ["raw"], verifyByFetch };
  const release = makeReleaseQuarantine({
    contents: {
      async *keys(connectionId: string) {
        calls.push(["keys", connectionId]);
        yield* keysOf(count);
      },
      get: async () => ({ body, headers }),
      remove: noting("remove"),
    },
    queue: { send: noting("send") },
    bodies: { put: noting("put") },
    packs: {
      "we-link": {
        parseWebhook() {
          if (given.error) throw given.error;
        },
        verify(webhook: { headers: unknown }, input: unknown) {
          calls.push(["verify", webhook.headers, input]);
          return given.verification ?? { kind: "verified", form: "raw" };
        },
      },
    },
    clock,
    maxInlineBytes: 100,
    sendDeadline: () => signal,
    onProgress(key: string, outcome: string) {
      calls.push(["progress", key, outcome]);
      given.onProgress?.(clock);
    },
  } as unknown as ReleaseQuarantineDeps);
  const webhookSecrets = [
    { secret: "new" },
    { secret: "old", validUntil: "2026-06-26T12:00:00.000Z" },
  ];
  const connection = {
    ...{ clientId: "cl_1", connectionId: "cn_1", provider: "we-link", settings },
    secrets: { webhookSecrets },
  } as unknown as Connection;
  const run = (untilRealMs?: number) => release(connection, untilRealMs);
  const named = (name: string) =>
    calls.filter(([one]) => one === name).map((call) => call.slice(1));
  return { calls, clock, named, run, settings };
}

describe("A release of the quarantine", () => {
  test("A webhook is queued and then removed, and the caller is told", async () => {
    const { calls, run, settings } = setUp();
    expect(await run()).toStrictEqual({ released: 1, kept: 0, isComplete: true });
    const [key] = keysOf(1);
    const receivedAtMs = Date.parse(NOON);
    const message = {
      ...{ v: 1, provider: "we-link", clientId: "cl_1", connectionId: "cn_1", receivedAtMs },
      bodyBase64: body.toString("base64"),
    };
    expect(calls).toStrictEqual([
      ["keys", "cn_1"],
      // The second secret was valid until now.
      ["verify", headers, { secrets: ["new"], settings, nowMs: receivedAtMs }],
      ["send", message, signal],
      ["remove", key],
      ["progress", key, "released"],
    ]);
  });

  test("Where the connection says so, the provider is asked about it", async () => {
    const { named, run } = setUp({ verifyByFetch: true });
    await run();
    expect(named("send")).toMatchObject([[{ verifyByFetch: true }, signal]]);
  });

  test.each<[string, Given]>([
    ["is not authentic", { verification: { kind: "invalid" } }],
    ["is not signed as a whole", { verification: { kind: "bodyNotSigned", form: "jwt" } }],
    ["cannot be read", { error: new Failure("FRAME_INVALID", "no status") }],
  ])("One that %s stays, and the caller is told", async (_, given) => {
    const { named, run } = setUp(given);
    expect(await run()).toStrictEqual({ released: 0, kept: 1, isComplete: true });
    expect(named("progress")).toEqual([[keysOf(1)[0], "kept"]]);
    expect([...named("send"), ...named("remove")]).toEqual([]);
  });

  test("A bug of the provider's pack ends it", async () => {
    const bug = new TypeError("a bug");
    await expect(setUp({ error: bug }).run()).rejects.toBe(bug);
  });

  test("It stops after its time, and says that it is not complete", async () => {
    const { clock, named, run } = setUp({ count: 5, onProgress: (of) => of.passReal(1_000) });
    const untilRealMs = clock.realMs() + 2_000;
    expect(await run(untilRealMs)).toStrictEqual({ released: 3, kept: 0, isComplete: false });
    expect(named("progress")).toHaveLength(3);
  });
});
