import type { BilledUnit } from "../../local/aws/billing/billed-units.ts";
import { shortName } from "../run/measured-units.ts";
import { dollars, type Part, type PricedItem, parts, priceOf } from "./prices.ts";

/** A line of a bill: `units` at the price of the item. */
export interface BillLine {
  item: PricedItem;
  /** Who is billed for what; absent for a line of a whole item. */
  name?: string;
  units: number;
  usd: number;
}

/** What one event, delivery and request is billed, and what a month is billed without any. */
export interface MeasuredCost {
  perOne: Record<Part, readonly BilledUnit[]>;
  /** Of a month. */
  fixed: readonly { item: PricedItem; units: number }[];
}

export type Counts = Record<Part, number>;

const MILLION = 1_000_000;

/** Returns the lines of a million of one part, by caller, operation and resource, dearest first. */
export function linesPerMillion(rows: readonly BilledUnit[]): BillLine[] {
  const lines = rows.map(({ caller, operation, item, resource, units }): BillLine => {
    const [table = "", index] = (resource ?? "").split("/");
    const of = index === undefined ? shortName(table) : `${shortName(table)}/${index}`;
    const name = [shortName(caller), operation.replace(/^\w+:/, ""), of].filter(Boolean).join(" ");
    return { item, name, units: units * MILLION, usd: dollars(item, units * MILLION) };
  });
  return lines.toSorted((a, b) => b.usd - a.usd);
}

/** Sums lines by their item, dearest first. */
export function byItem(lines: readonly { item: PricedItem; units: number }[]): BillLine[] {
  const groups = Map.groupBy(lines, ({ item }) => item);
  return [...groups]
    .map(([item, of]): BillLine => {
      const units = of.reduce((sum, line) => sum + line.units, 0);
      return { item, units, usd: dollars(item, units) };
    })
    .toSorted((a, b) => b.usd - a.usd);
}

/** Returns the lines of a month with these numbers of events, deliveries and requests. */
export function monthlyBill({ perOne, fixed }: MeasuredCost, counts: Counts): BillLine[] {
  const varying = parts.flatMap((part) =>
    perOne[part].map(({ item, units }) => ({ item, units: units * counts[part] })),
  );
  return byItem([...varying, ...fixed]);
}

export function total(lines: readonly BillLine[]): number {
  return lines.reduce((sum, { usd }) => sum + usd, 0);
}

/** Returns a line as `units × price = dollars`. */
export function asText({ item, name, units, usd }: BillLine): string {
  const price = priceOf(item);
  const per = price.per === 1 ? "" : ` / ${price.per.toLocaleString("en")}`;
  const rounded = Number(units.toPrecision(6)).toLocaleString("en", { maximumFractionDigits: 3 });
  const figures = `${rounded} × $${price.usd}${per}`;
  return `$${usd.toFixed(3).padStart(9)}  ${item.padEnd(20)} ${(name ?? price.unit).padEnd(52)} ${figures}`;
}
