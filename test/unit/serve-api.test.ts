import { describe, expect, test } from "vitest";
import * as z from "zod/mini";
import type { ApiKeyItem } from "../../shared/contracts/config-items.ts";
import { Failure } from "../../shared/contracts/failures.ts";
import { openApi } from "../../shared/contracts/http/openapi.ts";
import {
  nativeOperations,
  operations,
  routeKeyOf,
} from "../../shared/contracts/http/operations.ts";
import { providerPacks } from "../../shared/contracts/providers.ts";
import type { Administration } from "../../shared/core/administration/administration.ts";
import type { ApiCall } from "../../shared/core/api/api-call.ts";
import { makeServeApi, type ServeApiDeps } from "../../shared/core/api/serve-api.ts";
import { sha256Hex } from "../../shared/core/crypto/digest.ts";
import type { EventReader } from "../../shared/core/events/read-events.ts";
import type { DialectServices } from "../../shared/core/providers/dialect.ts";
import { toCall, toResult } from "../../shared/runtime/api-request.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";

const API_KEY = "ackwire_key1_secret";
/** The value of a header that is not sent. */
const NOTHING = "nothing";
const HOUR_MS = 3_600_000;

const noEvents: EventReader = {
  find: async () => undefined,
  list: async () => ({ events: [] }),
};

function setUp(given: Partial<ServeApiDeps> & { key?: Partial<ApiKeyItem> } = {}) {
  const clock = makeTestClock();
  const key: ApiKeyItem = {
    pk: "key#key1",
    clientId: "cl_1",
    keyId: "key1",
    secretSha256: sha256Hex("secret"),
    createdAt: "2026-06-25T12:00:00.000Z",
    ...given.key,
  };
  const touched: string[] = [];
  const dropped: unknown[] = [];
  const serve = makeServeApi({
    keys: {
      find: async (keyId) => (keyId === "key1" ? key : undefined),
      recordUse: async (_, at) => {
        touched.push(at);
        key.lastUsedAt = at;
      },
    },
    masterKeys: () => Promise.reject(new Failure("DEPENDENCY_DOWN", "no master keys")),
    reader: noEvents,
    requests: {} as ServeApiDeps["requests"],
    accounts: {} as ServeApiDeps["accounts"],
    recurring: {} as ServeApiDeps["recurring"],
    webhooks: {} as ServeApiDeps["webhooks"],
    deliveries: {} as ServeApiDeps["deliveries"],
    administration: () => Promise.reject(new Failure("DEPENDENCY_DOWN", "no master keys")),
    clock,
    onNonFatalError: (error) => dropped.push(error),
    ...given,
  });
  return { serve, clock, touched, dropped };
}

type Given = Partial<ApiCall> & { authorization?: string | undefined };

const call = ({ authorization = `Bearer ${API_KEY}`, ...given }: Given = {}): ApiCall => ({
  routeKey: "GET /v1/events",
  headers: authorization === NOTHING ? {} : { authorization },
  params: {},
  query: {},
  body: new Uint8Array(),
  origin: "https://api.example.com",
  signal: new AbortController().signal,
  ...given,
});

