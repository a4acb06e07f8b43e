import { describe, expect, test } from "vitest";
import { bodyRetentionDays } from "../../infra/retention.ts";
import { resolveSettings } from "../../infra/settings.ts";
import { limits } from "../../shared/contracts/limits.ts";
import { filesBelow, textOf } from "../support/tree.ts";

const settings = resolveSettings();
const known: Record<string, Readonly<Record<string, unknown>>> = {
  settings,
  limits,
  bodyRetentionDays: bodyRetentionDays(settings),
};

const millisecondsPer: Record<string, number> = {
  ms: 1,
  s: 1_000,
  min: 60_000,
  h: 3_600_000,
  days: 86_400_000,
};

const rows = textOf("docs/limits.md")
  .split("## AWS quotas")[0]
  ?.split("\n")
  .filter((line) => line.startsWith("| ") && !/^\| (-|Limit )/.test(line))
  .map((line) => {
    const [, limit = "", value = "", constant = ""] = line.split("|").map((cell) => cell.trim());
    return { limit, value, constant };
  });

/** Returns the numbers of a cell: "5 s; 2 h" in milliseconds, "64" and "512 bytes" unchanged. */
function valuesOf(cell: string): number[] {
  return cell.split(";").map((part) => {
    const [, digits = "", unit = ""] = /^([\d,]+)(?: (\w+))?$/.exec(part.trim()) ?? [];
    return Number(digits.replaceAll(",", "")) * (millisecondsPer[unit] ?? 1);
  });
}

/** Returns the values of the constants that a cell names, durations in milliseconds. */
function constantsOf(cell: string): number[] {
  const names = [...cell.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name);
  const [first = "", ...rest] = names;
  if (first.endsWith(".ts")) return rest.flatMap((name) => declared(first, name));
  return names.flatMap((name) => {
    const [source = "", member = ""] = name.split(".");
    const value = known[source]?.[member];
    const unit = source === "bodyRetentionDays" ? "Days" : member;
    return String(value)
      .split(",")
      .map((one) => inMs(unit, Number(one)));
  });
}

/** Returns the values of all declarations of the name; exactly one file may declare it. */
function declared(file: string, name: string): number[] {
  const declaration = new RegExp(
    `(?:const ${name} =|\\b${name}:) ([^;\\n]+?)(?: as const)?[;,]\\n`,
    "g",
  );
  const found = ["shared", "functions", "infra"]
    .flatMap((folder) => filesBelow(folder, `/${file}`.slice(1)))
    .filter((path) => path.endsWith(`/${file}`))
    .map((path) => [...textOf(path).matchAll(declaration)].map(([, value = ""]) => value))
    .filter((values) => values.length > 0);
  expect(found, `${name} in ${file}`).toHaveLength(1);
  return (found[0] ?? []).flatMap((text) => evaluated(name, text));
}

function evaluated(name: string, text: string): number[] {
  const duration = /^Duration\.(\w+)\(([\d_]+)\)$/.exec(text);
  if (duration) {
    const unit = { millis: "ms", seconds: "s", minutes: "min", hours: "h", days: "days" }[
      duration[1] ?? ""
    ];
    return [Number(duration[2]?.replaceAll("_", "")) * (millisecondsPer[unit ?? ""] ?? Number.NaN)];
  }
  return text
    .replace(/^\[|\]$/g, "")
    .split(",")
    .map((product) =>
      product
        .split("*")
        .reduce((value, factor) => value * Number(factor.trim().replaceAll("_", "")), 1),
    )
    .map((value) => inMs(name, value));
}

/** Converts the value to milliseconds when its name ends in a unit of time. */
function inMs(name: string, value: number): number {
  const lowerCase = name.toLowerCase();
  if (lowerCase.endsWith("seconds")) return value * 1_000;
  if (lowerCase.endsWith("days")) return value * 86_400_000;
  return value;
}

test("The document docs/limits.md has a row for every member of limits", () => {
  const named = rows?.map(({ constant }) => constant).join();
  for (const name of Object.keys(limits)) expect(named).toContain(`\`limits.${name}\``);
});

describe("The values in docs/limits.md", () => {
  test.each(rows ?? [])(
    "The value $value of the limit $limit equals the constant in the code",
    ({ value, constant }) => {
      const values = valuesOf(value);
      expect(values.every(Number.isFinite)).toBe(true);
      expect(values).toEqual(constantsOf(constant));
    },
  );
});
