import {
  brotliCompressSync,
  deflateRawSync,
  deflateSync,
  gzipSync,
  zstdCompressSync,
} from "node:zlib";
import { describe, expect, test } from "vitest";
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
