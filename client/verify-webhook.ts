import type { WebhookEvent } from "./webhook-events.ts";

export type WebhookVerificationCode =
  | "HEADERS_MISSING"
  | "TIMESTAMP_INVALID"
  | "TIMESTAMP_TOO_OLD"
  | "TIMESTAMP_TOO_NEW"
  | "SIGNATURE_MISMATCH"
  | "BODY_NOT_RAW"
  | "BODY_NOT_JSON"
  | "SECRET_INVALID";

/** The webhook is not verified: do not process it, and answer 400. `SECRET_INVALID` is a configuration error of yours. */
export class WebhookVerificationError extends Error {
  override readonly name = "WebhookVerificationError";
  readonly code: WebhookVerificationCode;

  constructor(code: WebhookVerificationCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** How an integer is returned that a JavaScript number cannot represent. */
export type IntegerForm = "number" | "bigint" | "string";

/** `Headers` of any runtime, `headers` of a Node request, or a plain object. */
export type WebhookHeaders =
  | { get(name: string): string | null | undefined }
  | Readonly<Record<string, string | readonly string[] | undefined>>;

export interface VerifyOptions {
  /** Maximum difference between the two clocks, in either direction. Default 300. */
  toleranceSeconds?: number;
  /**
   * How integers beyond 2^53 are returned: `number` (default) rounds them, `bigint` and `string`
   * keep every digit. Smaller integers and fractions are always numbers.
   */
  integers?: IntegerForm;
  /** Current time in epoch milliseconds, for tests. */
  nowMs?: number;
}

/**
 * Verifies that Ackwire sent a webhook, and when, and returns its event. Compares every
 * signature with every secret, in constant time. Uses WebCrypto, which is why it is
 * asynchronous: await it before you use the body.
 *
 * Implements Standard Webhooks (https://www.standardwebhooks.com). A webhook in the format
 * `we-link` is verified too; the returned value is then the We-Link payload.
 *
 * @param body the received bytes, or their text; JSON that was parsed and serialised again
 *   has other bytes
 * @param headers names in any case; `svix-*` is accepted instead of `webhook-*`
 * @param secrets `whsec_…`, for example from an environment variable; during a rotation a list
 *   of the new and the old one, in which `undefined` is skipped
 * @throws WebhookVerificationError with the reason as its `code`; `SECRET_INVALID` if there is
 *   no secret
 */
export async function verifyWebhook(
  body: string | Uint8Array | ArrayBuffer,
  headers: WebhookHeaders,
  secrets: string | undefined | readonly (string | undefined)[],
  options: VerifyOptions = {},
): Promise<WebhookEvent> {
  const keys = [secrets]
    .flat()
    .filter((one) => one !== undefined)
    .map(keyOf);
  if (keys.length === 0) {
    throw secretInvalid("none was passed (is the environment variable set?)");
  }
  const { id, timestamp, signature } = signedHeaders(headers);
  const bytes = bytesOf(body);
  const signed = joined(new TextEncoder().encode(`${id}.${timestamp}.`), bytes);
  const expected = await Promise.all(keys.map((key) => signatureOf(key, signed)));
  checkTimestamp(timestamp, options);
  if (!isSigned(signature, expected)) {
    throw new WebhookVerificationError(
      "SIGNATURE_MISMATCH",
      "No signature matches a secret: pass the received bytes of the body, not JSON that was serialised again, and the secret of this webhook (after a rotation, also the new one)",
    );
  }
  return eventIn(bytes, options.integers ?? "number");
}

function bytesOf(body: unknown): Uint8Array<ArrayBufferLike> {
  if (typeof body === "string") return new TextEncoder().encode(body);
  if (body instanceof Uint8Array) return body;
  // Of another realm too, such as that of a test runner.
  if (Object.prototype.toString.call(body) === "[object ArrayBuffer]") {
    return new Uint8Array(body as ArrayBuffer);
  }
  if (ArrayBuffer.isView(body)) {
    return new Uint8Array(body.buffer, body.byteOffset, body.byteLength);
  }
  throw new WebhookVerificationError(
    "BODY_NOT_RAW",
    "The body is already parsed: pass the received bytes, or their text",
  );
}

function joined(one: Uint8Array, other: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(one.length + other.length);
  both.set(one);
  both.set(other, one.length);
  return both;
}

async function signatureOf(
  key: Uint8Array<ArrayBuffer>,
  signed: Uint8Array<ArrayBuffer>,
): Promise<string> {
  const { subtle } = globalThis.crypto;
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const imported = await subtle.importKey("raw", key, algorithm, false, ["sign"]);
  return base64Of(new Uint8Array(await subtle.sign("HMAC", imported, signed)));
}

function base64Of(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

const names = ["id", "timestamp", "signature"] as const;

type SignedHeaders = Record<(typeof names)[number], string>;

function signedHeaders(headers: WebhookHeaders): SignedHeaders {
  const given = readerOf(headers);
  const read = (prefix: string) =>
    Object.fromEntries(names.map((name) => [name, given(`${prefix}-${name}`)])) as SignedHeaders;
  const found = ["webhook", "svix"].map(read).find((one) => names.every((name) => one[name]));
  if (found) return found;
  const missing = names.filter((name) => !given(`webhook-${name}`));
  throw new WebhookVerificationError(
    "HEADERS_MISSING",
    `Missing headers: ${missing.map((name) => `webhook-${name}`).join(", ")}. Pass all headers of the request, and check that no proxy removes them`,
  );
}

/** Returns a function that reads a header by its name in lower case. */
function readerOf(headers: WebhookHeaders): (name: string) => string {
  // Not `instanceof Headers`: a framework may bring its own class.
  if (typeof headers.get === "function") {
    const { get } = headers;
    return (name) => get.call(headers, name) ?? "";
  }
  const given = new Map(
    Object.entries(headers).map(([name, value]) => [
      name.toLowerCase(),
      [value ?? ""].flat().join(" "),
    ]),
  );
  return (name) => given.get(name) ?? "";
}

/** Standard Webhooks requires 24 to 64 bytes; the secrets of Ackwire have 32. */
const MIN_KEY_BYTES = 24;

function keyOf(secret: string): Uint8Array<ArrayBuffer> {
  if (typeof secret !== "string") throw secretInvalid("it is not a string");
  const base64 = secret.trim().replace(/^whsec_/, "");
  const key = decoded(base64);
  // The decoder ignores white space and surplus bits, and would return another key.
  if (!key || key.length === 0 || unpadded(base64Of(key)) !== unpadded(base64)) {
    throw secretInvalid("it is not whsec_ followed by Base64");
  }
  if (key.length < MIN_KEY_BYTES) throw secretInvalid("it is too short");
  return key;
}

function decoded(base64: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  } catch {
    return undefined;
  }
}

function unpadded(base64: string): string {
  return base64.replace(/=+$/, "");
}

function secretInvalid(why: string): WebhookVerificationError {
  return new WebhookVerificationError(
    "SECRET_INVALID",
    `The secret cannot be used: ${why}. Pass the secret that was returned when the webhook was registered or its secret was rotated`,
  );
}

function checkTimestamp(
  timestamp: string,
  { toleranceSeconds = 300, nowMs = Date.now() }: { toleranceSeconds?: number; nowMs?: number },
): void {
  if (!/^\d{1,12}$/.test(timestamp)) {
    throw new WebhookVerificationError(
      "TIMESTAMP_INVALID",
      "webhook-timestamp is not a number of seconds: check whether a proxy changes it",
    );
  }
  const ageSeconds = Math.floor(nowMs / 1000) - Number(timestamp);
  if (Math.abs(ageSeconds) <= toleranceSeconds) return;
  const [code, how] =
    ageSeconds > 0
      ? (["TIMESTAMP_TOO_OLD", `${ageSeconds} s old`] as const)
      : (["TIMESTAMP_TOO_NEW", `${-ageSeconds} s ahead`] as const);
  throw new WebhookVerificationError(
    code,
    `The webhook is ${how}, and ${toleranceSeconds} s are allowed: check this machine's clock, and verify a webhook when it is received, not when it is taken from a queue`,
  );
}

/** Compares all pairs, so that the duration does not reveal which one matches. */
function isSigned(header: string, expected: readonly string[]): boolean {
  return header
    .split(" ")
    .flatMap((given) => expected.map((signature) => isEqual(given, `v1,${signature}`)))
    .includes(true);
}

function isEqual(given: string, expected: string): boolean {
  let difference = given.length ^ expected.length;
  for (let at = 0; at < expected.length; at += 1) {
    // NaN, behind the end of `given`, counts as 0: the lengths differ then.
    difference |= given.charCodeAt(at) ^ expected.charCodeAt(at);
  }
  return difference === 0;
}

function eventIn(bytes: Uint8Array, integers: IntegerForm): WebhookEvent {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      return (
        integers === "number" ? value : withExactIntegers(text, value, integers)
      ) as WebhookEvent;
    }
  } catch {
    // The parser's message would quote the body.
  }
  throw new WebhookVerificationError(
    "BODY_NOT_JSON",
    "The body is signed, but is not a JSON object: it is not an Ackwire webhook",
  );
}

/** A string, which is skipped, or a number. */
const stringOrNumber = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/** Parses valid JSON with each integer that a number cannot represent as a string or a bigint. */
function withExactIntegers(text: string, value: unknown, form: "bigint" | "string"): unknown {
  const mark = form === "string" ? "" : unusedMark(value);
  const marked = text.replace(stringOrNumber, (token) =>
    /^-?\d+$/.test(token) && !Number.isSafeInteger(Number(token)) ? `"${mark}${token}"` : token,
  );
  if (form === "string") return JSON.parse(marked);
  return JSON.parse(marked, (_key, member: unknown) =>
    typeof member === "string" && member.startsWith(mark)
      ? BigInt(member.slice(mark.length))
      : member,
  );
}

/**
 * Returns a text that occurs in no string of the value, and that nobody who writes these strings
 * can know: one that grew with them would make the time quadratic.
 */
function unusedMark(value: unknown): string {
  const used = JSON.stringify(value);
  for (;;) {
    const mark = `#${globalThis.crypto.randomUUID()}#`;
    if (!used.includes(mark)) return mark;
  }
}
