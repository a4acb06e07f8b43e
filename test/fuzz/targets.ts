import { isDeepStrictEqual } from "node:util";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { verifyWebhook, WebhookVerificationError } from "../../client/verify-webhook.ts";
import { eventSamples } from "../../local/simulator/event-samples.ts";
import { readMalformedResponse } from "../../shared/adapters/http/malformed-response.ts";
import { operations } from "../../shared/contracts/http/operations.ts";
import { operatorOperationList } from "../../shared/contracts/http/operator/operations.ts";
import { parseJsonOrUndefined } from "../../shared/contracts/json-text.ts";
import { providerPacks } from "../../shared/contracts/providers.ts";
import { readTraceparent } from "../../shared/contracts/traceparent.ts";
import { hashForm } from "../../shared/contracts/webhook-forms.ts";
import { readPortalToken } from "../../shared/core/api/authentication/portal-token.ts";
import { validateCall } from "../../shared/core/api/validate-call.ts";
import { readMasterKeys } from "../../shared/core/crypto/master-keys.ts";
import { readCursor, writeCursor } from "../../shared/core/input/cursor.ts";
import { decodeBody } from "../../shared/core/json/decode-body.ts";
import { parseJson, parseJsonObject } from "../../shared/core/json/json.ts";
import { topLevelMembers } from "../../shared/core/json/json-members.ts";
import { retryAfterOf } from "../../shared/core/providers/retry-after.ts";
import { readScheduled } from "../../shared/core/requests/acceptance/schedule-time.ts";
import {
  SIGNATURE_HEADER,
  signLinkedApi,
  TIMESTAMP_HEADER,
  verifyLinkedApi,
} from "../../shared/providers/linked-api/signature.ts";
import { bodies, isPlainObject, must, NOW_MS, refusing } from "./checks.ts";
import type { Target } from "./engine.ts";
import { messageTargets } from "./message-targets.ts";

const json = [...bodies, '{"a":1.0,"b":[1e400,-0,12345678901234567890]}', '{"__proto__":{"x":1}}'];

/** The first bytes of an input choose, the others are the text. */
const split = (input: Buffer, choices: number) => ({
  choice: (input[0] ?? 0) % choices,
  rest: input.subarray(1),
});

const encodings = ["", "gzip", "deflate", "br", "zstd", "gzip, br", "x", "identity"];
const charsets = ["", "utf-16", "utf-16le", "utf-16be", "latin1", "utf-8", "no-such"];

const jsonTargets: Target[] = [
  {
    name: "JSON is accepted exactly where JSON.parse accepts it, and has the same members",
    seeds: json,
    check(input) {
      const native = parseJsonOrUndefined(utf8(input) ?? "");
      const ours = refusing(() => parseJson(input, "exact", 10_000));
      must(
        (native !== undefined) === (ours !== undefined),
        `JSON.parse ${native !== undefined}, ours the contrary`,
      );
      if (!ours || !isPlainObject(native)) return;
      const names = topLevelMembers(ours.text).map(({ key }) => key);
      must(
        isDeepStrictEqual(new Set(names), new Set(Object.keys(native))),
        `the members are ${names}`,
      );
    },
  },
  {
    name: "A body is decoded within its limit",
    seeds: encodings.flatMap((_, encoding) =>
      charsets.map((_, charset) => {
        const choice = encoding + encodings.length * charset;
        const text = Buffer.from(json[encoding] ?? "{}", charset % 2 === 0 ? "utf8" : "utf16le");
        const coded = [text, gzipSync(text), deflateSync(text), brotliCompressSync(text)];
        return Buffer.concat([Buffer.from([choice]), coded[encoding] ?? text]);
      }),
    ),
    check(input) {
      const { choice, rest } = split(input, encodings.length * charsets.length);
      const charset = charsets[Math.floor(choice / encodings.length)];
      const headers = {
        "content-encoding": encodings[choice % encodings.length],
        "content-type": `application/json; charset=${charset}`,
      };
      const decoded = refusing(() => decodeBody(rest, headers, 8_000));
      must((decoded?.byteLength ?? 0) <= 8_000, "the decoded body is longer than its limit");
    },
  },
];

/** A secret that no input has. */
const SECRET = "a secret that no input has";
const SECONDS = String(NOW_MS / 1_000);

