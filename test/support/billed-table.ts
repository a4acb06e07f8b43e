import { marshall } from "@aws-sdk/util-dynamodb";
import type { Item } from "../../local/aws/billing/item-size.ts";

/** Key attributes, as DynamoDB's API describes them. */
export const keys = (...names: string[]) => names.map((AttributeName) => ({ AttributeName }));

/** An index as DynamoDB's API describes it, which has its keys and these attributes. */
export const index = (
  of: { name: string; partitionKey: string; sortKey: string },
  more?: string[],
) => ({
  IndexName: of.name,
  KeySchema: keys(of.partitionKey, of.sortKey),
  Projection: more
    ? { ProjectionType: "INCLUDE", NonKeyAttributes: more }
    : { ProjectionType: "KEYS_ONLY" },
});

/** An item as it is sent to DynamoDB. */
export function asSent(item: Record<string, unknown>): Item {
  return Object.fromEntries(
    Object.entries(marshall(item, { removeUndefinedValues: true })).map(([name, value]) => [
      name,
      value.B ? { B: Buffer.from(value.B).toString("base64") } : value,
    ]),
  ) as Item;
}
