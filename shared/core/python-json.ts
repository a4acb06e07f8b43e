import { isObject } from "./json.ts";

/** As Python's `json.dumps` writes it by default: spaces behind `,` and `:`, all but ASCII escaped. */
export function pythonJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(pythonJson).join(", ")}]`;
  if (isObject(value)) {
    const members = Object.entries(value);
    return `{${members.map(([key, of]) => `${pythonJson(key)}: ${pythonJson(of)}`).join(", ")}}`;
  }
  const text = JSON.stringify(value);
  return typeof value === "string" ? text.replace(/[^ -~]/g, escaped) : text;
}

/** Surrogates one by one, as Python does: the expression above has no `u` flag. */
function escaped(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