/** The headers of a webhook of Linked API that is sent now. */
const signedWith = (signature: string) => ({
  [SIGNATURE_HEADER]: signature,
  [TIMESTAMP_HEADER]: SECONDS,
});

/** Signatures that nobody has made: one of the form of Linked API's, and any text. */
const madeUp = (input: Buffer) => [
  input.toString("hex").padEnd(64, "0").slice(0, 64),
  input.toString("latin1").slice(0, 200),
];

const webhookTargets: Target[] = Object.values(providerPacks).flatMap((pack) => {
  const seeds = eventSamples
    .filter(({ provider }) => provider === pack.id)
    .map(({ body }) => JSON.stringify(body({ id: "i", accountId: "a", now: "2026-06-25T12:00Z" })));
  const parsed = (input: Buffer) => {
    const json = refusing(() => parseJsonObject(input));
    return json && { ...json, bytes: input, headers: {} };
  };
  return [
    {
      name: `A webhook of ${pack.name} becomes an event that is JSON, or is refused`,
      seeds,
      check(input: Buffer) {
        const webhook = parsed(input);
        const event = webhook && refusing(() => pack.parseWebhook(webhook));
        if (event) JSON.parse(JSON.stringify(event));
      },
    },
    {
      name: `A webhook of ${pack.name} without its secret is never verified`,
      seeds: [...seeds, ...seeds.map((text) => text.replace("{", '{"hash":"e30.e30.e30",'))],
      check(input: Buffer) {
        const webhook = parsed(input);
        if (!webhook) return;
        const settings = { hashForms: hashForm.options, allowUnboundJwt: true };
        const of = { secrets: [SECRET], settings, nowMs: NOW_MS };
        const isProvenByUrl = signsNothing(pack.verify(webhook, of));
        for (const signature of madeUp(input)) {
          const { kind } = pack.verify({ ...webhook, headers: signedWith(signature) }, of);
          must(kind !== "verified" || isProvenByUrl, `it is ${kind}`);
        }
      },
    },
    {
      name: `An answer of ${pack.name} is understood or unknown, and never an error`,
      seeds,
      check(input: Buffer) {
        const statuses = [200, 201, 202, 204, 302, 400, 401, 403, 404, 409, 422, 429, 500, 503];
        const { choice, rest } = split(input, statuses.length);
        const status = statuses[choice] ?? 200;
        const answer = { status, headers: { "retry-after": "1" }, body: rest };
        const { kind } = pack.client.readSubmission(answer, "connect");
        must(kind !== undefined, "no outcome of a submission");
        must(pack.client.readPoll("id-1", answer).kind !== undefined, "no outcome of a poll");
      },
    },
  ];
});

const master = readMasterKeys(JSON.stringify({ current: "k1", k1: "k".repeat(48) }));

