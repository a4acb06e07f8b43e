import {
  asciiJsonString,
  digitsOf,
  fixed,
  type JsonStyle,
  readJsonTree,
  writeJsonTree,
} from "./json-tree.ts";

/**
 * Returns what PHP's `json_encode(json_decode($text, true))` returns, with PHP's default
 * `serialize_precision` of -1: `/` is escaped, only ASCII is written, an empty object is `[]`, and
 * an object with the names 0, 1, 2 … in order is a list.
 *
 * @param text valid JSON. A text that PHP cannot decode and encode, because of a half of a
 *   surrogate pair or a number beyond its range, is returned as PHP would if it could
 */
export function phpJson(text: string): string {
  return writeJsonTree(readJsonTree(text), style);
}

const string = (value: string) =>
  asciiJsonString(value, { escapesDelete: false }).replaceAll("/", "\\/");

const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

/** Integers beyond 64 bits are floats. */
function number(source: string): string {
  if (/^-?\d+$/.test(source)) {
    const integer = BigInt(source);
    if (integer >= INT64_MIN && integer <= INT64_MAX) return String(integer);
  }
  return float(Number(source));
}

/** As `%.17H` with the shortest digits: fixed from 1e-4 to below 1e17. */
function float(value: number): string {
  const parts = digitsOf(value);
  const { sign, digits, point } = parts;
  if (point > -4 && point <= 17) return fixed(parts);
  const exponent = point - 1;
  const power = `${exponent < 0 ? "-" : "+"}${Math.abs(exponent)}`;
  return `${sign}${digits[0]}.${digits.slice(1) || "0"}e${power}`;
}

const style: JsonStyle = {
  comma: ",",
  colon: ":",
  string,
  number,
  isList: (names) => names.every((name, index) => name === String(index)),
};
