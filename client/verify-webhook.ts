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

/** Do not act on this webhook: answer 400. Only `SECRET_INVALID` is a fault of your own set-up. */
export class WebhookVerificationError extends Error {
  override readonly name = "WebhookVerificationError";
  readonly code: WebhookVerificationCode;

  constructor(code: WebhookVerificationCode, message: string) {
    super(message);
    this.code = code;
  }
}

type HeaderValues = Headers | Readonly<Record<string, string | readonly string[] | undefined>>;

/**
 * The event that a webhook brings, once it is proven that Ackwire sent it, and
 * when. Every secret is held against every signature, in constant time.
 *
 * Checks the same as any library of https://www.standardwebhooks.com. A webhook
 * in the format `we-link` passes too: what is returned then is We-Link's payload.
 *
 * @param body as it came, before anything parsed it: JSON written anew has other bytes
 * @param headers in any case; `svix-*` does for `webhook-*`
 * @param secrets `whsec_…`; during a rotation the new one and the old one
 * @param options.toleranceSeconds how far the two clocks may differ, either way; 300 if absent
 * @param options.nowMs for tests
 * @throws WebhookVerificationError with a `code`
 */
export function verifyWebhook(
  body: string | Uint8Array,
  headers: HeaderValues,
  secrets: string | readonly string[],
  options: { toleranceSeconds?: number; nowMs?: number } = {},
): WebhookEvent {
  const keys = [secrets].flat().map(keyOf);
  if (keys.length === 0) throw secretInvalid("none was given");
  const { id, timestamp, signature } = signedHeaders(headers);
  if (typeof body !== "string" && !(body instanceof Uint8Array)) {
    throw new WebhookVerificationError(
      "BODY_NOT_RAW",
      "The body was parsed already: pass its bytes as they came, or their text",
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
      "No signature is by one of the secrets: pass the body's bytes as they came, not JSON written anew, and the secret of this webhook (after a rotation, the new one too)",
    );
  }
  return eventIn(bytes);
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
    `Not there: ${missing.map((name) => `webhook-${name}`).join(", ")}. Pass all headers of the request, and let no proxy take them away`,
  );
}

/** Standard Webhooks asks for 24 to 64 bytes; ours have 32. */
const MIN_KEY_BYTES = 24;

function keyOf(secret: string): Buffer {
  if (typeof secret !== "string") throw secretInvalid("it is not a text");
  const base64 = secret.trim().replace(/^whsec_/, "");
  const key = Buffer.from(base64, "base64");
  // Buffer skips what is not Base64, and would give another key.
  if (key.length === 0 || unpadded(key.toString("base64")) !== unpadded(base64)) {
    throw secretInvalid("it is not whsec_ and Base64");
  }
  if (key.length < MIN_KEY_BYTES) throw secretInvalid("it is too short to be one");
  return key;
}

function unpadded(base64: string): string {
  return base64.replace(/=+$/, "");
}

function secretInvalid(why: string): WebhookVerificationError {
  return new WebhookVerificationError(
    "SECRET_INVALID",
    `The secret cannot be used: ${why}. Pass it as it was shown when the webhook was set or its secret rotated`,
  );
}

function checkTimestamp(
  timestamp: string,
  { toleranceSeconds = 300, nowMs = Date.now() }: { toleranceSeconds?: number; nowMs?: number },
): void {
  if (!/^\d{1,12}$/.test(timestamp)) {
    throw new WebhookVerificationError(
      "TIMESTAMP_INVALID",
      "webhook-timestamp is not a number of seconds: something on the way has changed it",
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
    `The webhook is ${how}, and ${toleranceSeconds} s are allowed: set this machine's clock, and verify when a webhook comes, not when you take it from a queue`,
  );
}

/** No early end: the time that it takes does not tell which one was right. */
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

function eventIn(bytes: Uint8Array): WebhookEvent {
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      return value as WebhookEvent;
    }
  } catch {
    // Said below: the parser's own words would quote the body.
  }
  throw new WebhookVerificationError(
    "BODY_NOT_JSON",
    "The body is signed, but is not a JSON object: it is no webhook of Ackwire's",
  );
}
