import { Failure } from "../../contracts/failures.ts";
import { limits } from "../../contracts/limits.ts";
import { describeJsonError } from "./json-error.ts";

export type JsonObject = { [key: string]: unknown };

/** JSON that was parsed without losing a digit. */
export interface ParsedJson<Value = JsonObject> {
  text: string;
  value: Value;
  /** True when a number is text in `value`, because it is beyond int64 or infinite. */
  numbersAsText: boolean;
}

declare global {
  interface JSON {
    /** A value that `JSON.stringify` writes as exactly this text. */
    rawJSON(text: string): unknown;
    isRawJSON(value: unknown): value is { readonly rawJSON: string };
  }
}

/**
 * `forBus`: a number that consumers of the bus cannot represent (beyond int64 or
 * infinite) becomes text. `exact`: every number keeps its digits.
 */
type Numbers = "forBus" | "exact";

/** Leaves out a byte order mark, as https://www.rfc-editor.org/rfc/rfc8259#section-8.1 allows. */
const utf8 = new TextDecoder("utf-8", { fatal: true });
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

/**
 * Parses bytes as a JSON object. Numbers that JavaScript would change (`1.0`,
 * integers beyond 2^53) keep their digits.
 *
 * @throws BODY_NOT_UTF8, BODY_TOO_DEEP, BODY_NOT_JSON
 */
export function parseJsonObject(
  bytes: Uint8Array,
  numbers: Numbers = "forBus",
  maxDepth: number = limits.maxJsonDepth,
): ParsedJson {
  const { value, ...parsed } = parseJson(bytes, numbers, maxDepth);
  if (!isObject(value)) {
    throw new Failure("BODY_NOT_JSON", "the body must be a JSON object at the top");
  }
  return { ...parsed, value };
}

/** Parses bytes as any JSON value, like `parseJsonObject`. @throws BODY_NOT_UTF8, BODY_TOO_DEEP, BODY_NOT_JSON */
export function parseJson(
  bytes: Uint8Array,
  numbers: Numbers = "forBus",
  maxDepth: number = limits.maxJsonDepth,
): ParsedJson<unknown> {
  const text = decodeUtf8(bytes);
  if (nestsDeeperThan(text, maxDepth)) {
    throw new Failure("BODY_TOO_DEEP", `the body is nested more than ${maxDepth} deep`);
  }
  return { text, ...parseLossless(text, numbers) };
}

export function isObject(value: unknown): value is JsonObject {
  return (
    typeof value === "object" && value !== null && !Array.isArray(value) && !JSON.isRawJSON(value)
  );
}

/**
 * Returns the value's text with sorted keys: equal for texts that differ in order and spaces only.
 *
 * @param numbers `byValue`: equal also for texts that write the same numbers differently
 */
export function canonicalJson(
  value: unknown,
  numbers: "asWritten" | "byValue" = "asWritten",
): string {
  if (Array.isArray(value))
    return `[${value.map((item) => canonicalJson(item, numbers)).join(",")}]`;
  if (!isObject(value)) return canonicalScalar(value, numbers);
  const members = Object.keys(value)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key], numbers)}`);
  return `{${members.join(",")}}`;
}

function canonicalScalar(value: unknown, numbers: "asWritten" | "byValue"): string {
  const text = JSON.stringify(value);
  const isNumber = typeof value === "number" || JSON.isRawJSON(value);
  return isNumber && numbers === "byValue" ? canonicalNumber(text) : text;
}

/** `3.0e2`, `300` and `300.00` are `3e2`: the digits without zeros at their ends, and the power of ten. */
function canonicalNumber(text: string): string {
  const [, sign = "", whole = "", fraction = "", exponent = "0"] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([-+]?\d+))?$/.exec(text) ?? [];
  const digits = `${whole}${fraction}`.replace(/^0+/, "");
  if (digits === "") return "0";
  const significant = withoutTrailingZeros(digits);
  const power = BigInt(exponent) + BigInt(digits.length - significant.length - fraction.length);
  return `${sign}${significant}e${power}`;
}

/**
 * The digits without the zeros at their end, in linear time: the expression `/0+$/` begins again
 * at each zero of a run that something follows.
 */
export function withoutTrailingZeros(digits: string): string {
  let length = digits.length;
  while (digits[length - 1] === "0") length--;
  return digits.slice(0, length);
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new Failure("BODY_NOT_UTF8", `the body ${describeEncoding(bytes)}`, { cause });
  }
}

const encodings: readonly (readonly [start: readonly number[], description: string])[] = [
  [[0x1f, 0x8b], "is compressed (gzip): send it without content-encoding"],
  [[0x28, 0xb5, 0x2f, 0xfd], "is compressed (zstd): send it without content-encoding"],
  [[0xff, 0xfe], "is UTF-16: send UTF-8"],
  [[0xfe, 0xff], "is UTF-16: send UTF-8"],
];

/** Says which encoding bytes that are not UTF-8 have, where their start tells. */
function describeEncoding(bytes: Uint8Array): string {
  const [, known] = encodings.find(([start]) => start.every((byte, n) => bytes[n] === byte)) ?? [];
  return known ?? `is not valid UTF-8 (${bytes.byteLength} bytes)`;
}

/** Counts brackets outside strings without recursion, in linear time for any input. */
function nestsDeeperThan(text: string, limit: number): boolean {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (inString) {
      if (char === 0x5c) at++;
      else if (char === 0x22) inString = false;
    } else if (char === 0x22) inString = true;
    else if (char === 0x7b || char === 0x5b) {
      if (++depth > limit) return true;
    } else if (char === 0x7d || char === 0x5d) depth--;
  }
  return false;
}

/**
 * Finds numbers that need the exact parse, which is slower. The characters
 * around a number keep the digits in a hex signature or a time from matching.
 */
const inexactNumberPattern = /(?:^|[:,[])\s*(?:-0|-?\d{16}|-?\d+[.eE][-+.eE\d]*\s*(?:[,\]}]|$))/;

function parseLossless(text: string, numbers: Numbers): { value: unknown; numbersAsText: boolean } {
  let numbersAsText = false;
  const keepExact = (_key: string, value: unknown, context: { source?: string }): unknown => {
    if (typeof value !== "number" || context.source === undefined) return value;
    if (String(value) === context.source && isPlain(value)) return value;
    if (numbers === "exact" || isCarriedByBus(value, context.source))
      return JSON.rawJSON(context.source);
    numbersAsText = true;
    return context.source;
  };
  try {
    const value: unknown = inexactNumberPattern.test(text)
      ? JSON.parse(text, keepExact as (key: string, value: unknown) => unknown)
      : JSON.parse(text);
    return { value, numbersAsText };
  } catch (cause) {
    const problem = describeJsonError(text) ?? "is not JSON";
    throw new Failure("BODY_NOT_JSON", `the body ${problem}`, { cause });
  }
}

function isPlain(value: number): boolean {
  return Number.isSafeInteger(value) || !Number.isInteger(value);
}

function isCarriedByBus(value: number, source: string): boolean {
  if (!Number.isFinite(value)) return false;
  // `1e19` is an integer too.
  if (!Number.isInteger(value) || isPlain(value)) return true;
  const integer = /^-?\d+$/.test(source) ? BigInt(source) : BigInt(value);
  return integer >= INT64_MIN && integer <= INT64_MAX;
}
