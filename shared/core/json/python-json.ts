import { isObject } from "./json.ts";

/** As Python's `json.dumps` writes it by default: spaces behind `,` and `:`, all but ASCII escaped. */
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

/** Surrogates one by one, as Python does: the expression above has no `u` flag. */
function escaped(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
