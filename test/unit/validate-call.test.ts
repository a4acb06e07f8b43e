import { describe, expect, test } from "vitest";
import { Failure } from "../../shared/contracts/failures.ts";
import { type Operation, operations } from "../../shared/contracts/http/operations.ts";
import type { ApiCall } from "../../shared/core/api/api-call.ts";
import { validateCall } from "../../shared/core/api/validate-call.ts";
import { InvalidRequest } from "../../shared/core/input/invalid-request.ts";

const ORIGIN = "https://api.example.com";
const TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const NO_JSON =
  "the body is not JSON at line 1, column 1: this is no value: a string needs double quotes";
const request = { provider: "we-link", accountId: "a", action: "connect", params: {} };

function operationOf(id: string): Operation {
  const found = operations.find(({ operationId }) => operationId === id);
  if (found) return found;
  throw new Error(`There is no operation ${id}`);
}

/** What a test says about its call; `json` is the body as a value. */
type Given = Partial<ApiCall> & { json?: unknown };

function validated(id: string, { json, ...given }: Given = {}) {
  return validateCall(operationOf(id), {
    ...{ routeKey: "", headers: {}, params: {}, query: {}, origin: ORIGIN },
    body: json === undefined ? new Uint8Array() : Buffer.from(JSON.stringify(json)),
    signal: new AbortController().signal,
    ...given,
  });
}

