import { request } from "node:http";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type Address,
  hmacOf,
  type InboundRun,
  isAbout,
  postTo,
  signed,
  startInboundRun,
  withHash,
} from "../support/runs/inbound-run.ts";

let inbound: InboundRun;
let weLink: Address;
let linkedApi: Address;
beforeAll(async () => {
  inbound = await startInboundRun();
  weLink = await inbound.connect({ provider: "we-link" });
  linkedApi = await inbound.connect({ provider: "linked-api" });
});
afterAll(() => inbound.close());

let count = 0;
const nextId = () => `hostile-${++count}`;

/** Both functions return a provider's webhook body with this JSON text as its `result`. */
const weLinkText = (id: string, result: string) =>
  `{"status":"SUCCESS","request_id":"${id}","result":${result}}`;
const linkedApiText = (id: string, result: string) =>
  `{"id":"workflow.completed:${id}","type":"workflow.completed","createdAt":"2026-06-25T12:00:00.000Z","data":{"workflowId":"${id}","accountId":"a","status":"completed","result":${result}}}`;

const big = (bytes: number) => `"${"x".repeat(bytes)}"`;
const object = (keys: number) =>
  `{${Array.from({ length: keys }, (_, n) => `"${n.toString(36)}k":0`).join(",")}}`;
const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);

/** A JSON text, and the status of the response; a value answered 200 is published unchanged. */
type Case = [name: string, text: string, status: number];

const values: Case[] = [
  ["10,000 deep, lists", nested(10_000), 400],
  ["10,000 deep, objects", `${'{"a":'.repeat(10_000)}0${"}".repeat(10_000)}`, 400],
  ["10,000 deep, never closed", "[".repeat(10_000), 400],
  ["10,000 brackets in a text", big(0).replace('""', `"${"[".repeat(10_000)}"`), 200],
  ["60 deep", nested(60), 200],
  ["6 MB", big(6_000_000), 413],
  ["300 KB", big(300_000), 413],
  ["200 KB", big(200_000), 200],
  ["200 KB of quotes", `"${'\\"'.repeat(100_000)}"`, 200],
  ["200 KB of spaces", `${" ".repeat(200_000)}0`, 200],
  ["60,000 keys", object(60_000), 413],
  ["20,000 keys", object(20_000), 200],
  ["20,000 times one key", `{${'"k":0,'.repeat(20_000)}"k":1}`, 200],
  ["__proto__", '{"__proto__":{"isAdmin":true},"a":1}', 200],
  [
    "constructor",
    '{"constructor":{"prototype":{"isAdmin":true}},"toString":1,"hasOwnProperty":2}',
    200,
  ],
  ["lone surrogate, escaped", '{"\\ud800":"\\udfff","low first":"\\udc00\\ud800"}', 200],
  ["a pair, escaped", '"\\ud83d\\ude00"', 200],
  ["NUL, escaped", '{"\\u0000":"a\\u0000b"}', 200],
  ["every control character, escaped", `"${controls()}"`, 200],
  ["NUL, raw", '"a\0b"', 400],
  ["newline in a text, raw", '"a\nb"', 400],
  ["U+FFFE and U+FFFF, raw", '"\ufffe\uffff"', 200],
  ["U+FFFE and U+FFFF, escaped", '"\\ufffe\\uffff"', 200],
  ["U+2028, U+FEFF and U+202E, raw", '"\u2028\ufeff\u202e"', 200],
  ["planes 1 to 16", '"\u{1f600}\u{10ffff}"', 200],
  ["a key twice", '{"a":1,"a":2}', 200],
  ["NaN", "NaN", 400],
  ["-Infinity", "-Infinity", 400],
  ["a hexadecimal number", "0x10", 400],
  ["a leading zero", "01", 400],
  ["a trailing comma", "[1,]", 400],
  ["a comment", "/**/1", 400],
  ["two values", "1}{", 400],
];

