import { unpackRecord } from "../../../shared/adapters/dynamo/packed-record.ts";

/** An item of any table in DynamoDB's JSON; its binary attributes are bytes, or Base64 in a call. */
type Item = Readonly<Record<string, { S?: string; B?: Uint8Array | string } | object>>;

/** The packed record in the item of a request; `undefined` for any other item. */
export function packedRecordIn(item: Item): object | undefined {
  const of = item as Record<string, { S?: string; B?: Uint8Array | string } | undefined>;
  const [id, accountId, packed] = [of.id?.S, of.accountId?.S, of.packed?.B];
  if (id === undefined || accountId === undefined || packed === undefined) return undefined;
  const bytes = typeof packed === "string" ? Buffer.from(packed, "base64") : packed;
  return unpackRecord({ id, accountId }, bytes) as object;
}
