import { describe, expect, test } from "vitest";
import { makeSendAttempt } from "../../shared/core/deliveries/attempts/send-attempt.ts";
import { sealHeaders } from "../../shared/core/deliveries/signing/client-headers.ts";
import { signedHeaders, signingSecret } from "../../shared/core/deliveries/signing/signing.ts";
import { makeDeliveryInputsCache } from "../../shared/core/deliveries/state/delivery-inputs-cache.ts";
import type { DeliveryRecord } from "../../shared/core/deliveries/state/record.ts";
import { attemptSpanId } from "../../shared/core/tracing/derived-ids.ts";
import { signAsLinkedApi } from "../../shared/providers/linked-api/signature.ts";
import { makeAttemptWorker } from "../support/fakes/attempt-worker.ts";
import { testMasterKeys } from "../support/fakes/webhook-api.ts";
import { iso, NOON_MS as nowMs } from "../support/noon.ts";

const url = "https://hooks.example.com/ackwire";
const body = '{"n":1.0,"s":"ü"}';
const record = { eventId: "workflow.created:rq_1", body: { inline: body } };
const timestampSeconds = nowMs / 1_000;

const secretOf = (version: number, masterKeyId: string) =>
  signingSecret(testMasterKeys, { webhookId: "wh_1", version, masterKeyId });
const current = secretOf(1, "k2");
const signed = (...secrets: string[]) =>
  signedHeaders({ eventId: record.eventId, body, timestampSeconds, secrets });
const headersOf = (headers: Record<string, string>) =>
  sealHeaders({ pk: "webhook#cl_1" }, headers, {
    ...{ masterKeys: testMasterKeys, randomHex: (bytes: number) => "ab".repeat(bytes) },
  });

/** Makes one attempt of a delivery. @returns its POST, or its result where none was made */
async function attempt(
  given: Parameters<typeof makeAttemptWorker>[0] = {},
  of: Partial<DeliveryRecord> & { passReal?: number; passBusiness?: number } = {},
) {
  const { passReal = 0, passBusiness = 0, ...more } = of;
  const { clock, deps, have, posts } = makeAttemptWorker(given);
  const message = await have("dl_1", { ...record, ...more });
  clock.passReal(passReal);
  clock.passBusiness(passBusiness);
  const inputs = makeDeliveryInputsCache(deps, [message]);
  const result = await makeSendAttempt(deps)(message, { inputs, remainingMs: () => 40_000 });
  return posts[0] ?? result;
}

describe("The POST of an attempt", () => {
  test("It sends the body as it is stored, signed with the current secret", async () => {
    expect(await attempt()).toStrictEqual({ url, body, headers: signed(current) });
  });

  test("Its signature has the second in which it is made, in real time", async () => {
    const post = await attempt({}, { passReal: 1_999, passBusiness: 86_400_000 });
    expect(post).toMatchObject({ headers: { "webhook-timestamp": String(timestampSeconds + 1) } });
  });

  test("It has the client's headers, which replace none that Ackwire sends", async () => {
    const headers = headersOf({
      ...{ "X-Api-Key": "sesame", "Webhook-Id": "another", "Content-Type": "text/plain" },
      ...{ "linked-api-signature": "another" },
    });
    const asProvider = signAsLinkedApi({ body, timestampSeconds, secret: current });
    expect(await attempt({ webhook: { headers, signedAs: "linked-api" } })).toStrictEqual({
      ...{ url, body },
      headers: { "x-api-key": "sesame", ...asProvider, ...signed(current) },
    });
  });

  test("A provider without a scheme of its own adds no signature", async () => {
    const post = await attempt({ webhook: { signedAs: "we-link" } });
    expect(post).toStrictEqual({ url, body, headers: signed(current) });
  });

  test("Headers that cannot be opened are not left out: the attempt is made later", async () => {
    const headers = { names: ["x-api-key"], sealed: "v1.k9.a.b.c" };
    expect(await attempt({ webhook: { headers } })).toMatchObject({
      ...{ kind: "postNotBuilt", error: { code: "DEPENDENCY_DOWN" } },
    });
  });
});

