import { readFileSync } from "node:fs";
import type { BilledItem } from "../../local/aws/billing/billed-units.ts";

/** Items that depend on the stack or on a comparison, and not on a call in the local run. */
export type PricedItem =
  | BilledItem
  | "cloudwatch.alarm"
  | "cloudwatch.compositeAlarm"
  | "cloudwatch.dashboard"
  | "cloudwatch.metric"
  | "http.restRequest"
  | "secrets.secret";

/** The parts of a load, each of which has its own number in a month. */
export const parts = ["events", "deliveries", "requests"] as const;
export type Part = (typeof parts)[number];

export interface Price {
  item: PricedItem;
  /** US dollars for `per` units. */
  usd: number;
  per: number;
  unit: string;
  source: string;
}

export interface Peer {
  name: string;
  /** The lowest and the highest list price, in US dollars. */
  usdPerMillion: [number, number];
  unit: string;
  for: Part[];
  source: string;
  date: string;
}

export interface PriceList {
  region: string;
  date: string;
  prices: Price[];
  peers: Peer[];
}

export const priceList = JSON.parse(
  readFileSync(new URL("./prices.json", import.meta.url), "utf8"),
) as PriceList;

const byItem = new Map(priceList.prices.map((price) => [price.item, price]));

/** @throws Error for an item that the price list does not have */
export function priceOf(item: PricedItem): Price {
  const price = byItem.get(item);
  if (!price) throw new Error(`bench/cost/prices.json has no price of ${item}`);
  return price;
}

/** Returns US dollars. */
export function dollars(item: PricedItem, units: number): number {
  const { usd, per } = priceOf(item);
  return (units * usd) / per;
}