function refusalOf(...of: Parameters<typeof validated>): Failure {
  try {
    validated(...of);
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
  throw new Error("The call is valid");
}

function errorsOf(...of: Parameters<typeof validated>) {
  const refusal = refusalOf(...of);
  return refusal instanceof InvalidRequest ? refusal.errors : refusal.message;
}

describe("The input of a call", () => {
  test("A public operation gets nothing but where it was called", () => {
    const given = { query: { a: "1" }, json: "x".repeat(300_000) };
    expect(validated("getHealth", given)).toStrictEqual({ origin: ORIGIN });
  });

  test("A call that may be repeated has its parts, its key and its trace", () => {
    const headers = { "idempotency-key": "key", traceparent: TRACEPARENT };
    expect(validated("createRequest", { headers, json: request })).toEqual({
      ...{ origin: ORIGIN, idempotencyKey: "key", traceparent: TRACEPARENT },
      ...{ params: {}, query: {}, body: request },
    });
    const without = { origin: ORIGIN, params: {}, query: {}, body: request };
    expect(validated("createRequest", { json: request })).toEqual(without);
    const unreadable = { traceparent: "00-0-0-01" };
    expect(validated("createRequest", { headers: unreadable, json: request })).toEqual(without);
  });

  test("Another call has no key and no trace, whatever its headers", () => {
    const headers = { "idempotency-key": "a b", traceparent: TRACEPARENT };
    const given = { headers, query: { limit: "7" } };
    const expected = { origin: ORIGIN, params: {}, query: { limit: 7 } };
    expect(validated("listKeys", given)).toEqual(expected);
    const params = { keyId: "key1" };
    const revoked = { origin: ORIGIN, params, query: {} };
    expect(validated("revokeKey", { headers, params })).toEqual(revoked);
  });

  test("The body is validated by the contract of its handler, where there is one", () => {
    const json = { requests: [5], group: null };
    expect(validated("createBatch", { json })).toMatchObject({ body: { requests: [5] } });
  });

  test("The numbers of the body are taken by their value", () => {
    const body = Buffer.from('{"provider":"we-link","pace":{"minSeconds":1.0,"maxSeconds":2e0}}');
    expect(validated("putAccount", { params: { accountId: "a" }, body })).toMatchObject({
      body: { provider: "we-link", pace: { minSeconds: 1, maxSeconds: 2 } },
    });
  });

  test("A relayed call keeps its query, and its body as it was sent", () => {
    const relayed = "linkedApiPollInbox";
    const query = { any: "thing" };
    const empty = { origin: ORIGIN, query, body: undefined, bodyText: undefined };
    expect(validated(relayed, { query })).toStrictEqual(empty);
    for (const bodyText of ['{"a":1.0,"b":[12345678901234567890]}', "[1.0]", "null", " 1e400 "]) {
      const input = validated(relayed, { body: Buffer.from(bodyText) });
      expect(input).toMatchObject({ origin: ORIGIN, query: {}, bodyText });
      expect(JSON.stringify(input)).toContain(`"body":${bodyText.trim()},"bodyText":`);
    }
    const refusal = refusalOf(relayed, { body: Buffer.from("x") });
    expect(refusal).toMatchObject({ code: "BODY_NOT_JSON", message: NO_JSON });
  });
});

describe("The size of a body", () => {
  test.each([
    ["createConnection", 64_000],
    ["createRequest", 244_000],
    ["linkedApiPollInbox", 244_000],
    ["createBatch", 4_000_000],
  ])("The body of %s may have %d bytes", (id, maxBytes) => {
    const message = `the body has ${maxBytes + 1} bytes; at most ${maxBytes} are allowed`;
    const refusal = refusalOf(id, { body: Buffer.alloc(maxBytes + 1, "x") });
    expect(refusal).toMatchObject({ code: "BODY_TOO_LARGE", message });
    expect(refusalOf(id, { body: Buffer.alloc(maxBytes, "x") }).code).toBe("BODY_NOT_JSON");
  });
});

describe("A body that cannot be read", () => {
  const gzip = { "content-encoding": "gzip" };

  test("A body with a content-encoding is refused by its name", () => {
    const refusal = refusalOf("createConnection", { headers: gzip, body: Buffer.from("x") });
    expect(refusal).toMatchObject({
      code: "BODY_NOT_JSON",
      message: "the body has the content-encoding gzip: send it without one",
    });
    expect(refusal.cause).toBeInstanceOf(Failure);
    expect(refusal.cause).toMatchObject({ message: NO_JSON });
    const body = Buffer.from([0x1f, 0x8b, 8, 0]);
    expect(refusalOf("createConnection", { headers: gzip, body }).code).toBe("BODY_NOT_UTF8");
  });

  test("A body that can be read may have any content-encoding", () => {
    const given = { headers: gzip, json: { provider: "we-link" } };
    expect(validated("createConnection", given)).toMatchObject({ body: { provider: "we-link" } });
  });

  test.each([undefined, "", "gzip, br", "x-gzip", "gz1p", "g".repeat(21)])(
    "The content-encoding %j is not repeated",
    (encoding) => {
      const headers = { "content-encoding": encoding };
      const refusal = refusalOf("createConnection", { headers, body: Buffer.from("x") });
      expect(refusal).toMatchObject({ code: "BODY_NOT_JSON", message: NO_JSON });
    },
  );

  test("A content-encoding of 20 letters is repeated", () => {
    const encoding = "G".repeat(20);
    const headers = { "content-encoding": encoding };
    const refusal = refusalOf("createConnection", { headers, body: Buffer.from("x") });
    expect(refusal.message).toBe(
      `the body has the content-encoding ${encoding}: send it without one`,
    );
  });

  test("A body is an object, but where the provider's protocol takes any JSON", () => {
    const noObject = "the body must be a JSON object at the top";
    for (const id of ["createRequest", "createBatch", "weLinkGetResponse"]) {
      expect(errorsOf(id, { json: [] })).toBe(noObject);
    }
    const action = { actionType: "st.openPersonPage" };
    expect(validated("linkedApiStartWorkflow", { json: [action] })).toMatchObject({
      body: [action],
    });
  });
});

describe("The fields that are refused", () => {
  const params = { connectionId: "cn_1" };
  const connection = { provider: "we-link" };
  const unknown = "is not known";

  test("The invalid fields of all parts of a call are told together", () => {
    const headers = { "idempotency-key": "a b" };
    const json = { ...request, accountId: 5 };
    const refusal = refusalOf("createRequest", { headers, query: { x: "1" }, json });
    expect(refusal).toBeInstanceOf(InvalidRequest);
    expect(refusal).toMatchObject({
      message: "3 invalid fields",
      errors: [{ field: "x" }, { field: "accountId" }, { field: "Idempotency-Key" }],
    });
    const path = { params: { ...params, x: "1" }, query: { y: "1" }, json: { z: 1 } };
    expect(refusalOf("updateConnection", path)).toMatchObject({
      errors: [{ field: "x" }, { field: "y" }, { field: "z" }],
    });
  });

  test.each(["", "a b", "\u00e9", "a\tb", "k".repeat(256)])(
    "The Idempotency-Key %j is refused",
    (key) => {
      const headers = { "idempotency-key": key };
      const message = "must be 1 to 255 printable ASCII characters without spaces";
      expect(errorsOf("createRequest", { headers, json: request })).toStrictEqual([
        { field: "Idempotency-Key", message },
      ]);
    },
  );

  test.each(["k", "!~", "k".repeat(255)])("The Idempotency-Key %j is taken", (key) => {
    const headers = { "idempotency-key": key };
    const input = validated("createRequest", { headers, json: request });
    expect(input).toMatchObject({ idempotencyKey: key });
  });

  const belongs = (place: string) => `is not known here: it belongs ${place}`;
  const misplaced: [message: string, id: string, given: Given, field: string][] = [
    [
      belongs("in the header Idempotency-Key"),
      "createRequest",
      { json: { ...request, idempotencyKey: "k" } },
      "idempotencyKey",
    ],
    [
      unknown,
      "createConnection",
      { json: { ...connection, idempotencyKey: "k" } },
      "idempotencyKey",
    ],
    [
      belongs("in the path, as connectionId"),
      "updateConnection",
      { params, json: { status: "paused", connection_id: "cn_1" } },
      "connection_id",
    ],
    [
      belongs("in the query, as overlapHours"),
      "rotateConnectionSecret",
      { params, json: { webhookSecret: "s", overlapHours: 1 } },
      "overlapHours",
    ],
    [
      belongs("in the body, as provider"),
      "createConnection",
      { query: { provider: "we-link" }, json: connection },
      "provider",
    ],
    [
      "is not known: did you mean accountId?",
      "createRequest",
      { json: { ...request, account_id: "a" } },
      "account_id",
    ],
    [unknown, "createRequest", { json: { ...request, somethingElse: 1 } }, "somethingElse"],
    ["must be at least 1", "listKeys", { query: { limit: "0" } }, "limit"],
  ];
  test.each(misplaced)("A field that is refused is told why: %s", (message, id, given, field) => {
    expect(errorsOf(id, given)).toStrictEqual([{ field, message }]);
  });

  test("Only the first twenty fields are told where they belong", () => {
    const others = Array.from({ length: 19 }, (_, n) => [`unknown${n}`, "x"] as const);
    const query = { ...Object.fromEntries(others), provider: "x", webhookSecret: "x" };
    const errors = errorsOf("createConnection", { query, json: connection });
    expect(errors).toStrictEqual([
      ...others.map(([field]) => ({ field, message: unknown })),
      { field: "provider", message: belongs("in the body, as provider") },
      { field: "webhookSecret", message: unknown },
    ]);
  });
});
