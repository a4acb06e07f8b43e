import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { failures } from "../../shared/contracts/failures.ts";
import { makeAccounts } from "../../shared/core/administration/accounts.ts";
import { makeServeApi, type ServeApiDeps } from "../../shared/core/api/serve-api.ts";
import { sha256Hex } from "../../shared/core/crypto/digest.ts";
import type { NewRequest } from "../../shared/core/requests/acceptance/idempotency.ts";
import { toCall, toResult } from "../../shared/runtime/api-request.ts";
import { makeAcceptor } from "../support/fakes/acceptor.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";
import { textOf } from "../support/tree.ts";

const KEY = "ackwire_key1_secret";
const request = { provider: "we-link", accountId: "a", action: "connect", params: {} };

const { accept } = makeAcceptor();
const { accountDirectory: twoConnections } = makeAccounts({
  store: {
    connectionsOf: async () =>
      ["cn_1", "cn_2"].map((connectionId) => ({ connectionId, provider: "we-link" })),
    account: async () => undefined,
  },
  clock: makeTestClock(),
  stagePace: { minGapMs: 0, maxGapMs: 0, defaultPreset: "off" },
} as unknown as Parameters<typeof makeAccounts>[0]);
const several = makeAcceptor(({ accountDirectory }) => ({
  accountDirectory: { ...accountDirectory, connectionIdOf: twoConnections.connectionIdOf },
}));

/** Requests of the account `several` go where there are two connections. */
const requests = {
  accept: (of: NewRequest) => (of.accountId === "several" ? several : { accept }).accept(of),
};

const serve = makeServeApi({
  requests,
  keys: {
    find: async (keyId: string) =>
      keyId === "key1" ? { clientId: "cl_1", keyId, secretSha256: sha256Hex("secret") } : undefined,
    recordUse: async () => undefined,
  },
  clock: makeTestClock(),
  onNonFatalError: () => undefined,
} as unknown as ServeApiDeps);

interface Sent {
  route?: string;
  body?: unknown;
  headers?: Record<string, string>;
  query?: Record<string, string>;
}

async function send({ route = "POST /v1/requests", body = request, headers, query }: Sent) {
  const [method = "", path = ""] = route.split(" ");
  const bytes =
    body instanceof Uint8Array || typeof body === "string" ? body : JSON.stringify(body);
  const isKnown = ["POST /v1/requests", "GET /v1/events", "PUT /v1/webhook"].includes(route);
  const event = {
    routeKey: isKnown ? route : "$default",
    rawPath: path,
    requestContext: { http: { method } },
    headers: headers ?? { authorization: `Bearer ${KEY}` },
    queryStringParameters: query,
    isBase64Encoded: true,
    body: Buffer.from(bytes).toString("base64"),
  };
  const outcome = await serve(toCall(event as never, new AbortController().signal));
  const result = toResult(outcome);
  return { status: result.statusCode, body: JSON.parse(String(result.body ?? "null")) };
}

const keyed = { authorization: `Bearer ${KEY}`, "idempotency-key": "key" };

const utf16 = Buffer.from(`\ufeff${JSON.stringify(request)}`, "utf16le");

