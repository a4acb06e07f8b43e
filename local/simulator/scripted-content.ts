import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { isObject, type JsonObject } from "../../shared/core/json/json.ts";
import type { ScriptedContent } from "./script.ts";

/** Values that take the place of `{requestId}`, `{accountId}` and `{now}` in a body. */
export interface Placeholders {
  requestId?: string;
  accountId?: string;
  now: string;
}

/** A body of a script: a JSON value, or text or bytes to be sent as they are. */
export type ScriptedBody =
  | { kind: "json"; value: unknown }
  | { kind: "text"; text: string }
  | { kind: "bytes"; base64: string };

/** Returns the body that a script asks for, given the simulator's own. */
export function scriptedBody(
  { body, patch, bodyBase64 }: ScriptedContent,
  own: unknown,
  placeholders: Placeholders,
): ScriptedBody {
  if (bodyBase64 !== undefined) return { kind: "bytes", base64: bodyBase64 };
  if (typeof body === "string") return { kind: "text", text: fillIn(body, placeholders) };
  const replaced = body === undefined ? own : body;
  const value = patch === undefined ? replaced : merged(own, patch);
  return { kind: "json", value: filledIn(value, placeholders) };
}

export function bytesOf(body: ScriptedBody): Buffer {
  if (body.kind === "bytes") return Buffer.from(body.base64, "base64");
  return Buffer.from(body.kind === "text" ? body.text : JSON.stringify(body.value));
}

/** Adds the byte order mark and compresses, as the script asks. */
export function encoded(bytes: Buffer, { bom, encoding }: ScriptedContent): Buffer {
  const whole = bom ? Buffer.concat([BYTE_ORDER_MARK, bytes]) : bytes;
  return encoding === undefined ? whole : compress[encoding](whole);
}

/** Returns the headers of a script with lower-case names, with its `content-encoding`. */
export function headersOf({ headers = {}, encoding }: ScriptedContent) {
  const given = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
  const own = encoding === undefined ? {} : { "content-encoding": encoding };
  return { ...own, ...Object.fromEntries(given) } as Record<string, string | string[]>;
}

const BYTE_ORDER_MARK = Buffer.from("efbbbf", "hex");

const compress = { gzip: gzipSync, deflate: deflateSync, br: brotliCompressSync };

/** https://www.rfc-editor.org/rfc/rfc7396 */
function merged(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const result: JsonObject = isObject(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else result[name] = merged(result[name], value);
  }
  return result;
}

function filledIn(value: unknown, placeholders: Placeholders): unknown {
  if (typeof value === "string") return fillIn(value, placeholders);
  if (Array.isArray(value)) return value.map((item) => filledIn(item, placeholders));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, filledIn(item, placeholders)]),
  );
}

function fillIn(text: string, placeholders: Placeholders): string {
  return text.replaceAll(
    /\{(requestId|accountId|now)\}/g,
    (whole, name: keyof Placeholders) => placeholders[name] ?? whole,
  );
}