describe("authentication", () => {
  const UNKNOWN_KEY = "the API key is unknown, incomplete, revoked or expired";
  const NO_KEY = "this is not an API key of Ackwire";

  test.each([
    [NOTHING, "no API key: send it as Authorization: Bearer"],
    ["", "no API key: send it as Authorization: Bearer"],
    [API_KEY, "the scheme Bearer is missing"],
    ["Bearer ", "no API key after Bearer"],
    [`Basic ${API_KEY}`, "another scheme than Bearer"],
    ["Bearer ackwire_key1_", NO_KEY],
    ["Bearer key1", NO_KEY],
    ["Bearer ackwire_key1_wrong", UNKNOWN_KEY],
    ["Bearer ackwire_key2_secret", UNKNOWN_KEY],
    [`Bearer ${API_KEY} `, NO_KEY],
    [`Bearer ${API_KEY}_more`, NO_KEY],
    ["Bearer ackwire_key1_secret, Bearer x", NO_KEY],
  ])(
    "A call with the authorization %j is answered 401, and the detail says: %s",
    async (authorization, detail) => {
      expect(await setUp().serve(call({ authorization }))).toMatchObject({
        kind: "refused",
        code: "UNAUTHENTICATED",
        detail: expect.stringContaining(detail),
        errors: undefined,
      });
    },
  );

  test.each(["x-api-key", "linked-api-token", "x-anything"])(
    "A key in the header %s is answered 401 with the name of both headers, and is not repeated",
    async (header) => {
      const outcome = await setUp().serve({ ...call(), headers: { [header]: API_KEY } });
      expect(outcome).toMatchObject({
        code: "UNAUTHENTICATED",
        detail: expect.stringMatching(`${header}.*Authorization: Bearer`),
      });
      expect(JSON.stringify(outcome)).not.toContain("key1");
    },
  );

  test("A call with a revoked key is answered 401", async () => {
    const { serve } = setUp({ key: { revokedAt: "2026-06-25T12:00:00.000Z" } });
    expect(await serve(call())).toMatchObject({ code: "UNAUTHENTICATED", detail: UNKNOWN_KEY });
  });

  test("An unauthenticated call is answered 401 whatever its input", async () => {
    const bad = call({ authorization: "", query: { limit: "x" } });
    expect(await setUp().serve(bad)).toMatchObject({ code: "UNAUTHENTICATED" });
  });

  test("The authorization scheme is case-insensitive", async () => {
    const { serve } = setUp();
    expect(await serve(call({ authorization: `bearer ${API_KEY}` }))).toMatchObject({
      status: 200,
    });
  });

  test("The time of a key's use is stored once per hour of business time", async () => {
    const { serve, clock, touched } = setUp();
    await serve(call());
    clock.passBusiness(HOUR_MS - 1);
    await serve(call());
    expect(touched).toEqual(["2026-06-25T12:00:00.000Z"]);
    clock.passBusiness(1);
    await serve(call());
    expect(touched).toEqual(["2026-06-25T12:00:00.000Z", "2026-06-25T13:00:00.000Z"]);
  });

  test("A call does not fail when the time of use cannot be stored", async () => {
    const error = new Failure("DEPENDENCY_DOWN", "DynamoDB UpdateItem failed");
    const key = { clientId: "cl_1", keyId: "key1", secretSha256: sha256Hex("secret") };
    const find = async () => ({ pk: "key#key1", createdAt: "", ...key });
    const { serve, dropped } = setUp({ keys: { find, recordUse: () => Promise.reject(error) } });
    expect(await serve(call())).toMatchObject({ status: 200 });
    expect(dropped).toEqual([error]);
  });
});

