import type { BilledUnit } from "../../local/aws/billing/billed-units.ts";
import { type BillLine, byItem, type Counts } from "./bill.ts";
import { type Part, type PricedItem, parts } from "./prices.ts";

/** What the naive way does for one event, delivery or request. */
const naiveWay: Record<Part, Partial<Record<PricedItem, number>>> = {
  // REST API → function → queue → function → put, bus.
  events: {
    "http.restRequest": 1,
    "lambda.request": 2,
    "sqs.request": 3,
    "dynamodb.write": 1,
    "events.event": 1,
  },
  // Bus → queue → function → put.
  deliveries: { "lambda.request": 1, "sqs.request": 4, "dynamodb.write": 1 },
  // The submission goes the way of an event, and so does the provider's webhook.
  requests: {
    "http.restRequest": 2,
    "lambda.request": 4,
    "sqs.request": 6,
    "dynamodb.write": 2,
    "events.event": 2,
  },
};

/**
 * Returns the lines of a month in the naive way: a REST API, one invocation for each record,
 * messages one by one, and one put of at most 1 KB without an index. The same rules and prices
 * apply. It writes no logs, and nothing is deduplicated, retried or listed.
 *
 * @param gbSeconds of one invocation
 */
export function naiveBill(counts: Counts, gbSeconds: number): BillLine[] {
  const lines = parts.flatMap((part) => {
    const units = naiveWay[part];
    const all = { ...units, "lambda.gbSecond": (units["lambda.request"] ?? 0) * gbSeconds };
    return Object.entries(all).map(([item, each]) => ({
      item: item as PricedItem,
      units: each * counts[part],
    }));
  });
  return byItem(lines);
}

/** Returns the GB-seconds of one invocation of `ingest`, which always has one record. */
export function ingestGbSeconds(events: readonly BilledUnit[]): number {
  const sum = (wanted: PricedItem) =>
    events
      .filter(({ caller, operation, item }) => {
        const isInvocation = operation === "lambda:Invoke" && caller.startsWith("AckwireIngest");
        return isInvocation && item === wanted;
      })
      .reduce((total, { units }) => total + units, 0);
  return sum("lambda.gbSecond") / sum("lambda.request");
}
