import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { asText, byItem, linesPerMillion, monthlyBill, total } from "./cost/bill.ts";
import { type LoadName, loadNames } from "./cost/loads.ts";
import { type Measured, measure } from "./cost/measure.ts";
import { ingestGbSeconds, naiveBill } from "./cost/naive.ts";
import { type Part, parts, priceList } from "./cost/prices.ts";
import { type Result, thisMachine } from "./goals/results.ts";
import { makeReport } from "./run/report.ts";
import { countsOf } from "./scale/counts.ts";

const usage = `npm run cost -- [options]

Measures what inbound events, deliveries and whole requests are billed in a local run.
Without numbers it prints the dollars of a million of each.

  --events N       inbound events a month that match no request
  --deliveries N   deliveries a month that succeed at once
  --requests N     requests a month, from their acceptance to their end
  --load NAME      steady: full batches (default); light: one at a time; peak: all at once
  --last           uses the measurement that is kept in bench/results, instead of measuring
  --keep           keeps this measurement there
  --json           prints the same as JSON`;

const { values } = parseArgs({
  options: {
    events: { type: "string" },
    deliveries: { type: "string" },
    requests: { type: "string" },
    load: { type: "string", default: "steady" },
    last: { type: "boolean", default: false },
    keep: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(usage);
  process.exit(0);
}

const load = loadNames.find((name) => name === values.load);
if (load === undefined) throw new Error(`--load takes one of ${loadNames.join(", ")}`);
const isMonth = parts.some((part) => values[part] !== undefined);
const counts = Object.fromEntries(parts.map((part) => [part, countOf(part)])) as Counts;

type Counts = Record<Part, number>;

/** @throws Error for a number that is not a count */
function countOf(part: Part): number {
  const text = values[part] ?? "0";
  if (/^\d+$/.test(text)) return Number(text);
  throw new Error(`--${part} takes a whole number, not "${text}"`);
}

const label: Record<Part, string> = {
  events: "inbound events that match no request",
  deliveries: "deliveries that succeed at once",
  requests: "whole requests, from their acceptance to their end",
};
/** Below this share of the total, lines are summed up. */
const SMALL_SHARE = 0.002;

function perMillion(measured: Measured) {
  const gbSeconds = ingestGbSeconds(measured.perOne.events);
  return parts.map((part) => {
    const lines = linesPerMillion(measured.perOne[part]);
    const counts = { events: 0, deliveries: 0, requests: 0, [part]: 1_000_000 };
    const naiveUsd = total(naiveBill(counts, gbSeconds));
    const peers = priceList.peers.filter((peer) => peer.for.includes(part));
    return { part, usd: total(lines), items: byItem(lines), lines, naiveUsd, peers };
  });
}

function month(measured: Measured) {
  const lines = monthlyBill(measured, counts);
  const fixed = byItem(measured.fixed);
  const gbSeconds = ingestGbSeconds(measured.perOne.events);
  const naive = naiveBill(counts, gbSeconds);
  const peers = priceList.peers.map((peer) => {
    const count = peer.for.reduce((sum, part) => sum + counts[part], 0);
    const usd = peer.usdPerMillion.map((price) => (price * count) / 1_000_000);
    return { ...peer, count, usd };
  });
  return { counts, usd: total(lines), lines, fixed, naive, naiveUsd: total(naive), peers };
}

function rangeOf([low = 0, high = 0]: readonly number[]): string {
  return low === high ? `$${low.toFixed(2)}` : `$${low.toFixed(2)} to $${high.toFixed(2)}`;
}

function printPerMillion(measured: Measured): void {
  for (const { part, usd, items, lines, naiveUsd, peers } of perMillion(measured)) {
    const batches = Object.entries(measured.batches[part]);
    const sizes = batches.map(([name, size]) => `${name} ${size.toFixed(1)}`).join(", ");
    console.log(`\n1,000,000 ${label[part]}: $${usd.toFixed(2)}`);
    console.log(`  of ${measured.counts[part]} measured; messages in a receive: ${sizes}`);
    const others = peers.map(({ name, usdPerMillion }) => `${name} ${rangeOf(usdPerMillion)}`);
    console.log(`  the naive way: $${naiveUsd.toFixed(2)}; list prices: ${others.join(", ")}`);
    for (const line of items) console.log(`  ${asText(line)}`);
    const large = lines.filter((line) => line.usd >= usd * SMALL_SHARE);
    console.log("  by function and resource:");
    for (const line of large) console.log(`  ${asText(line)}`);
    console.log(
      `  ${`$${(usd - total(large)).toFixed(3)}`.padStart(10)}  ${lines.length - large.length} smaller lines`,
    );
  }
  const fixed = byItem(measured.fixed);
  console.log(`\nA month without any: $${total(fixed).toFixed(2)}`);
  for (const line of fixed) console.log(`  ${asText(line)}`);
}

function printMonth(measured: Measured): void {
  const { usd, lines, naive, naiveUsd, peers } = month(measured);
  const loads = parts.map((part) => `${counts[part].toLocaleString("en")} ${part}`).join(", ");
  console.log(`\nA month of ${loads}: $${usd.toFixed(2)}`);
  for (const line of lines) console.log(`  ${asText(line)}`);
  console.log(`\nThe same in the naive way: $${naiveUsd.toFixed(2)}`);
  console.log("  REST API, one invocation for each record, messages one by one, one put");
  for (const line of naive) console.log(`  ${asText(line)}`);
  console.log("\nList prices of others, each for the part that it does:");
  for (const {
    name,
    usd: [low = 0, high = 0],
    unit,
    count,
    for: of,
    date,
  } of peers) {
    const range = low === high ? `$${low.toFixed(2)}` : `$${low.toFixed(2)} to $${high.toFixed(2)}`;
    console.log(
      `  ${name.padEnd(30)} ${range.padEnd(22)} ${count.toLocaleString("en")} ${of.join(" and ")} (${unit}; ${date})`,
    );
  }
}

/** Of one event, delivery and request at full batches: billed AWS calls, and dollars of a million. */
const goals: Record<Part, { calls: number; usd: number }> = {
  events: { calls: 4.3, usd: 4.1 },
  deliveries: { calls: 3.5, usd: 2.2 },
  requests: { calls: 16, usd: 15 },
};

function reportGoals(measured: Measured): void {
  console.log("");
  for (const part of parts) {
    report.goal({
      ...{ id: "P4", name: `billed AWS calls, one of ${part}`, value: measured.calls[part] },
      ...{ unit: "", goal: { atMost: goals[part].calls } },
    });
    report.goal({
      ...{ id: "P5", name: `dollars, a million ${part}` },
      value: total(linesPerMillion(measured.perOne[part])),
      ...{ unit: "$", goal: { atMost: goals[part].usd } },
      samples: countsOf(measured, part),
    });
  }
}

/** @throws Error when none is kept for this load */
function lastMeasured(): Measured {
  if (!existsSync(kept)) {
    throw new Error(`No measurement is kept for ${load} load: leave --last out, and give --keep`);
  }
  const { measuredAt, machine, measured } = JSON.parse(readFileSync(kept, "utf8")) as Pick<
    Result,
    "measuredAt" | "machine"
  > & { measured: Measured };
  const { cores, model, node } = machine;
  console.log(
    `Measured on ${measuredAt.slice(0, 10)} with ${cores} cores (${model}), Node ${node}; list prices of ${priceList.date}.`,
  );
  return measured;
}

function keep(measured: Measured): void {
  const measuredAt = new Date().toISOString();
  writeFileSync(
    kept,
    `${JSON.stringify({ measuredAt, machine: thisMachine(), measured }, null, 1)}\n`,
  );
}

const log = console.log;
// Only the result goes to the standard output with --json.
if (values.json) console.log = console.error;
const report = makeReport(`The bill, at ${load} load, in ${priceList.region}`);
const kept = new URL(`results/cost-${load}.json`, import.meta.url);
const measured = values.last ? lastMeasured() : await measure(report, load as LoadName);
if (values.keep && !values.last) keep(measured);
if (values.json) {
  const { region, date } = priceList;
  const of = { load, region, prices: date, measured: measured.counts, batches: measured.batches };
  const result = isMonth ? { month: month(measured) } : { fixed: byItem(measured.fixed) };
  log(JSON.stringify({ ...of, perMillion: perMillion(measured), ...result }, null, 2));
} else {
  if (isMonth) printMonth(measured);
  printPerMillion(measured);
}
if (load === "steady" && !values.last) reportGoals(measured);
report.end();
process.exit();