/** A number, the JSON text that is published for it, and whether `numbersAsText` is set. */
const numbers: [text: string, arrives: string, asText: boolean][] = [
  ["9007199254740993", "9007199254740993", false],
  ["9223372036854775807", "9223372036854775807", false],
  ["9223372036854775808", '"9223372036854775808"', true],
  ["-9223372036854775809", '"-9223372036854775809"', true],
  ["1e400", '"1e400"', true],
  ["-1e400", '"-1e400"', true],
  ["1.0", "1.0", false],
  ["-0", "-0", false],
  ["1e-400", "1e-400", false],
  ["0.1000000000000000055511151231257827", "0.1000000000000000055511151231257827", false],
  ["9".repeat(100_000), `"${"9".repeat(100_000)}"`, true],
  ["1e999999999999", '"1e999999999999"', true],
];

const neighbours: string[] = [];

/** Runs `send` concurrently with two valid webhooks, which must not be affected. */
async function besideValidWebhooks<T>(send: () => Promise<T>): Promise<T> {
  const ids = [nextId(), nextId()];
  neighbours.push(...ids);
  const sendValid = (id: string) =>
    postTo(weLink.url, signed(weLinkText(id, "{}"), weLink.secret)).then(({ status }) =>
      expect(status).toBe(200),
    );
  const [first = "", second = ""] = ids;
  const [result] = await Promise.all([send(), sendValid(first), sendValid(second)]);
  return result;
}

describe.each(["we-link", "linked-api"] as const)("Webhooks of %s", (provider) => {
  const textOf = (id: string, result: string) =>
    provider === "we-link"
      ? signed(weLinkText(id, result), weLink.secret)
      : linkedApiText(id, result);
  const urlOf = () => (provider === "we-link" ? weLink.url : linkedApi.url);

  test.each(values)(
    `A ${provider} webhook whose result is %s has its expected status and event`,
    async (_name, value, status) => {
      const id = nextId();
      const text = textOf(id, value);
      const answer = await besideValidWebhooks(() => postTo(urlOf(), text));
      expect(answer.status).toBe(status);
      const [event] = await inbound.events(isAbout(id), status === 200 ? 1 : 0);
      // Compared as text: a comparison of objects does not distinguish `__proto__` from the prototype.
      if (event)
        expect(JSON.stringify(event.detail.data.result)).toBe(JSON.stringify(JSON.parse(value)));
      expect({}).not.toHaveProperty("isAdmin");
    },
  );

  test.each(numbers)(
    `A ${provider} webhook whose result is the number %.30s keeps every digit`,
    async (value, arrives, asText) => {
      const id = nextId();
      const answer = await besideValidWebhooks(() => postTo(urlOf(), textOf(id, value)));
      expect(answer.status).toBe(200);
      const [event] = await inbound.events(isAbout(id), 1);
      expect(event?.detail.data.numbersAsText ?? false).toBe(asText);
      expect(JSON.stringify(event?.detail.data.result)).toBe(JSON.stringify(JSON.parse(arrives)));
    },
  );

  test.each([
    ["0xff", [0xff]],
    ["an overlong NUL", [0xc0, 0x80]],
    ["an overlong slash", [0xe0, 0x80, 0xaf]],
    ["a lone surrogate, raw", [0xed, 0xa0, 0x80]],
    ["a pair as two surrogates", [0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80]],
    ["beyond U+10FFFF", [0xf4, 0x90, 0x80, 0x80]],
    ["a cut sequence", [0xf0, 0x9f, 0x98]],
    ["Latin-1", [0xe9]],
  ])(
    `A ${provider} webhook that is not UTF-8 because of %s is answered 400`,
    async (_name, bytes) => {
      const [front = "", back = ""] = textOf(nextId(), '"?"').split("?");
      const body = Buffer.concat([Buffer.from(front), Buffer.from(bytes), Buffer.from(back)]);
      expect(await besideValidWebhooks(() => postTo(urlOf(), body))).toMatchObject({ status: 400 });
    },
  );

  test(`A ${provider} webhook in UTF-16 or with a byte order mark is published`, async () => {
    for (const encode of [
      (text: string) => Buffer.from(text, "utf16le"),
      (text: string) => Buffer.from(`\ufeff${text}`),
    ]) {
      const id = nextId();
      expect(await postTo(urlOf(), encode(textOf(id, "{}")))).toMatchObject({ status: 200 });
      await inbound.events(isAbout(id), 1);
    }
  });

  test(`A ${provider} webhook at the size limit is accepted, and one byte more is answered 413`, async () => {
    for (const [more, status] of [
      [0, 200],
      [1, 413],
    ] as const) {
      const id = nextId();
      const missing = 240_000 + more - textOf(id, '""').length;
      expect((await postTo(urlOf(), textOf(id, big(missing)))).status).toBe(status);
      await inbound.events(isAbout(id), status === 200 ? 1 : 0);
    }
  });

  test.each([
    ["no headers", {}, 200],
    ["the content type text/plain", { "content-type": "text/plain" }, 200],
    ["the content type octet-stream", { "content-type": "application/octet-stream" }, 200],
    ["the wrong charset", { "content-type": "application/json; charset=utf-16" }, 200],
    ["the content type of a form", { "content-type": "multipart/form-data; boundary=x" }, 200],
    ["a method override", { "x-http-method-override": "DELETE" }, 200],
    ["a forwarded host", { "x-forwarded-for": "127.0.0.1", "x-forwarded-host": "evil" }, 200],
    ["the headers __proto__x and constructor", { __proto__x: "1", constructor: "x" }, 200],
    ["a cookie", { cookie: "a=b; __proto__=c" }, 200],
    ["a header of 8 KB", { "x-long": "x".repeat(8_000) }, 200],
    ["a header of 12 KB", { "x-long": "x".repeat(12_000) }, 431],
  ])(`A ${provider} webhook with %s has its expected status`, async (_name, headers, status) => {
    const id = nextId();
    const answer = await postTo(urlOf(), textOf(id, "{}"), headers as Record<string, string>);
    expect(answer.status).toBe(status);
    await inbound.events(isAbout(id), status === 200 ? 1 : 0);
  });

  test(`A compressed ${provider} webhook is published`, async () => {
    const id = nextId();
    const headers = { "content-encoding": "gzip", "content-type": "application/json" };
    expect((await postTo(urlOf(), gzipSync(textOf(id, "{}")), headers)).status).toBe(200);
    await inbound.events(isAbout(id), 1);
  });

  test(`A ${provider} webhook sent in chunks of one byte is published`, async () => {
    const id = nextId();
    expect(await inChunks(urlOf(), textOf(id, "{}"))).toBe(200);
    await inbound.events(isAbout(id), 1);
  });
});