const textTargets: Target[] = [
  {
    name: "A cursor of another list or client is refused",
    seeds: [writeCursor({ list: "events", clientId: "cl_1" }, "place")],
    check(input) {
      const of = { list: "requests", clientId: "cl_2" } as const;
      const place = refusing(() => readCursor(of, input.toString("utf8"), /^.{1,100}$/s));
      must(place === undefined, `it is the place ${place}`);
    },
  },
  {
    name: "A scheduled time is the time that its text says",
    seeds: ["2026-07-01T09:00:00Z", "2026-07-01T09:00:00.5Z", "2027-02-28T23:59:59.999Z"],
    check(input) {
      const text = input.toString("utf8");
      const year = 365 * 86_400_000;
      const rules = { nowMs: NOW_MS, leadMs: 7_200_000, maxMs: year };
      const atMs = refusing(() => readScheduled(text, rules));
      if (atMs === undefined) return;
      must(atMs >= NOW_MS + 7_200_000 && atMs <= NOW_MS + year, "it is outside of the limits");
      must(new Date(atMs).toISOString().slice(0, 19) === text.slice(0, 19), "it is another time");
    },
  },
  {
    name: "Retry-After is at most a day, and never negative",
    seeds: ["120", "Thu, 25 Jun 2026 12:00:30 GMT", "1, 2", "Thursday, 25-Jun-26 12:00:30 GMT"],
    check(input) {
      const headers = { "retry-after": input.toString("latin1") };
      const { retryAfterMs = 0 } = retryAfterOf({ headers, receivedRealMs: NOW_MS });
      must(retryAfterMs >= 0 && retryAfterMs <= 86_400_000, `it is ${retryAfterMs}`);
    },
  },
  {
    name: "A portal token that was not made here shows nothing",
    seeds: ["ackwire_portal_k1_e30.e30.e30"],
    check(input) {
      must(!readPortalToken(master, input.toString("utf8"), NOW_MS), "it is valid");
    },
  },
  {
    name: "A traceparent is passed on as it is, or left out",
    seeds: ["00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"],
    check(input) {
      const text = input.toString("utf8");
      const read = readTraceparent(text);
      must(read === undefined || /^[0-9a-f-]{55}/.test(read), `it is ${read}`);
    },
  },
  {
    name: "A response that Node cannot parse has a final status, or none",
    seeds: ["HTTP/1.1 200 OK\r\na : b\r\n\r\nbody", "HTTP/1.1 103 E\n\nHTTP/1.0 500 \n c\n\n"],
    check(input) {
      const { status = 200 } = readMalformedResponse(input) ?? {};
      must(status >= 200 && status <= 999, `it is ${status}`);
    },
  },
  {
    name: "A body is verified with Linked API's signature of it, and with no other one",
    seeds: bodies,
    check(input) {
      const right = signLinkedApi(input, SECONDS, SECRET);
      const kindWith = (signature: string) =>
        verifyLinkedApi(
          { bytes: input, headers: signedWith(signature) },
          { secrets: [SECRET], nowMs: NOW_MS },
        ).kind;
      must(kindWith(right) === "verified", "its own signature is refused");
      const almost = `${right.slice(0, -1)}${right.endsWith("0") ? "1" : "0"}`;
      for (const wrong of [...madeUp(input), almost]) {
        must(wrong === right || kindWith(wrong) !== "verified", `it is verified with ${wrong}`);
      }
    },
  },
];

const calls = [...operations, ...operatorOperationList].filter(({ isPublic }) => !isPublic);

const apiTargets: Target[] = [
  {
    name: "A call of any operation is valid, or refused with its fields",
    seeds: calls.map((_, nth) =>
      Buffer.concat([
        Buffer.from([nth]),
        Buffer.from(
          '{"provider":"we-link","accountId":"a","action":"connect","params":{"x":1},"url":"https://a.b"}',
        ),
      ]),
    ),
    check(input) {
      const { choice, rest } = split(input, calls.length);
      const operation = calls[choice];
      if (!operation) throw new Error("there is no such operation");
      const text = rest.toString("utf8");
      const value = text.slice(0, 300);
      const query = Object.fromEntries(new URLSearchParams(value));
      const ids = ["id", "requestId", "accountId", "connectionId", "keyId", "clientId", "queue"];
      refusing(() =>
        validateCall(operation as never, {
          ...{ routeKey: "", origin: "https://a", signal: AbortSignal.timeout(60_000) },
          ...{ headers: { "idempotency-key": value, traceparent: value }, query, body: rest },
          params: Object.fromEntries(ids.map((name) => [name, value])),
        }),
      );
    },
  },
  {
    name: "A webhook of Ackwire without its secret is never verified",
    seeds: bodies.map((body) => `v1,e30=\n${body}`),
    async check(input) {
      const [signature = "", ...lines] = input.toString("latin1").split("\n");
      const headers = {
        "webhook-id": "e",
        "webhook-timestamp": String(NOW_MS / 1_000),
        "webhook-signature": signature,
      };
      const secret = `whsec_${Buffer.alloc(24, 7).toString("base64")}`;
      const body = Buffer.from(lines.join("\n"), "latin1");
      const failed = await verifyWebhook(body, headers, secret, { nowMs: NOW_MS }).then(
        () => new Error("it is verified"),
        (error: unknown) => error,
      );
      if (!(failed instanceof WebhookVerificationError)) throw failed;
    },
  },
];

/** Every parser of what comes from outside. */
export const targets: readonly Target[] = [
  ...jsonTargets,
  ...webhookTargets,
  ...textTargets,
  ...messageTargets,
  ...apiTargets,
];

/** A provider that signs nothing by default proves a webhook by its URL alone. */
const signsNothing = (verification: { kind: string; form?: string }) => verification.form === "url";

/** As the parser reads bytes: without a byte order mark; `undefined` for what is not UTF-8. */
function utf8(input: Buffer): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(input);
  } catch {
    return undefined;
  }
}
