import {
  DeleteCommand,
  type DynamoDBDocumentClient,
  PutCommand,
  QueryCommand,
  type QueryCommandInput,
} from "@aws-sdk/lib-dynamodb";
import * as z from "zod/mini";
import { type AuditRecord, auditRecord } from "../../contracts/operator-action.ts";
import { AUDIT_PENDING } from "../../contracts/tables.ts";
import type { AuditIntent, AuditStore } from "../../core/audit/audit.ts";
import type { Clock } from "../../core/clock.ts";
import { callDependency } from "../dependency-down.ts";
import { conditionalWrite } from "./conditional-write.ts";

/** Records are kept for a year, and a month is listed as long as one of its records is. */
const RETENTION_MS = 366 * 24 * 60 * 60 * 1_000;
const MONTHS = 14;
/** Items of one query; a page of a filtered list makes up to `MAX_QUERIES`. */
const PER_QUERY = 200;
const MAX_QUERIES = 30;

const INTENT = "#1";
const OUTCOME = "#2";

const ofOutcome = { outcome: true, code: true, created: true, finishedAt: true } as const;
const intentItem = z.omit(auditRecord, ofOutcome);
const outcomeItem = z.pick(auditRecord, ofOutcome);
const pendingItem = z.object({ intent: intentItem, awaitedUntilRealMs: z.number() });

/** The audit table. Items are written once, with a condition; only `pending` ones are deleted. */
export function makeDynamoAudit(options: {
  client: DynamoDBDocumentClient;
  tableName: string;
  clock: Clock;
}): AuditStore {
  const { client, tableName: TableName, clock } = options;

  const putNew = (Item: Record<string, unknown>) =>
    conditionalWrite("PutItem", () =>
      client.send(
        new PutCommand({ TableName, Item, ConditionExpression: "attribute_not_exists(id)" }),
      ),
    );

  async function query(input: Omit<QueryCommandInput, "TableName">) {
    const command = new QueryCommand({ TableName, ...input });
    return callDependency("DynamoDB Query", () => client.send(command));
  }

  return {
    async begin({ intent, awaitedUntilRealMs }) {
      const expiresAt = expiresAtOf(intent);
      await putNew({
        month: AUDIT_PENDING,
        id: placeOf(intent),
        record: JSON.stringify({ intent, awaitedUntilRealMs }),
      });
      const id = `${placeOf(intent)}${INTENT}`;
      await putNew({ month: monthOf(intent.at), id, record: JSON.stringify(intent), expiresAt });
    },

    async finish(of, outcome) {
      const id = `${placeOf(of)}${OUTCOME}`;
      const expiresAt = expiresAtOf(of);
      await putNew({ month: monthOf(of.at), id, record: JSON.stringify(outcome), expiresAt });
    },

    async find(of) {
      const { Items = [] } = await query({
        KeyConditionExpression: "#month = :month AND begins_with(id, :place)",
        ExpressionAttributeNames: { "#month": "month" },
        ExpressionAttributeValues: { ":month": monthOf(of.at), ":place": placeOf(of) },
        ConsistentRead: true,
      });
      return recordsOf(Items)[0]?.record;
    },

    async list({ limit, before, untilMs, matches }) {
      const nowMs = clock.businessMs();
      const start = before ?? `${new Date(Math.min(untilMs ?? nowMs, nowMs)).toISOString()}~`;
      const records: AuditRecord[] = [];
      let from = start;
      let queries = 0;
      for (const month of monthsBefore(start)) {
        for (;;) {
          if (queries++ >= MAX_QUERIES) return { records, before: from };
          const { Items = [], LastEvaluatedKey } = await query({
            KeyConditionExpression: "#month = :month AND id < :from",
            ExpressionAttributeNames: { "#month": "month" },
            ExpressionAttributeValues: { ":month": month, ":from": from },
            ScanIndexForward: false,
            Limit: PER_QUERY,
          });
          const found = recordsOf(Items);
          for (const { place, record } of found) {
            if (!matches(record)) continue;
            if (records.length === limit) return { records, before: from };
            records.push(record);
            from = place;
          }
          if (LastEvaluatedKey === undefined) break;
          // An outcome whose record is in the next page is read again with it.
          from = found.at(-1)?.place ?? String(LastEvaluatedKey.id);
        }
      }
      return { records };
    },

    async pending(limit) {
      const { Items = [] } = await query({
        KeyConditionExpression: "#month = :pending",
        ExpressionAttributeNames: { "#month": "month" },
        ExpressionAttributeValues: { ":pending": AUDIT_PENDING },
        Limit: limit,
        ConsistentRead: true,
      });
      return Items.map(({ record }) => pendingItem.parse(JSON.parse(String(record))));
    },

    async forget(of) {
      const Key = { month: AUDIT_PENDING, id: placeOf(of) };
      await callDependency("DynamoDB DeleteItem", () =>
        client.send(new DeleteCommand({ TableName, Key })),
      );
    },
  };
}

type Place = Pick<AuditIntent, "id" | "at">;

const placeOf = ({ at, id }: Place) => `${at}#${id}`;
const monthOf = (at: string) => at.slice(0, 7);
const expiresAtOf = ({ at }: Place) => Math.ceil((Date.parse(at) + RETENTION_MS) / 1_000);

/** The month of a position and those before it, as far back as records are kept. */
function monthsBefore(position: string): string[] {
  const [year = 0, month = 0] = monthOf(position).split("-").map(Number);
  return Array.from({ length: MONTHS }, (_, n) =>
    new Date(Date.UTC(year, month - 1 - n, 1)).toISOString().slice(0, 7),
  );
}

/** The records of these items in their order; each record has one item or two. */
function recordsOf(items: readonly Record<string, unknown>[]) {
  const outcomes = new Map<string, Partial<AuditRecord>>();
  const intents = new Map<string, AuditIntent>();
  for (const { id, record } of items) {
    const key = String(id);
    const place = key.slice(0, -INTENT.length);
    const value: unknown = JSON.parse(String(record));
    if (key.endsWith(OUTCOME)) outcomes.set(place, outcomeItem.parse(value));
    else intents.set(place, intentItem.parse(value));
  }
  return [...intents].map(([place, intent]) => ({
    place,
    record: { ...intent, outcome: "incomplete" as const, ...outcomes.get(place) } as AuditRecord,
  }));
}