describe("answers", () => {
  test("An envelope keeps its bytes, and members of the store follow it", async () => {
    const envelope = '{"id":"e:1","data":{"big":9007199254740993,"one":1.0,"e":1e400, "x":"}"}}';
    const event = { id: "e:1", clientId: "cl_1", envelope };
    const find = async () => ({ ...event, publishedAt: "T", raw: new Uint8Array([255]) });
    const list = async () => ({ events: [event, event], before: "there" });
    const { serve } = setUp({ reader: { find, list } });
    expect(await serve(call({ routeKey: "GET /v1/events/{id}", params: { id: "e:1" } }))).toEqual({
      kind: "answered",
      status: 200,
      keyId: "key1",
      body: `${envelope.slice(0, -1)},"publishedAt":"T","raw":"/w=="}`,
    });
    const page = await serve(call());
    const start = `{"items":[${envelope},${envelope}],"nextCursor":"`;
    expect(page).toMatchObject({ body: expect.stringContaining(start) });
  });

  test("A cursor continues the list, and is valid only for its client and list", async () => {
    const asked: unknown[] = [];
    const list: EventReader["list"] = async (of) => {
      asked.push(of.before);
      return { events: [], before: "2026#é" };
    };
    const { serve } = setUp({ reader: { ...noEvents, list } });
    const page = await serve(call());
    const text = page.kind === "answered" ? String(page.body) : "";
    const { nextCursor } = JSON.parse(text);
    await serve(call({ query: { cursor: nextCursor } }));
    expect(asked).toEqual([undefined, "2026#é"]);
    const foreign = setUp({ key: { clientId: "cl_2" } }).serve(
      call({ query: { cursor: nextCursor } }),
    );
    expect(await foreign).toMatchObject({ code: "REQUEST_INVALID", errors: [{ field: "cursor" }] });
  });

  test.each(["", "#", "no mark", `2026#${"x".repeat(513)}`, 7])(
    "a cursor whose place is %j is refused before the store is asked",
    async (place) => {
      const list = () => Promise.reject(new Error("it was asked"));
      const { serve } = setUp({ reader: { ...noEvents, list } });
      const owner = sha256Hex("events#cl_1").slice(0, 16);
      const cursor = Buffer.from(JSON.stringify([owner, place])).toString("base64url");
      expect(await serve(call({ query: { cursor } }))).toMatchObject({
        errors: [{ field: "cursor" }],
      });
    },
  );

  test("An event of another client is answered 404", async () => {
    const find = async () => ({ id: "e", clientId: "cl_2", envelope: "{}" });
    const { serve } = setUp({ reader: { ...noEvents, find } });
    const answer = serve(call({ routeKey: "GET /v1/events/{id}", params: { id: "e" } }));
    expect(await answer).toMatchObject({ code: "NOT_FOUND" });
  });

  test("The invalid fields of path, query and body are reported together", async () => {
    const { serve } = setUp();
    const body = Buffer.from('{"provider":"x","credentials":{"a b":"c"}}');
    const answer = await serve(
      call({ routeKey: "POST /v1/connections", query: { a: "1" }, params: { b: "2" }, body }),
    );
    expect(answer).toMatchObject({
      errors: [
        { field: "b" },
        { field: "a" },
        { field: "provider", message: expect.stringContaining("we-link") },
        { field: "credentials.a b" },
      ],
    });
  });

  test("No error message repeats a secret", async () => {
    const secret = "s3cret".repeat(400);
    const body = Buffer.from(JSON.stringify({ provider: secret, webhookSecret: secret }));
    const answer = await setUp().serve(call({ routeKey: "POST /v1/connections", body }));
    expect(answer).toMatchObject({ code: "REQUEST_INVALID" });
    expect(JSON.stringify(answer)).not.toContain("s3cret");
  });
});

describe("when a dependency is down", () => {
  test("A 503 contains the time to retry and does not name the dependency", async () => {
    const outcome = await setUp().serve(call({ routeKey: "GET /v1/keys" }));
    expect(outcome).toMatchObject({ code: "DEPENDENCY_DOWN", detail: "no master keys" });
    const result = toResult(outcome);
    expect(result).toMatchObject({ statusCode: 503, headers: { "retry-after": "5" } });
    expect(result.body).not.toContain("master");
  });

  test("A dependency that does not answer is awaited until the deadline", async () => {
    const { serve } = setUp({ reader: { ...noEvents, list: () => new Promise(() => undefined) } });
    const deadline = new AbortController();
    const outcome = serve(call({ signal: deadline.signal }));
    deadline.abort();
    expect(await outcome).toMatchObject({ kind: "refused", code: "DEPENDENCY_DOWN" });
  });

  test("An internal error is not reported as an outage", async () => {
    const find = () => Promise.reject(new TypeError("ours"));
    const { serve } = setUp({ reader: { ...noEvents, find } });
    const answer = serve(call({ routeKey: "GET /v1/events/{id}", params: { id: "e" } }));
    await expect(answer).rejects.toThrow("ours");
  });
});

