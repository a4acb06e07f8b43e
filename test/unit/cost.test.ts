import { expect, test } from "vitest";
import { asText, linesPerMillion, monthlyBill, total } from "../../bench/cost/bill.ts";
import { fixedUnits, metricsIn, metricsInLog } from "../../bench/cost/fixed.ts";
import { ingestGbSeconds, naiveBill } from "../../bench/cost/naive.ts";
import { dollars, priceList, priceOf } from "../../bench/cost/prices.ts";
import { idlePerSweep, unitsPerOne, unitsSince } from "../../bench/run/measured-units.ts";
import type { BilledUnit } from "../../local/aws/billing/billed-units.ts";

const consume = "AckwireConsumeFunction0123ABCD";
const reconcile = "AckwireReconcileFunction0123ABCD";
const put: BilledUnit = {
  caller: consume,
  operation: "dynamodb:PutItem",
  item: "dynamodb.write",
  resource: "AckwireEventsTable0123ABCD/byClient",
  units: 20,
};
const sweepRead: BilledUnit = {
  caller: reconcile,
  operation: "dynamodb:Query",
  item: "dynamodb.read",
  resource: "AckwireEventsTable0123ABCD/outbox",
  units: 8,
};
const invoked = (caller: string, units: number): BilledUnit => ({
  caller,
  operation: "lambda:Invoke",
  item: "lambda.request",
  units,
});
const none = { queues: new Set<string>(), idle: [] };

test("The units of a load are those since its start", () => {
  const before = [put];
  const after = [{ ...put, units: 50 }, sweepRead];
  expect(unitsSince(before, after)).toEqual([{ ...put, units: 30 }, sweepRead]);
});

test("The units of one omit the load's own calls and queues, and empty receives", () => {
  const sent: BilledUnit = {
    caller: "events",
    operation: "sqs:SendMessage",
    item: "sqs.request",
    resource: "bench",
    units: 10,
  };
  const receive: BilledUnit = { ...put, item: "sqs.emptyReceive", operation: "sqs:ReceiveMessage" };
  const rows = [put, { ...put, caller: "other" }, sent, { ...sent, resource: "fanout" }, receive];
  expect(unitsPerOne(rows, { ...none, count: 10, queues: new Set(["fanout"]) })).toEqual([
    { ...put, units: 2 },
    { ...sent, resource: "fanout", units: 1 },
  ]);
});

test("The units of one omit what as many idle sweeps are billed, and keep what a sweep does for the load", () => {
  const idle = idlePerSweep([sweepRead, invoked(reconcile, 4), put]);
  expect(idle).toEqual([{ ...sweepRead, units: 2 }, invoked(reconcile, 1)]);
  const sweepWrite: BilledUnit = { ...put, caller: reconcile, units: 5 };
  const rows = [{ ...sweepRead, units: 20 }, invoked(reconcile, 10), sweepWrite];
  expect(unitsPerOne(rows, { ...none, count: 5, idle })).toEqual([{ ...sweepWrite, units: 1 }]);
});

test("Without a sweep in the idle time nothing can be said about it", () => {
  expect(() => idlePerSweep([put])).toThrow("no sweep");
});

test("A line is the units of a million at the price of its item", () => {
  const lines = linesPerMillion([{ ...put, units: 2 }, invoked(consume, 0.1)]);
  expect(lines).toEqual([
    {
      item: "dynamodb.write",
      name: "consume PutItem Events/byClient",
      units: 2_000_000,
      usd: 1.25,
    },
    { item: "lambda.request", name: "consume Invoke", units: 100_000, usd: 0.02 },
  ]);
  expect(total(lines)).toBeCloseTo(1.27);
  expect(asText(lines[0] ?? lines[1] ?? Object())).toMatch(/2,000,000 × \$0.625 \/ 1,000,000$/);
});

test("A month is the sum of its parts and of what is billed without any", () => {
  const perOne = { events: [put], deliveries: [], requests: [{ ...put, units: 5 }] };
  const fixed = [{ item: "dynamodb.write", units: 7 } as const];
  const [line, ...others] = monthlyBill(
    { perOne, fixed },
    { events: 100, deliveries: 1_000, requests: 10 },
  );
  expect(others).toEqual([]);
  expect(line).toEqual({
    item: "dynamodb.write",
    units: 2_057,
    usd: dollars("dynamodb.write", 2_057),
  });
});

test("The naive way of a million events costs what its rules and the price list say", () => {
  const events = [
    { ...invoked("AckwireIngestFunction0123ABCD", 2) },
    { ...invoked("AckwireIngestFunction0123ABCD", 3), item: "lambda.gbSecond" as const },
    invoked(consume, 100),
  ];
  const gbSeconds = ingestGbSeconds(events);
  expect(gbSeconds).toBe(1.5);
  const counts = { events: 1_000_000, deliveries: 0, requests: 0 };
  // REST API, two invocations, three messages, one write, one event.
  expect(total(naiveBill(counts, 0))).toBeCloseTo(3.5 + 0.4 + 1.2 + 0.625 + 1);
});

test("The template's alarms, metrics, secrets and mappings are billed every month", () => {
  const metric = {
    Namespace: "Ackwire",
    MetricName: "Dropped",
    Dimensions: [{ Name: "service", Value: "consume" }],
  };
  const stat = { MetricStat: { Metric: metric } };
  const template = {
    Resources: {
      Plain: { Type: "AWS::CloudWatch::Alarm", Properties: { ...metric, Namespace: "AWS/SQS" } },
      Two: {
        Type: "AWS::CloudWatch::Alarm",
        Properties: { Metrics: [{ Expression: "a / b" }, stat, stat] },
      },
      Composite: { Type: "AWS::CloudWatch::CompositeAlarm" },
      Secret: { Type: "AWS::SecretsManager::Secret" },
      Mapping: { Type: "AWS::Lambda::EventSourceMapping" },
    },
  };
  const [watched = "", ...others] = metricsIn(template);
  expect(others).toEqual([watched]);
  const line = {
    _aws: {
      CloudWatchMetrics: [
        { Namespace: "Ackwire", Dimensions: [["service"]], Metrics: [{ Name: "Dropped" }] },
      ],
    },
    service: "consume",
    Dropped: 1,
  };
  const log = `2026-11-29T00:00:00.000Z ${consume} ${JSON.stringify(line)}\nnot JSON {`;
  expect(metricsInLog(log)).toEqual([watched]);
  expect(fixedUnits(template, { idlePerSweep: [sweepRead], metrics: 3 })).toEqual([
    { item: "cloudwatch.alarm", units: 3 },
    { item: "cloudwatch.compositeAlarm", units: 1 },
    { item: "cloudwatch.metric", units: 3 },
    { item: "cloudwatch.dashboard", units: 0 },
    { item: "secrets.secret", units: 1 },
    // Five polls of 20 s for 30 days.
    { item: "sqs.emptyReceive", units: (5 * 30 * 86_400) / 20 },
    { item: "dynamodb.read", units: 8 * 30 * 1_440 },
  ]);
});

test("Each price has a source, a date and a unit", () => {
  expect(priceList.date).toMatch(/^\d{4}-\d\d-\d\d$/);
  for (const price of [...priceList.prices, ...priceList.peers]) {
    expect(price.source).toMatch(/^https:\/\//);
    expect(price.unit).not.toBe("");
  }
  expect(priceOf("lambda.gbSecond").usd).toBeGreaterThan(0);
});
