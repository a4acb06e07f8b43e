import { describe, expect, test } from "vitest";
import { Failure } from "../../shared/contracts/failures.ts";
import { limits } from "../../shared/contracts/limits.ts";
import type { Connection } from "../../shared/core/connections/ports.ts";
import { sha256Hex } from "../../shared/core/crypto/digest.ts";
import type { FinalEvent } from "../../shared/core/events/envelope.ts";
import { storeAndBuildMessage } from "../../shared/core/inbound/ingest-webhook.ts";
import { quarantinedAt, quarantineKey } from "../../shared/core/inbound/quarantine-key.ts";
import { truncateKeepingOriginal } from "../../shared/core/inbound/truncate-keeping-original.ts";

const NOON = "2026-06-25T12:00:00.000Z";
const noonMs = Date.parse(NOON);
const bucketDown = new Failure("DEPENDENCY_DOWN", "no bucket");

/** A bucket that notes what is put into it. */
function setUp({ isDown = false } = {}) {
  const put: unknown[][] = [];
  const bodies = {
    async put(key: string, body: Uint8Array, ...more: unknown[]) {
      if (isDown) throw bucketDown;
      put.push([key, Buffer.from(body).toString(), ...more]);
    },
    get: () => Promise.reject(new Error("nothing is read")),
  };
  return { bodies, put };
}

describe("An event on its way to the bus", () => {
  const eventOf = (bytes: number): FinalEvent => {
    const frame = (result: string) => `{"id":"e:1","data":{"n":1,"result":"${result}"}}`;
    const envelope = frame("x".repeat(bytes - frame("").length));
    return { id: "e:1", type: "workflow.completed", clientId: "cl_1", envelope };
  };

  test("One that the bus can carry is returned as it is, and nothing is stored", async () => {
    const { bodies, put } = setUp();
    const event = eventOf(limits.maxPutEventsBytes);
    expect(await truncateKeepingOriginal(bodies, event)).toBe(event);
    expect(put).toEqual([]);
  });

  test("One that it cannot carry is truncated, and its whole envelope is stored before", async () => {
    const { bodies, put } = setUp();
    const event = eventOf(limits.maxPutEventsBytes + 1);
    expect(await truncateKeepingOriginal(bodies, event)).toStrictEqual({
      ...event,
      envelope: '{"id":"e:1","data":{"n":1,"resultTruncated":true}}',
    });
    expect(put).toEqual([[`events/${sha256Hex("e:1")}/whole`, event.envelope]]);
  });

  test("One whose envelope cannot be stored is not truncated", async () => {
    const { bodies } = setUp({ isDown: true });
    const truncating = truncateKeepingOriginal(bodies, eventOf(limits.maxPutEventsBytes + 1));
    await expect(truncating).rejects.toBe(bucketDown);
  });
});

describe("The key of a quarantined webhook", () => {
  const body = Buffer.from("a body");

  test("It names the connection, the time of receipt and the first digits of the digest", () => {
    const key = quarantineKey({ connectionId: "cn_1", body, receivedAtMs: noonMs });
    expect(key).toBe(`quarantine/cn_1/${NOON}-${sha256Hex("a body").slice(0, 16)}`);
  });

  test.each(["cn_1", "cn-1-2", "a/b"])("Its time is read from it: %s", (connectionId) => {
    const receivedAtMs = noonMs + 1;
    expect(quarantinedAt(quarantineKey({ connectionId, body, receivedAtMs }))).toBe(receivedAtMs);
  });
});

describe("The message of a verified webhook", () => {
  const { signal } = new AbortController();
  const owner = { clientId: "cl_1", connectionId: "cn_1", provider: "we-link" };
  const connection = owner as unknown as Connection;
  const received = { receivedAtMs: noonMs, verifyByFetch: false, signal };
  const common = { v: 1, ...owner, receivedAtMs: noonMs };

  test("A body that is small enough is in the message", async () => {
    const { bodies, put } = setUp();
    const body = Buffer.from("12345");
    const deps = { bodies, maxInlineBytes: 5 };
    expect(await storeAndBuildMessage(deps, connection, { ...received, body })).toStrictEqual({
      ...common,
      bodyBase64: body.toString("base64"),
    });
    expect(put).toEqual([]);
  });

  test("A body with one byte more is stored under its digest, and the message has the key", async () => {
    const { bodies, put } = setUp();
    const body = Buffer.from("123456");
    const bodyKey = `inbound/cn_1/${sha256Hex("123456")}`;
    const deps = { bodies, maxInlineBytes: 5 };
    const message = await storeAndBuildMessage(deps, connection, { ...received, body });
    expect(message).toStrictEqual({ ...common, bodyKey });
    expect(put).toEqual([[bodyKey, "123456", signal]]);
  });

  test("It says that the provider must be asked, and which trace it belongs to", async () => {
    const more = { body: Buffer.from("1"), verifyByFetch: true, traceparent: "00-trace" };
    const deps = { ...setUp(), maxInlineBytes: 5 };
    const message = await storeAndBuildMessage(deps, connection, { ...received, ...more });
    expect(message).toStrictEqual({
      ...common,
      ...{ verifyByFetch: true, traceparent: "00-trace", bodyBase64: "MQ==" },
    });
  });
});
