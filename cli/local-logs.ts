import { readFileSync } from "node:fs";

/** A line of a function in the log of a local run. */
interface LogLine {
  /** As the line was written. */
  text: string;
  /** Its members; absent when it is no JSON. */
  json: Record<string, unknown> | undefined;
}

/**
 * Reads the log of the local run of this folder, as CloudWatch Logs and its metrics are read of a
 * deployed stack.
 */
export function openLocalLogs(file = ".ackwire/functions.log") {
  /** @param name of the function with a capital, as in its resources: `Consume` */
  function linesOf(name: string): LogLine[] {
    return readFileSync(file, "utf8")
      .split("\n")
      .flatMap((line) => {
        const found = /^(\S+) Ackwire([A-Za-z]+?)Function[0-9A-F]* (.*)$/.exec(line);
        return found?.[2] === name ? [{ text: line, json: jsonIn(found[3] ?? "") }] : [];
      });
  }

  return {
    /** The lines of a function that match a filter pattern of CloudWatch Logs. @throws Error for an unsupported one */
    matching(name: string, pattern: string): string {
      const matches = readPattern(pattern);
      return linesOf(name)
        .filter(({ json }) => json !== undefined && matches(json))
        .map(({ text }) => text)
        .join("\n");
    },
    /** How much a function has counted of a metric since the run began. */
    counted(name: string, metric: string): number {
      return linesOf(name)
        .filter(({ json }) => json !== undefined && "_aws" in json && metric in json)
        .flatMap(({ json }) => [json?.[metric]].flat())
        .reduce<number>((sum, value) => sum + Number(value), 0);
    },
  };
}

/** Reads conditions on members that all must hold: `{ $.code = "X" && $.status != 401 }`; a `*` at the end of a text matches any rest. */
function readPattern(pattern: string): (json: Record<string, unknown>) => boolean {
  const inner = /^\{(.*)\}$/.exec(pattern.trim())?.[1];
  const conditions = (inner ?? "").split("&&").map((text) => {
    const found = /^\s*\$\.(\w+)\s*(=|!=)\s*("[^"]*"|-?\d+(?:\.\d+)?)\s*$/.exec(text);
    if (!found) {
      throw new Error(`the local run reads patterns such as { $.code = "X" && $.n = 1 }: ${text}`);
    }
    const [, member = "", operator, value = ""] = found;
    const expected = value.replace(/^"|"$/g, "");
    const start = expected.endsWith("*") ? expected.slice(0, -1) : undefined;
    return (json: Record<string, unknown>) => {
      const actual = String(json[member] ?? "");
      const isEqual = start === undefined ? actual === expected : actual.startsWith(start);
      return isEqual === (operator === "=");
    };
  });
  return (json) => conditions.every((holds) => holds(json));
}

function jsonIn(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
