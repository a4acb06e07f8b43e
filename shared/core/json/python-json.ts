import {
  asciiJsonString,
  digitsOf,
  fixed,
  type JsonStyle,
  readJsonTree,
  writeJsonTree,
} from "./json-tree.ts";

/**
 * Returns what Python's `json.dumps(json.loads(text))` returns: a space after `,` and `:`, only
 * ASCII, fractions as Python writes them.
 *
 * @param text valid JSON
 */
export function pythonJson(text: string): string {
  return writeJsonTree(readJsonTree(text), style);
}

const string = (value: string) => asciiJsonString(value, { escapesDelete: true });

/** Python's integers have any number of digits; `-0` is one of them. */
function number(source: string): string {
  if (/^-?\d+$/.test(source)) return source === "-0" ? "0" : source;
  const value = Number(source);
  if (!Number.isFinite(value)) return value > 0 ? "Infinity" : "-Infinity";
  return float(value);
}

/** As `repr`: fixed from 1e-4 to below 1e16, and always with a point or an exponent. */
function float(value: number): string {
  const parts = digitsOf(value);
  const { sign, digits, point } = parts;
  if (point > -4 && point <= 16) {
    const text = fixed(parts);
    return text.includes(".") ? text : `${text}.0`;
  }
  const exponent = point - 1;
  const fraction = digits.length > 1 ? `.${digits.slice(1)}` : "";
  const power = String(Math.abs(exponent)).padStart(2, "0");
  return `${sign}${digits[0]}${fraction}e${exponent < 0 ? "-" : "+"}${power}`;
}

const style: JsonStyle = { comma: ", ", colon: ": ", string, number };