test("Inbound URLs have the scheme and host of the request", async () => {
  const event = {
    routeKey: "POST /v1/connections",
    headers: { host: "hooks.example.com:8443", "x-forwarded-proto": "https" },
    isBase64Encoded: true,
    body: Buffer.from('{"provider":"we-link"}').toString("base64"),
  };
  const read = toCall(event as never, new AbortController().signal);
  expect(read.origin).toBe("https://hooks.example.com:8443");
  const createConnection = async () => ({ connectionId: "cn_1", inboundPath: "/v1/in/x" });
  const administration = async () => ({ createConnection }) as unknown as Administration;
  const outcome = await setUp({ administration }).serve({
    ...call(),
    ...read,
    headers: { ...read.headers, authorization: `Bearer ${API_KEY}` },
  });
  expect(toResult(outcome)).toMatchObject({
    statusCode: 201,
    headers: { "cache-control": "no-store" },
    body: '{"connectionId":"cn_1","inboundUrl":"https://hooks.example.com:8443/v1/in/x"}',
  });
});

describe("a key that is created with another key", () => {
  const end = "2026-06-26T12:00:00.000Z";
  const [before, after] = ["2026-06-26T11:59:59.999Z", "2026-06-26T12:00:00.001Z"];
  type End = string | undefined;

  async function create(asked: End, expiresAt: End) {
    const made: unknown[] = [];
    const createApiKey = async (clientId: string, of: object) => {
      made.push([clientId, of]);
      return { keyId: "key2", apiKey: "ackwire_key2_s", createdAt: end, ...of };
    };
    const administration = async () => ({ createApiKey }) as unknown as Administration;
    const { serve } = setUp({ administration, key: { expiresAt } });
    const query: Record<string, string> = asked === undefined ? {} : { expiresAt: asked };
    return { outcome: await serve(call({ routeKey: "POST /v1/keys", query })), made };
  }

  test.each<[End, End, End]>([
    [undefined, undefined, undefined],
    [after, undefined, after],
    [undefined, end, end],
    [before, end, before],
    [end, end, end],
    ["2026-06-26T12:00:00Z", end, "2026-06-26T12:00:00Z"],
  ])("A key to end %s, created with one that ends %s, ends %s", async (asked, own, ends) => {
    const { outcome, made } = await create(asked, own);
    expect(made).toEqual([["cl_1", { scopes: undefined, expiresAt: ends }]]);
    const body = { keyId: "key2", apiKey: "ackwire_key2_s", createdAt: end, expiresAt: ends };
    expect(outcome).toMatchObject({ status: 201, body: JSON.stringify(body) });
  });

  test("A key that would outlive the key that creates it is refused", async () => {
    const { outcome, made } = await create(after, end);
    const message = `must not be after ${end}, when the key of this call expires`;
    expect(outcome).toMatchObject({
      ...{ kind: "refused", code: "REQUEST_INVALID", errors: [{ field: "expiresAt", message }] },
    });
    expect(made).toEqual([]);
  });
});

