import {
  brotliCompressSync,
  deflateRawSync,
  deflateSync,
  gzipSync,
  zstdCompressSync,
} from "node:zlib";
import { describe, expect, test } from "vitest";
import { Failure } from "../../shared/contracts/failures.ts";
import { decodeBody } from "../../shared/core/json/decode-body.ts";
import { signWeLink } from "../../shared/providers/we-link/pack.ts";
import { MAX_BODY_BYTES, makeIngestCore, SECRET } from "../support/fakes/ingest-core.ts";

const body = signWeLink(
  { status: "SUCCESS", request_id: "r", result: { name: "Zo\u00eb" } },
  SECRET,
);
const plain = Buffer.from(body);
const coded = (coding: string) => ({ "content-encoding": coding });
const typed = (charset: string) => ({ "content-type": `application/json; charset=${charset}` });
const utf16be = Buffer.from(body, "utf16le").swap16();

/** The same webhook in every form, and the headers that say so. n8n#35933 */
const forms: [string, Uint8Array, Record<string, string>][] = [
  ["as it is", plain, {}],
  ["with a byte order mark", Buffer.from(`\ufeff${body}`), {}],
  ["in gzip", gzipSync(plain), coded("gzip")],
  ["in gzip that no header tells", gzipSync(plain), {}],
  ["in gzip with a byte order mark", gzipSync(`\ufeff${body}`), coded("GZIP")],
  ["in deflate", deflateSync(plain), coded("deflate")],
  ["in deflate without its header", deflateRawSync(plain), coded("deflate")],
  ["in Brotli", brotliCompressSync(plain), coded("br")],
  ["in Zstandard", zstdCompressSync(plain), coded("zstd")],
  ["in two codings", gzipSync(deflateSync(plain)), coded("deflate, gzip")],
  ["with the header of a coding that was undone", plain, coded("gzip")],
  ["with the coding identity", plain, coded("identity")],
  ["with an unknown coding", plain, coded("toString")],
  ["in Latin-1", Buffer.from(body, "latin1"), typed("ISO-8859-1")],
  ["in UTF-8 that is declared as Latin-1", plain, typed("ISO-8859-1")],
  ["with an unknown charset", plain, typed("klingon")],
  ["in UTF-16", Buffer.from(`\ufeff${body}`, "utf16le"), typed("utf-16")],
  ["in UTF-16 without a mark", Buffer.from(body, "utf16le"), {}],
  ["in UTF-16 in the other order", utf16be, {}],
];

test.each(forms)(
  "a webhook %s is verified, and its event has the same text",
  async (_name, bytes, headers) => {
    const { post, events } = makeIngestCore();
    expect(await post(bytes, headers)).toMatchObject({ status: 200 });
    const [event] = await events();
    expect(JSON.parse(event?.envelope ?? "{}").data.result).toEqual({ name: "Zo\u00eb" });
  },
);

describe("the size of a decoded body", () => {
  const bomb = (bytes: number) => Buffer.from(`{"a":"${"x".repeat(bytes)}"}`);
  test.each([
    ["gzip", gzipSync],
    ["br", brotliCompressSync],
    ["zstd", zstdCompressSync],
  ])(
    "a body of a few bytes that is too large after %s is answered 413",
    async (coding, compress) => {
      const small = compress(bomb(20_000_000));
      expect(small.byteLength).toBeLessThan(MAX_BODY_BYTES);
      expect(await makeIngestCore().post(small, coded(coding))).toMatchObject({
        status: 413,
        code: "BODY_TOO_LARGE",
      });
    },
  );

  test("a body in two codings is undone at most twice", () => {
    const thrice = gzipSync(gzipSync(gzipSync(plain)));
    const once = decodeBody(thrice, coded("gzip, gzip, gzip"), 1_000);
    expect(Buffer.from(once).equals(gzipSync(plain))).toBe(true);
  });

  test("UTF-16 that is too large as UTF-8 is refused", () => {
    const text = Buffer.from(`{"a":"${"\u20ac".repeat(500)}"}`, "utf16le");
    expect(() => decodeBody(text, {}, 1_200)).toThrow("more than 1200 bytes");
  });
});

