import { expect, test } from "vitest";
import { committedResults, readResults } from "../../bench/goals/results.ts";
import { readCounts } from "../../bench/scale/counts.ts";
import { scaleDocument, scaleInputs, scaleLoads } from "../../bench/scale/document.ts";
import { byReach, type Inputs, needsOfEvents, reachOf } from "../../bench/scale/model.ts";
import { resolveSettings } from "../../infra/settings.ts";
import { textOf } from "../support/tree.ts";

const write = (resource: string, units: number) => ({
  item: "dynamodb.write",
  caller: "deliver",
  resource,
  units,
});
const inputs = (settings: object, deliveries = [write("Deliveries/sweep", 2)]): Inputs => ({
  events: [],
  deliveries,
  requests: [],
  settings: { ...resolveSettings(), ...settings },
});

test("The first limit of events is the setting of the API's rate, until it is raised", () => {
  const [first] = byReach(needsOfEvents(inputs({ apiThrottleRate: 100 })));
  expect(first).toMatchObject({ limit: 100, each: 1 });
  expect(first?.name).toContain("apiThrottleRate");
  const [next] = byReach(needsOfEvents(inputs({ apiThrottleRate: 10_000 })));
  expect(next?.name).toContain("Deliveries/sweep");
});

test("A sharded index takes 1,000 write units a second in each of its partitions", () => {
  const needs = needsOfEvents(inputs({}));
  const index = needs.find(({ name }) => name.includes("4 partitions of the index"));
  expect(index).toMatchObject({ limit: 4_000, each: 2 });
  expect(index && reachOf(index)).toBe(2_000);
});

test("Counts are read as they were written", () => {
  const figures = [
    {
      ...{ id: "P5", name: "dollars, a million events", value: 1, unit: "$", goal: { atMost: 2 } },
      samples: {
        "dynamodb.write; consume; Events/byClient": [1.5],
        "sqs.request; events; ": [0.1],
      },
    },
  ];
  const result = { figures } as unknown as Parameters<typeof readCounts>[0];
  expect(readCounts(result, "events")).toEqual([
    { item: "dynamodb.write", caller: "consume", resource: "Events/byClient", units: 1.5 },
    { item: "sqs.request", caller: "events", resource: "", units: 0.1 },
  ]);
  expect(() => readCounts(result, "requests")).toThrow("no counts of requests");
});

test("Each load has a first limit with a remedy and a lead time", () => {
  const loads = scaleLoads(inputs({}));
  expect(loads.map(({ name }) => name)).toEqual([
    "1 event a second",
    "100 events a second",
    "10,000 events a second",
    "100,000 requests scheduled for 09:00",
  ]);
  for (const { first } of loads) {
    expect(first?.remedy).toBeTruthy();
    expect(first?.leadTime).toBeTruthy();
  }
});

test("docs/scale.md is what the settings and the counts give (run `node bench/scale.ts --write`)", () => {
  const counted = readResults(committedResults).find(({ id }) => id === "P5");
  if (!counted) throw new Error("bench/results/P5.json is missing");
  const words = (text: string) => text.replace(/[\s|-]+/g, " ").trim();
  expect(words(textOf("docs/scale.md"))).toBe(words(scaleDocument(counted, scaleInputs(counted))));
});