describe("the contract", () => {
  const dialects = Object.values(providerPacks).flatMap(({ dialect }) => dialect ?? []);

  test("Each operation has one name and one route", () => {
    expect(operations.length).toBeGreaterThan(10);
    const ids = operations.map(({ operationId }) => operationId);
    expect(new Set(ids).size).toBe(operations.length);
    expect(new Set(operations.map(routeKeyOf)).size).toBe(operations.length);
    for (const one of [nativeOperations, ...dialects.map(({ operations: own }) => own)]) {
      for (const [name, { operationId }] of Object.entries(one)) expect(operationId).toBe(name);
    }
  });

  test("Each dialect has one handler per operation", () => {
    expect(dialects.length).toBeGreaterThan(1);
    for (const dialect of dialects) {
      const handlers = dialect.handlers({} as DialectServices);
      expect(Object.keys(handlers).sort()).toEqual(Object.keys(dialect.operations).sort());
    }
  });

  test("The names of the dialects' security schemes are unique", () => {
    const schemes = dialects.flatMap(({ credentials }) => credentials.map(({ scheme }) => scheme));
    expect(new Set(["apiKey", ...schemes]).size).toBe(schemes.length + 1);
  });

  test("The variables of a path are its parameters", () => {
    for (const { path, params } of operations) {
      const variables = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      expect(Object.keys(z.toJSONSchema(params).properties ?? {}), path).toEqual(variables);
    }
  });

  test("OpenAPI describes each operation with its errors, and without a key where it is public", () => {
    const { paths } = JSON.parse(openApi());
    for (const { path, method, isPublic, answer, isUndocumented } of operations) {
      if (isUndocumented) continue;
      const described = paths[path][method.toLowerCase()];
      expect(described.security).toHaveLength(isPublic ? 0 : 1);
      if (path.startsWith("/v1/")) expect(described.security).toEqual([{ apiKey: [] }]);
      const statuses = Object.keys(described.responses);
      expect(statuses).toContain(String(answer.status));
      expect(statuses.includes("401")).toBe(!isPublic);
    }
    const list = paths["/v1/events"].get.parameters;
    expect(list[0]).toEqual({
      name: "limit",
      in: "query",
      required: false,
      schema: { type: "integer", minimum: 1, maximum: 100, default: 25 },
    });
  });
});

describe("What is said of a call", () => {
  test("A public operation is answered without a key, and has no caller", async () => {
    const { serve, touched } = setUp();
    const outcome = await serve(call({ authorization: NOTHING, routeKey: "GET /health" }));
    const body = '{"status":"ok"}';
    expect(outcome).toStrictEqual({ kind: "answered", status: 200, body, keyId: undefined });
    expect(touched).toEqual([]);
  });

  test("A call that is refused after its key was taken has its caller", async () => {
    const { serve } = setUp();
    const refused = {
      ...{ kind: "refused", code: "REQUEST_INVALID", detail: "1 invalid fields" },
      ...{ caller: { clientId: "cl_1", keyId: "key1" }, operationId: "listEvents" },
      errors: [{ field: "since", message: "is not known" }],
      ...{ dialect: undefined, authFailure: undefined, remedy: undefined },
      ...{ retryAfterMs: undefined, expectedAt: undefined },
    };
    expect(await serve(call({ query: { since: "x" } }))).toStrictEqual(refused);
    expect(await serve(call({ authorization: "" }))).toMatchObject({ caller: undefined });
  });

  test("A key without the scope of a call is refused before its input is looked at", async () => {
    const { serve, touched } = setUp({ key: { scopes: ["read"] } });
    const write = call({ routeKey: "POST /v1/keys", query: { x: "1" } });
    expect(await serve(write)).toMatchObject({
      ...{ kind: "refused", code: "FORBIDDEN", operationId: "createKey" },
      detail: "the API key has no scope write, which this call needs",
      caller: { clientId: "cl_1", keyId: "key1" },
    });
    expect(touched).toHaveLength(1);
    expect(await serve(call())).toMatchObject({ kind: "answered", status: 200 });
  });

  test("A call that no route has matched is found by its path", async () => {
    const asked: string[] = [];
    const find: EventReader["find"] = async (id) => {
      asked.push(id);
      return { id, clientId: "cl_1", envelope: "{}" };
    };
    const { serve } = setUp({ reader: { ...noEvents, find } });
    const unmatched = { method: "GET", path: "/v1//events/e:1" };
    const outcome = await serve(call({ routeKey: "$default", unmatched, params: { id: "e:2" } }));
    expect(outcome).toMatchObject({ kind: "answered", status: 200, body: "{}" });
    expect(asked).toEqual(["e:1"]);
  });

  test("A call of an unknown route without a path is of no operation", async () => {
    const { serve } = setUp();
    expect(await serve(call({ routeKey: "GET /v1/nothing" }))).toStrictEqual({
      ...{ kind: "refused", code: "NOT_FOUND", detail: "there is no such operation" },
      ...{ dialect: undefined, route: { allow: [], suggestion: undefined } },
    });
  });
});
