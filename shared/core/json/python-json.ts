import { isObject } from "./json.ts";

/** Formats a value like Python's `json.dumps`: a space after `,` and `:`, and only ASCII. */
export function pythonJson(value: unknown): string {
  if (typeof value === "string") return pythonString(value);
  if (Array.isArray(value)) return `[${value.map(pythonJson).join(", ")}]`;
  if (!isObject(value)) return JSON.stringify(value);
  const members = Object.keys(value).map(
    (key) => `${pythonString(key)}: ${pythonJson(value[key])}`,
  );
  return `{${members.join(", ")}}`;
}

const needsNoEscape = /^[ !#-[\]-~]*$/;

function pythonString(value: string): string {
  if (needsNoEscape.test(value)) return `"${value}"`;
  return JSON.stringify(value).replace(/[^ -~]/g, escaped);
}

/** Escapes each surrogate by itself, as Python does: the expression has no `u` flag. */
function escaped(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
