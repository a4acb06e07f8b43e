import { hmacHex } from "../../../shared/providers/we-link/hash.ts";
import { SECRET } from "../fakes/ingest-core.ts";

/** A webhook that is made to be slow to read, and the status that it is answered with. */
export interface HostileBody {
  name: string;
  body: string | Uint8Array;
  status: number;
  /** Of the answer; absent if the webhook is accepted. */
  code?: string;
  headers?: Record<string, string>;
}

const keys = (count: number) => Array.from({ length: count }, (_, n) => `"k${n}":1`).join(",");
const text = (more: string) => `{"status":"SUCCESS","request_id":"A14",${more}}`;
const fill = (piece: string, bytes = 239_000) => piece.repeat(Math.floor(bytes / piece.length));
const withHash = (body: string, hash: string) => `${body.slice(0, -1)},"hash":"${hash}"}`;
const signed = (more: string) => withHash(text(more), hmacHex(SECRET, text(more)));
const forged = (more: string) => withHash(text(more), "0".repeat(64));
const manyHeaders = Object.fromEntries(Array.from({ length: 10_000 }, (_, n) => [`h${n}`, "v"]));

export const hostileBodies: readonly HostileBody[] = [
  { name: "60,000 keys", body: signed(keys(60_000)), status: 413, code: "BODY_TOO_LARGE" },
  { name: "as many keys as the limit lets in", body: signed(keys(21_000)), status: 200 },
  {
    name: "as many keys, forged",
    body: forged(keys(21_000)),
    status: 401,
    code: "SIGNATURE_REJECTED",
  },
  { name: "6 MB", body: Buffer.alloc(6_000_000, 0x5b), status: 413, code: "BODY_TOO_LARGE" },
  { name: "10,000 headers", body: signed('"a":1'), status: 200, headers: manyHeaders },
  { name: "opening brackets", body: fill("["), status: 400, code: "BODY_TOO_DEEP" },
  {
    name: "backslashes",
    body: forged(`"a":"${fill("\\\\")}"`),
    status: 401,
    code: "SIGNATURE_REJECTED",
  },
  {
    name: "one-member objects",
    body: forged(`"a":[${fill('{"a":1},', 230_000)}{}]`),
    status: 401,
    code: "SIGNATURE_REJECTED",
  },
  {
    name: "inexact numbers",
    body: forged(`"a":[${fill("1.0e1,", 230_000)}1]`),
    status: 401,
    code: "SIGNATURE_REJECTED",
  },
  { name: "digits", body: forged(`"a":${fill("9")}`), status: 401, code: "SIGNATURE_REJECTED" },
  {
    name: "characters that Python escapes",
    body: forged(`"a":"${fill("\u00fc", 110_000)}"`),
    status: 401,
    code: "SIGNATURE_REJECTED",
  },
  {
    name: "characters and numbers that every encoder writes differently",
    body: forged(
      `"z":"${fill("/<>&'=+`\\u0001\u0085\u2028\u00e9", 110_000)}","a":[${fill("1e-7,", 60_000)}1.5]`,
    ),
    status: 401,
    code: "SIGNATURE_REJECTED",
  },
  {
    name: "escapes",
    body: forged(`"a":"${fill("\\u00e9\\/", 230_000)}"`),
    status: 401,
    code: "SIGNATURE_REJECTED",
  },
  {
    name: "hash members",
    body: forged(fill('"hash":"0",', 230_000).slice(0, -1)),
    status: 401,
    code: "SIGNATURE_REJECTED",
  },
  {
    name: "a token of dots",
    body: withHash(text('"a":1'), fill(".")),
    status: 401,
    code: "SIGNATURE_REJECTED",
  },
];