/** What callers get wrong, and what the answer's `detail` says about it. */
const mistakes: [name: string, sent: Sent, detail: string | RegExp][] = [
  ["no key", { headers: {} }, "no API key: send it as Authorization: Bearer <API key>"],
  ["the key in x-api-key", { headers: { "x-api-key": KEY } }, /the header x-api-key: send it as/],
  ["no Bearer", { headers: { authorization: KEY } }, /^the scheme Bearer is missing/],
  ["Basic", { headers: { authorization: "Basic eDp5" } }, /another scheme than Bearer/],
  ["a cut key", { headers: { authorization: "Bearer ackwire_key1" } }, /not an API key of Ackwire/],
  ["an unknown key", { headers: { authorization: "Bearer ackwire_k9_x" } }, /unknown, incomplete/],
  ["a trailing comma", { body: '{"a":1,}' }, /line 1, column 8: a comma must not stand before }/],
  ["single quotes", { body: "{'a':1}" }, /line 1, column 2: .*double quotes/],
  ["an empty body", { body: "" }, "the body is empty"],
  ["UTF-16", { body: utf16 }, "the body is UTF-16: send UTF-8"],
  ["a form", { body: "provider=we-link&action=connect" }, "the body is a form, not JSON"],
  ["gzip", { body: Buffer.from([0x1f, 0x8b, 8, 0]) }, /compressed \(gzip\).*content-encoding/],
  ["a list", { body: [] }, "the body must be a JSON object at the top"],
  ["no params", { body: { ...request, params: undefined } }, "params: is missing"],
  ["params as text", { body: { ...request, params: "x" } }, /^params: must be an object or a list/],
  ["no accountId", { body: { ...request, accountId: undefined } }, "accountId: is missing"],
  [
    "account_id",
    { body: { ...request, account_id: "a" } },
    /^account_id: .*did you mean accountId/,
  ],
  ["scheduledAt", { body: { ...request, scheduledAt: "x" } }, /did you mean scheduled\?/],
  ["idempotencyKey", { body: { ...request, idempotencyKey: "k" } }, /header Idempotency-Key/],
  ["a wrong provider", { body: { ...request, provider: "welink" } }, /did you mean we-link\?/],
  [
    "30 February",
    { body: { ...request, scheduled: "2027-02-30T12:00:00.000Z" } },
    /^scheduled: is a day or a time of day that does not exist/,
  ],
  [
    "24:00",
    { body: { ...request, scheduled: "2027-03-01T24:00:00.000Z" } },
    /^scheduled: is a day or a time of day that does not exist/,
  ],
  [
    "no connectionId where there are several",
    { body: { ...request, accountId: "several" } },
    "connectionId: is required: there are several, cn_1, cn_2",
  ],
  [
    "a key of another body",
    { body: { ...request, params: { other: true } }, headers: keyed },
    "this Idempotency-Key was used with another body",
  ],
  [
    "one request more than may wait",
    { body: request },
    "1 requests of this account are waiting already",
  ],
  ["a date only", { body: { ...request, scheduled: "2027-01-01" } }, /time of day is missing/],
  ["an unknown parameter", { query: { since: "x" } }, /^since: is not known/],
  ["an epoch number", { body: { ...request, scheduled: 1_800_000_000 } }, /UTC.*not a number/],
  [
    "a page limit of 0",
    { route: "GET /v1/events", query: { limit: "0" } },
    "limit: must be at least 1",
  ],
  ["a wrong method", { route: "PUT /v1/requests" }, "this path has GET and POST only"],
  ["a plural", { route: "GET /v1/webhooks" }, /did you mean GET \/v1\/webhook\?/],
];

interface Row {
  mistake: string;
  status: number | undefined;
  code: string;
  title: string;
  detail: string;
}

/** For `npx vitest run test/unit/mistakes.test.ts --silent=false`. */
function printed(rows: readonly Row[]): string {
  return rows
    .map(({ mistake, status, code, title, detail }) =>
      [mistake, `${status} ${code}: ${title}`, detail].join("\n    "),
    )
    .join("\n");
}

describe("Mistakes of callers and their texts", () => {
  const rows: Row[] = [];
  // One request waits, and its key is known.
  beforeAll(async () => {
    expect(await send({ headers: keyed })).toMatchObject({ status: 202 });
  });
  afterAll(() => console.info(printed(rows)));

  test.each(mistakes)("The answer to %s says what to mend", async (mistake, sent, detail) => {
    const { status, body } = await send(sent);
    rows.push({ mistake, status, code: body.code, title: body.title, detail: body.detail });
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
    expect(body.detail).toEqual(
      typeof detail === "string" ? detail : expect.stringMatching(detail),
    );
    expect(body.detail).not.toMatch(/Invalid input|expected|received|invalid fields/);
  });
});

test("docs/errors.md has every code with its status", () => {
  const rows = [...textOf("docs/errors.md").matchAll(/^\| `([A-Z_0-9]+)` +\| (\d+) /gm)];
  const documented = rows.map(([, code, status]) => [code, Number(status)]).sort();
  const codes = Object.entries(failures).flatMap(([code, rule]) =>
    "httpStatus" in rule ? [[code, rule.httpStatus]] : [],
  );
  expect(documented).toEqual(codes.sort());
});
