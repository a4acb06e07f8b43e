import { expect, test } from "vitest";
import { savedQueries } from "../../infra/monitoring/queries.ts";
import { logMessages } from "../../shared/contracts/log-messages.ts";
import { durations } from "../../shared/contracts/metrics.ts";
import { documents, filesBelow, textOf } from "../support/tree.ts";

const messages: readonly string[] = Object.values(logMessages);

/** The log filters in the documents, for example `{ $.message = "batch failed" }`. */
const filters = documents.flatMap((file) =>
  [...textOf(file).matchAll(/\{ (\$\.[^}]*) \}/g)].map(([, filter = ""]) => ({ file, filter })),
);

/** The fields that a filter can name. */
const fields = [
  ...namesIn("shared/runtime/telemetry.ts", /LogFields \{[^}]*\}/, /(\w+)\?:/g),
  ...namesIn(
    "infra/constructs/public-api.ts",
    /AccessLogFormat\.custom\([\s\S]*?\}/,
    /(\w+): "\$context/g,
  ),
  // A line with a duration has the fields of what it is about.
  ...Object.keys(durations),
  // Powertools' logger adds these; Lambda itself logs `type`.
  "level",
  "message",
  "service",
  "type",
];

function namesIn(file: string, block: RegExp, name: RegExp): (string | undefined)[] {
  const text = block.exec(textOf(file))?.[0] ?? "";
  return [...text.matchAll(name)].map(([, found]) => found);
}

function isLogged(pattern: string): boolean {
  const start = pattern.slice(0, -1);
  return pattern.endsWith("*")
    ? messages.some((message) => message.startsWith(start))
    : messages.includes(pattern);
}

test("The log filters in the documents and the fields of log lines are found", () => {
  expect(filters.length).toBeGreaterThan(20);
  expect(fields).toEqual(expect.arrayContaining(["eventId", "routeKey"]));
});

test.each(filters)("The filter { $filter } in $file matches lines that exist", ({ filter }) => {
  const named = [...filter.matchAll(/\$\.message\s*=\s*"([^"]*)"/g)].map(([, text = ""]) => text);
  expect(named.filter((text) => !isLogged(text))).toEqual([]);
  const used = [...filter.matchAll(/\$\.(\w+)/g)].map(([, name]) => name);
  expect(used.filter((name) => !fields.includes(name))).toEqual([]);
});

/** Words of the language of Logs Insights. */
const words =
  /^(filter|stats|sort|fields|by|as|or|and|in|asc|desc|count|max|pct|latest|ispresent)$/;

test.each(savedQueries)(
  "The saved query $name names messages and fields that exist",
  ({ lines }) => {
    const text = lines.join(" ");
    const named = [...text.matchAll(/message = "([^"]*)"/g)].map(([, one = ""]) => one);
    expect(named.filter((one) => !isLogged(one))).toEqual([]);
    const results = [...text.matchAll(/ as (\w+)/g)].map(([, name]) => name);
    const used = [...text.replace(/"[^"]*"/g, "").matchAll(/(?<![@\w])[a-z_]\w*/gi)].map(
      ([name]) => name,
    );
    const unknown = used.filter(
      (name) => !words.test(name) && !results.includes(name) && !fields.includes(name),
    );
    expect(unknown).toEqual([]);
  },
);

test("Every log message is unique and is logged by a function", () => {
  expect(new Set(messages).size).toBe(messages.length);
  const source = ["functions", "shared/runtime"]
    .flatMap((folder) => filesBelow(folder, ".ts"))
    .map(textOf)
    .join();
  const unused = Object.keys(logMessages).filter((key) => !source.includes(`logMessages.${key}`));
  expect(unused).toEqual([]);
});