test("We-Link's required fields are found when repeated or escaped, and not inside __proto__", async () => {
  const cases: [string, number][] = [
    ['{"__proto__":{"status":"SUCCESS","request_id":"p"}}', 400],
    ['{"status":"SUCCESS","__proto__":{"request_id":"p"}}', 400],
    ['{"status":"FAILED","status":"SUCCESS","request_id":"hostile-twice"}', 200],
    ['{"st\\u0061tus":"SUCCESS","request\\u005fid":"hostile-escaped"}', 200],
    ['{"status":"SUCCESS","request_id":"hostile-proto","event_type":"__proto__"}', 200],
    [
      '{"status":"__proto__","request_id":"hostile-status","event_type":"/api/v1/constructor"}',
      200,
    ],
  ];
  for (const [text, status] of cases) {
    const body = withHash(text, hmacOf(text, weLink.secret));
    expect([text, (await postTo(weLink.url, body)).status]).toEqual([text, status]);
  }
  for (const id of ["twice", "escaped", "proto", "status"])
    await inbound.events(isAbout(`hostile-${id}`));
});

test("Ids that differ only in a lone surrogate are different events", async () => {
  const ids = ["\\ud800", "\\ud801", "\\ufffd"].map((id) => `hostile ${id}`);
  for (const id of ids) {
    expect((await postTo(linkedApi.url, linkedApiText(id, "{}"))).status).toBe(200);
  }
  await inbound.events(({ detail }) => String(detail.data.workflowId).startsWith("hostile "), 3);
});

test("Every valid webhook sent beside a hostile one is published once, and nothing else is", async () => {
  expect(neighbours.length).toBeGreaterThan(100);
  for (const id of neighbours) await inbound.events(isAbout(id), 1);
  await inbound.nothingMore();
  expect(inbound.run.printed).toEqual([]);
});

function controls(): string {
  return Array.from({ length: 32 }, (_, n) => `\\u${n.toString(16).padStart(4, "0")}`).join("");
}

function inChunks(url: string, text: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: "POST" }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    sent.on("error", reject);
    for (const char of text) sent.write(char);
    sent.end();
  });
}