describe("The secrets that sign an attempt", () => {
  const previous = { version: 1, masterKeyId: "k1" };
  const rotated = (validUntil: string) => [
    { version: 2, masterKeyId: "k2" },
    { ...previous, validUntil },
  ];
  const [next, old] = [secretOf(2, "k2"), secretOf(1, "k1")];

  test.each([
    ["a second", iso(1), [next, old]],
    ["no time", iso(0), [next]],
  ])(
    "With %s left of a rotation, the valid secrets sign, and for a provider the current one alone",
    async (_, validUntil, secrets) => {
      const post = await attempt({
        webhook: { signedAs: "linked-api", secrets: rotated(validUntil) },
      });
      const asProvider = signAsLinkedApi({ body, timestampSeconds, secret: next });
      expect(post).toStrictEqual({ url, body, headers: { ...asProvider, ...signed(...secrets) } });
    },
  );

  test("The overlap of two secrets is a matter of business time", async () => {
    const secrets = rotated(iso(2));
    const post = await attempt({ webhook: { secrets } }, { passBusiness: 1_999 });
    expect(post).toStrictEqual({ url, body, headers: signed(next, old) });
    const later = await attempt({ webhook: { secrets } }, { passBusiness: 2_000 });
    expect(later).toStrictEqual({ url, body, headers: signed(next) });
  });

  test("Each master key is read by its name", async () => {
    const asked: string[] = [];
    const masterKeys = async (keyId: string) => {
      asked.push(keyId);
      return testMasterKeys;
    };
    await attempt({ webhook: { secrets: rotated(iso(1)) }, deps: { masterKeys } });
    expect(asked).toStrictEqual(["k2", "k1"]);
  });

  /** The master keys without one of them. */
  const without = (keyId: string) => ({
    masterKeys: async () => ({
      ...{ current: "k2", keys: new Map([...testMasterKeys.keys].filter(([id]) => id !== keyId)) },
    }),
  });

  test("A secret before the current one whose master key was removed does not sign", async () => {
    const post = await attempt({ webhook: { secrets: rotated(iso(1)) }, deps: without("k1") });
    expect(post).toStrictEqual({ url, body, headers: signed(next) });
  });

  test("Without the master key of the current secret the attempt is made later", async () => {
    const result = await attempt({ webhook: { secrets: rotated(iso(1)) }, deps: without("k2") });
    expect(result).toMatchObject({ kind: "postNotBuilt", error: { code: "DEPENDENCY_DOWN" } });
  });
});

describe("The trace of an attempt", () => {
  const traceId = "0af7651916cd43dd8448eb211c80319c";
  const traceOf = (spanId: string, flags = "01") => `00-${traceId}-${spanId}-${flags}`;
  const given = traceOf("b7ad6b7169203331");
  const own = { deliveryId: "dl_1", cycle: 2, attemptNumber: 4 };

  test.each([
    ["While spans are recorded it names its own span", true, given, traceOf(attemptSpanId(own))],
    ["One that is not recorded is passed on", true, traceOf("b7ad6b7169203331", "00"), undefined],
    ["While no spans are recorded it is passed on", false, given, undefined],
  ])(
    "%s, and the client's header of that name is not sent",
    async (_, isTracing, traceparent, expected) => {
      const headers = headersOf({ traceparent: "of the client" });
      const post = await attempt(
        { webhook: { headers }, deps: { isTracing } },
        { traceparent, cycle: 2, attemptsInCycle: 3 },
      );
      expect(post).toStrictEqual({
        ...{ url, body },
        headers: { ...signed(current), traceparent: expected ?? traceparent },
      });
    },
  );

  test("An event without a trace has no header of it, so that the client's own is sent", async () => {
    const headers = headersOf({ traceparent: "of the client" });
    expect(await attempt({ webhook: { headers }, deps: { isTracing: true } })).toStrictEqual({
      ...{ url, body },
      headers: { ...signed(current), traceparent: "of the client" },
    });
    expect(await attempt({ deps: { isTracing: true } })).toStrictEqual({
      ...{ url, body, headers: signed(current) },
    });
  });
});
