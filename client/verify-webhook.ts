import { createHmac, timingSafeEqual } from "node:crypto";
import type { WebhookEvent } from "./webhook-events.ts";

export {
  type WebhookEvent,
  type WebhookEventType,
  webhookEventTypes,
} from "./webhook-events.ts";

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

type HeaderValues = Headers | Readonly<Record<string, string | readonly string[] | undefined>>;

/**
 * Verifies that Ackwire sent a webhook, and when, and returns its event. Compares every
 * signature with every secret, in constant time.
 *
 * Implements Standard Webhooks (https://www.standardwebhooks.com). A webhook in the format
 * `we-link` is verified too; the returned value is then the We-Link payload.
 *
 * @param body the received bytes, or their text; JSON that was parsed and serialised again
 *   has other bytes
 * @param headers names in any case; `svix-*` is accepted instead of `webhook-*`
 * @param secrets `whsec_…`; during a rotation both the new and the old one
 * @param options.toleranceSeconds maximum difference between the two clocks, in either
 *   direction; default 300
 * @param options.integers how integers beyond 2^53 are returned: `number` (default) rounds them,
 *   `bigint` and `string` keep every digit. Smaller integers and fractions are always numbers
 * @param options.nowMs current time in epoch milliseconds, for tests
 * @throws WebhookVerificationError with the reason as its `code`
 */
export function verifyWebhook(
  body: string | Uint8Array,
  headers: HeaderValues,
  secrets: string | readonly string[],
  options: { toleranceSeconds?: number; integers?: IntegerForm; nowMs?: number } = {},
): WebhookEvent {
  const keys = [secrets].flat().map(keyOf);
  if (keys.length === 0) throw secretInvalid("none was passed");
  const { id, timestamp, signature } = signedHeaders(headers);
  if (typeof body !== "string" && !(body instanceof Uint8Array)) {
    throw new WebhookVerificationError(
      "BODY_NOT_RAW",
      "The body is already parsed: pass the received bytes, or their text",
    );
  }
  const bytes = typeof body === "string" ? Buffer.from(body, "utf8") : body;
  const expected = keys.map((key) =>
    createHmac("sha256", key).update(`${id}.${timestamp}.`).update(bytes).digest("base64"),
  );
  checkTimestamp(timestamp, options);
  if (!isSigned(signature, expected)) {
    throw new WebhookVerificationError(
      "SIGNATURE_MISMATCH",
      "No signature matches a secret: pass the received bytes of the body, not JSON that was serialised again, and the secret of this webhook (after a rotation, also the new one)",
    );
  }
  return eventIn(bytes, options.integers ?? "number");
}

const names = ["id", "timestamp", "signature"] as const;

type SignedHeaders = Record<(typeof names)[number], string>;

function signedHeaders(headers: HeaderValues): SignedHeaders {
  const given = new Map(
    (headers instanceof Headers ? [...headers] : Object.entries(headers)).map(([name, value]) => [
      name.toLowerCase(),
      [value ?? ""].flat().join(" "),
    ]),
  );
  const read = (prefix: string) =>
    Object.fromEntries(
      names.map((name) => [name, given.get(`${prefix}-${name}`) ?? ""]),
    ) as SignedHeaders;
  const found = ["webhook", "svix"].map(read).find((one) => names.every((name) => one[name]));
  if (found) return found;
  const missing = names.filter((name) => !given.get(`webhook-${name}`));
  throw new WebhookVerificationError(
    "HEADERS_MISSING",
    `Missing headers: ${missing.map((name) => `webhook-${name}`).join(", ")}. Pass all headers of the request, and check that no proxy removes them`,
  );
}

/** Standard Webhooks requires 24 to 64 bytes; the secrets of Ackwire have 32. */
const MIN_KEY_BYTES = 24;

function keyOf(secret: string): Buffer {
  if (typeof secret !== "string") throw secretInvalid("it is not a string");
  const base64 = secret.trim().replace(/^whsec_/, "");
  const key = Buffer.from(base64, "base64");
  // Buffer ignores characters that are not Base64, and would return another key.
  if (key.length === 0 || unpadded(key.toString("base64")) !== unpadded(base64)) {
    throw secretInvalid("it is not whsec_ followed by Base64");
  }
  if (key.length < MIN_KEY_BYTES) throw secretInvalid("it is too short");
  return key;
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
  const [one, other] = [Buffer.from(given), Buffer.from(expected)];
  return one.length === other.length && timingSafeEqual(one, other);
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

/** Returns a text that occurs in no string of the value. */
function unusedMark(value: unknown): string {
  const used = JSON.stringify(value);
  let mark = "#";
  while (used.includes(mark)) mark += "#";
  return mark;
}
