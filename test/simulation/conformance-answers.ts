import { asJson, type Plain, plain } from "./conformance-wire.ts";
import { sortKeyOf } from "./services/table.ts";
import { tables } from "./stack.ts";

/** Carries out a command of the document client. Throws or rejects with what DynamoDB answers. */
export type Call = (name: string, input: Plain) => unknown;

/**
 * An answer without what has no meaning: the order of a batch, of entries with one sort key and of
 * the members of an item, and the words of an error, unless DynamoDB says what the command lacks.
 */
export async function answerOf(call: Call, name: string, input: Plain): Promise<unknown> {
  try {
    const output = ((await call(name, input)) ?? {}) as Plain;
    const { Item, Attributes, Count, Responses, UnprocessedKeys, UnprocessedItems } = output;
    const lists = Object.entries((Responses ?? {}) as Record<string, unknown[]>);
    return {
      item: canonical(Item),
      attributes: canonical(Attributes),
      count: Count,
      range: name === "QueryCommand" ? rangeIn(input, output) : undefined,
      responses: lists.map(([table, items]) => [table, items.map(canonical).sort()]),
      unprocessed: [UnprocessedKeys, UnprocessedItems].map((left) => Object.keys(left ?? {})),
    };
  } catch (error) {
    const {
      name: code,
      message,
      Item,
      item,
      members,
    } = error as Error & {
      Item?: unknown;
      item?: unknown;
      members?: Plain;
    };
    const shown = Item ?? item ?? members?.Item;
    return {
      error: code,
      words: code === "ValidationException" ? message : undefined,
      item: shown === undefined ? undefined : canonical(plain(asJson(shown))),
    };
  }
}

/**
 * The entries that a query has found, in their order, and where its page ends. Which of several
 * entries with one sort key comes first is not defined: their order is left out, and where a page
 * begins or ends among them, which of them it shows.
 */
function rangeIn(input: Plain, { Items, LastEvaluatedKey }: Plain) {
  const definition = tables[String(input.TableName)];
  if (!definition) throw new Error(`there is no table ${input.TableName}`);
  const sortKey = sortKeyOf(definition, input.IndexName as string | undefined);
  const placeOf = (item: unknown) => canonical((item as Plain | undefined)?.[sortKey]);
  const items = (Items ?? []) as Plain[];
  const cut = new Set([input.ExclusiveStartKey, LastEvaluatedKey].map(placeOf));
  const alike = [...Map.groupBy(items, placeOf)].filter(([place]) => !cut.has(place));
  return {
    places: items.map(placeOf),
    items: alike.map(([, group]) => group.map(canonical).sort()),
    last: LastEvaluatedKey && [placeOf(LastEvaluatedKey), Object.keys(LastEvaluatedKey).sort()],
  };
}

/** JSON with sorted members. */
const canonical = (value: unknown): string | undefined =>
  value === undefined
    ? undefined
    : JSON.stringify(asJson(value), (_, one) =>
        typeof one !== "object" || one === null || Array.isArray(one)
          ? one
          : Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1))),
      );
