import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";

/** Members of a command or of an answer, as the document client has them. */
export type Plain = Record<string, unknown>;

const wire = (value: unknown) => asJson(marshall(value as Plain));

/** What the JSON protocol makes of it: bytes are Base64. A set, which only answers have, is sorted. */
export function asJson(value: unknown): unknown {
  if (isBytes(value)) return Buffer.from(value as Uint8Array).toString("base64");
  if (value instanceof Set) return [...value].map(asJson).sort();
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(asJson);
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, asJson(one)]));
}

const isBytes = (value: unknown) => value instanceof Uint8Array;

/** The input as the document client sends it. */
export function wireInput(input: Plain): Plain {
  const members = Object.entries(input).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    members.map(([name, value]) => {
      if (["Key", "Item", "ExpressionAttributeValues", "ExclusiveStartKey"].includes(name)) {
        return [name, wire(value)];
      }
      return [name, name === "RequestItems" ? wireRequests(value as Plain) : value];
    }),
  );
}

function wireRequests(of: Plain): Plain {
  const request = (value: unknown) => {
    if (Array.isArray(value)) {
      return value.map(({ PutRequest }) => ({ PutRequest: { Item: wire(PutRequest.Item) } }));
    }
    const keys = value as { Keys: unknown[] };
    return { ...keys, Keys: keys.Keys.map(wire) };
  };
  return Object.fromEntries(Object.entries(of).map(([name, value]) => [name, request(value)]));
}

type Wire = Parameters<typeof unmarshall>[0];

/** Base64 becomes bytes again, as in the SDK. */
export function plain(item: unknown): Plain {
  const read = (value: unknown): unknown => {
    if (typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) return value.map(read);
    return Object.fromEntries(
      Object.entries(value).map(([name, one]) => [
        name,
        name === "B" && typeof one === "string" ? Buffer.from(one, "base64") : read(one),
      ]),
    );
  };
  return unmarshall(read(item) as Wire);
}

/** The answer as the document client returns it; keys that were not processed stay as they are. */
export function plainOutput(output: Plain): Plain {
  const { Item, Attributes, LastEvaluatedKey, Items, Responses, ...more } = output;
  const lists = Responses as Record<string, unknown[]> | undefined;
  return {
    ...more,
    ...(Item !== undefined && { Item: plain(Item) }),
    ...(Attributes !== undefined && { Attributes: plain(Attributes) }),
    ...(LastEvaluatedKey !== undefined && { LastEvaluatedKey: plain(LastEvaluatedKey) }),
    ...(Items !== undefined && { Items: (Items as unknown[]).map(plain) }),
    ...(lists && {
      Responses: Object.fromEntries(
        Object.entries(lists).map(([name, items]) => [name, items.map(plain)]),
      ),
    }),
  };
}
