import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import fc from "fast-check";

const number = fc.constantFrom("-1.5", "0", "1", "2", "10", "1e2", "0.10", "12345678901234567890");
const text = fc.constantFrom("", "s", "st", "ü");

/** Attributes, of which some are keys of an index, and some have types that vary. */
export const attributes: fc.Arbitrary<Record<string, AttributeValue>> = fc.record(
  {
    dueAt: number.map((N) => ({ N })),
    kind: fc.constantFrom("k", "l", "kl").map((S) => ({ S })),
    status: text.map((S) => ({ S })),
    count: number.map((N) => ({ N })),
    tags: fc.constantFrom<string[][]>(["p"], ["q", "p"]).map((SS) => ({ SS })),
    entries: fc.constantFrom<AttributeValue[][]>([], [{ S: "i" }, { N: "1" }]).map((L) => ({ L })),
    nested: fc
      .constantFrom<Record<string, AttributeValue>[]>({}, { in: { S: "m" } })
      .map((M) => ({ M })),
    bytes: fc.constant({ B: Buffer.from([0, 255]) }),
    flag: fc.oneof(
      fc.boolean().map((BOOL) => ({ BOOL })),
      fc.constant({ NULL: true as const }),
    ),
  },
  { requiredKeys: [] },
);

export interface Expression {
  expression: string;
  names?: Record<string, string>;
  values?: Record<string, AttributeValue>;
}

const value = (v: AttributeValue): Record<string, AttributeValue> => ({ ":v": v });

/** Conditions as the stores use them, and those on types that do not match. */
export const condition: fc.Arbitrary<Expression> = fc.oneof(
  fc.constantFrom<Expression[]>(
    { expression: "attribute_not_exists(pk)" },
    { expression: "attribute_exists(pk)" },
    { expression: "attribute_not_exists(tags) AND attribute_exists(sk)" },
    { expression: "NOT attribute_exists(nested.#in)", names: { "#in": "in" } },
    { expression: "attribute_type(entries, :v)", values: value({ S: "L" }) },
    { expression: "size(entries) > :v", values: value({ N: "1" }) },
    {
      expression: "contains(tags, :v) OR contains(#s, :v)",
      names: { "#s": "status" },
      values: value({ S: "s" }),
    },
    { expression: "begins_with(kind, :v)", values: value({ S: "k" }) },
    {
      expression: "#c BETWEEN :v AND :w",
      names: { "#c": "count" },
      values: { ":v": { N: "1" }, ":w": { N: "10" } },
    },
    { expression: "entries[0] = :v", values: value({ S: "i" }) },
    { expression: "dueAt <= #c", names: { "#c": "count" } },
  ),
  fc.tuple(fc.constantFrom("=", "<>", "<", ">="), number).map(([operator, N]) => ({
    expression: `#c ${operator} :v`,
    names: { "#c": "count" },
    values: value({ N }),
  })),
  text.map((S) => ({
    expression: "#s IN (:v, :w)",
    names: { "#s": "status" },
    values: { ":v": { S }, ":w": { S: "st" } },
  })),
);

/** Updates that set, add, remove and delete; some cannot apply to some items. */
export const update: fc.Arbitrary<Expression> = fc.oneof(
  attributes
    .filter((all) => Object.keys(all).length > 0)
    .map((all) => ({
      expression: `SET ${Object.keys(all).map((name) => `#${name} = :${name}`)}`,
      names: Object.fromEntries(Object.keys(all).map((name) => [`#${name}`, name])),
      values: Object.fromEntries(Object.entries(all).map(([name, v]) => [`:${name}`, v])),
    })),
  fc.constantFrom<Expression[]>(
    { expression: "REMOVE dueAt, kind" },
    { expression: "REMOVE #owner, entries[0]", names: { "#owner": "owner" } },
    {
      expression: "SET #c = if_not_exists(#c, :v) + :w",
      names: { "#c": "count" },
      values: { ":v": { N: "0" }, ":w": { N: "1" } },
    },
    {
      expression: "SET #c = #c - :v REMOVE tags",
      names: { "#c": "count" },
      values: value({ N: "0.5" }),
    },
    {
      expression: "SET entries = list_append(if_not_exists(entries, :v), :w)",
      values: { ":v": { L: [] }, ":w": { L: [{ S: "n" }] } },
    },
    { expression: "SET entries[1] = :v", values: value({ S: "set" }) },
    { expression: "SET nested.#in = :v", names: { "#in": "in" }, values: value({ S: "deep" }) },
    {
      expression: "SET status2 = #s, #s = :v",
      names: { "#s": "status" },
      values: value({ S: "swapped" }),
    },
    { expression: "ADD #c :v", names: { "#c": "count" }, values: value({ N: "2" }) },
    { expression: "ADD tags :v", values: value({ SS: ["r"] }) },
    { expression: "DELETE tags :v", values: value({ SS: ["p"] }) },
  ),
);

/** Inputs that DynamoDB rejects whatever the items are. */
export const invalid = fc.constantFrom<Record<string, unknown>[]>(
  { UpdateExpression: "SET dueAt = :v", ExpressionAttributeValues: { ":v": { S: "no number" } } },
  { UpdateExpression: "SET pk = :v", ExpressionAttributeValues: { ":v": { S: "key" } } },
  { UpdateExpression: "SET dueAt = :v", ExpressionAttributeValues: { ":other": { N: "1" } } },
  {
    UpdateExpression: "SET dueAt = :v",
    ExpressionAttributeValues: { ":v": { N: "1" }, ":unused": { N: "1" } },
  },
  {
    UpdateExpression: "SET nested.a = :v, nested = :v",
    ExpressionAttributeValues: { ":v": { S: "overlap" } },
  },
  {
    UpdateExpression: "SET status = :v",
    ExpressionAttributeValues: { ":v": { S: "reserved word" } },
  },
  { UpdateExpression: "SET dueAt = ", ExpressionAttributeValues: { ":v": { S: "syntax" } } },
  { UpdateExpression: "SET tags = :v", ExpressionAttributeValues: { ":v": { SS: [] } } },
  { UpdateExpression: "SET dueAt = :v", ExpressionAttributeValues: { ":v": { N: "one" } } },
);