describe("The bytes of a decoded body", () => {
  const refused = (maxBytes: number) =>
    new Failure("BODY_TOO_LARGE", `decoded, it has more than ${maxBytes} bytes`);
  const latin1 = Buffer.from('{"a":"\u00e9"}', "latin1");
  const text = (decoded: Uint8Array) => Buffer.from(decoded).toString("utf8");

  test.each([
    ["gzip", gzipSync],
    ["x-gzip", gzipSync],
    [" GZip , Identity", gzipSync],
    ["deflate", deflateSync],
    ["deflate", deflateRawSync],
    ["br", brotliCompressSync],
    ["zstd", zstdCompressSync],
  ])("A body in the coding %j is decoded up to the limit", (coding, compress) => {
    const bytes = compress("{}".repeat(50));
    expect(text(decodeBody(bytes, coded(coding), 100))).toBe("{}".repeat(50));
    expect(() => decodeBody(bytes, coded(coding), 99)).toThrow(refused(99));
  });

  test("gzip is undone without a header, and not with the header of another coding", () => {
    const zipped = gzipSync("{}");
    expect(text(decodeBody(zipped, {}, 100))).toBe("{}");
    expect(text(decodeBody(zipped, coded(" , identity"), 100))).toBe("{}");
    expect(decodeBody(zipped, coded("br"), 100)).toBe(zipped);
    expect(decodeBody(zipped, coded("constructor"), 100)).toBe(zipped);
  });

  test("Of two codings the last one is undone first", () => {
    const twice = brotliCompressSync(gzipSync("{}"));
    expect(text(decodeBody(twice, coded("gzip, br"), 100))).toBe("{}");
    expect(decodeBody(twice, coded("br, gzip"), 100)).not.toEqual(Buffer.from("{}"));
  });

  test.each([
    ["UTF-16 with a mark", [0xff, 0xfe, 0x7b, 0, 0x7d, 0]],
    ["UTF-16 with a mark in the other order", [0xfe, 0xff, 0, 0x7b, 0, 0x7d]],
    ["UTF-16", [0x7b, 0, 0x7d, 0]],
    ["UTF-16 in the other order", [0, 0x7b, 0, 0x7d]],
  ])("A body in %s becomes UTF-8 without a mark", (_, bytes) => {
    expect(text(decodeBody(Buffer.from(bytes), typed("utf-8"), 100))).toBe("{}");
  });

  test.each([
    [0xff, 0x41],
    [0xfe, 0x41],
    [0x7b, 0x22],
    [0x00, 0x41],
    [0x41, 0xfe],
    [0x41, 0xff],
    [0x41, 0x00],
    [0x41, 0x7b],
  ])("A body that begins with %d and %d is no UTF-16 and stays as it is", (first, second) => {
    const bytes = Buffer.from([first, second]);
    expect(decodeBody(bytes, {}, 100)).toBe(bytes);
  });

  test.each([
    "application/json; charset=ISO-8859-1",
    'application/json;charset="iso-8859-1"',
    "application/json ; Charset = latin1; x=y",
  ])("A body of the content type %s becomes UTF-8", (contentType) => {
    expect(text(decodeBody(latin1, { "content-type": contentType }, 100))).toBe('{"a":"\u00e9"}');
  });

  test.each([
    "",
    "application/json",
    "application/json; charset=",
    "application/json; charset=utf-8",
    "application/json; charset=klingon",
    "application/x-charset=latin1",
  ])("A body that is no UTF-8 stays as it is with the content type %j", (contentType) => {
    expect(decodeBody(latin1, { "content-type": contentType }, 100)).toBe(latin1);
  });

  test("A body that is not of the charset by which it begins stays as it is", () => {
    const halfOfAPair = Buffer.from([0xff, 0xfe, 0x00, 0xdc, 0x41, 0x00]);
    expect(decodeBody(halfOfAPair, {}, 100)).toBe(halfOfAPair);
  });

  test("A body in another charset has the limit after it has become UTF-8", () => {
    const utf16 = Buffer.from('{"a":"\u20ac"}', "utf16le");
    expect(text(decodeBody(utf16, {}, 11))).toBe('{"a":"\u20ac"}');
    expect(() => decodeBody(utf16, {}, 10)).toThrow(refused(10));
  });
});
