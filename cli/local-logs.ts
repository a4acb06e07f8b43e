import { readFileSync } from "node:fs";

/** A line of a function in the log of a local run. */
interface LogLine {
  /** As the line was written. */
  text: string;
  /** Its members; absent when it is no JSON. */
  json: Record<string, unknown> | undefined;
}

type Condition = (json: Readonly<Record<string, unknown>>) => boolean;

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

/**
 * Reads conditions on members, such as `{ $.code = "X" && $.n > 1 || $.code = "Y" }`. `&&` binds
 * more tightly than `||`.
 *
 * @throws Error for another form
 */
function readPattern(pattern: string): Condition {
  const inner = /^\{(.*)\}$/.exec(pattern.trim())?.[1] ?? "";
  const alternatives = inner.split("||").map((text) => text.split("&&").map(readCondition));
  return (json) => alternatives.some((all) => all.every((holds) => holds(json)));
}

/** Reads one condition; a `*` at the end of a text matches any rest. */
function readCondition(text: string): Condition {
  const found = /^\s*\$\.(\w+)\s*(=|!=|<=|>=|<|>)\s*("[^"]*"|-?\d+(?:\.\d+)?)\s*$/.exec(text);
  if (!found) {
    throw new Error(`the local run reads patterns such as { $.code = "X" && $.n > 1 }: ${text}`);
  }
  const [, member = "", operator = "", value = ""] = found;
  const compare = comparisons[operator];
  if (compare) return (json) => compare(Number(json[member] ?? Number.NaN), Number(value));
  const expected = value.replace(/^"|"$/g, "");
  const start = expected.endsWith("*") ? expected.slice(0, -1) : undefined;
  return (json) => {
    const actual = String(json[member] ?? "");
    const isEqual = start === undefined ? actual === expected : actual.startsWith(start);
    return isEqual === (operator === "=");
  };
}

/** None holds for a member that is missing or is no number. */
const comparisons: Readonly<Record<string, (one: number, other: number) => boolean>> = {
  "<": (one, other) => one < other,
  "<=": (one, other) => one <= other,
  ">": (one, other) => one > other,
  ">=": (one, other) => one >= other,
};

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
