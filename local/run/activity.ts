import { unmarshall } from "@aws-sdk/util-dynamodb";
import { readDeliveryItem } from "../../shared/adapters/dynamo/delivery-item.ts";
import { readRequestItem } from "../../shared/adapters/dynamo/request-item.ts";
import type { Item, Written } from "../aws/dynamodb/dynalite.ts";

/** A call of the HTTP API that was answered. */
export interface AnsweredCall {
  method: string;
  /** The route of the template, such as `POST /v1/requests`. */
  routeKey: string;
  path: string;
  status: number;
  tookMs: number;
}

/** Lines that are printed within one second; more are counted. */
const MAX_LINES_PER_SECOND = 20;

/**
 * Prints what happens in a local run, a line for each: calls that change something or are refused,
 * webhooks, events, changes of requests, and attempts of deliveries. It prints nothing before
 * `start`. No line contains a secret: of the URL of a connection it has provider and connection.
 */
export function makeActivity(print: (line: string) => void) {
  let tables: Readonly<Record<"requests" | "events" | "deliveries", string>> | undefined;
  let printed = 0;
  let skipped = 0;

  function show(kind: string, text: string): void {
    if (printed === 0) setTimeout(endSecond, 1_000).unref();
    if (++printed > MAX_LINES_PER_SECOND) skipped++;
    else print(`  ${kind.padEnd(14)} ${text}`);
  }

  function endSecond(): void {
    if (skipped > 0) print(`  … and ${skipped} more in this second`);
    printed = 0;
    skipped = 0;
  }

  return {
    /** Begins to print what is written to these tables, and which calls are answered. */
    start(named: NonNullable<typeof tables>): void {
      tables = named;
    },

    onAnswered({ method, routeKey, path, status, tookMs }: AnsweredCall): void {
      if (!tables) return;
      const answer = `${status < 300 ? "acked" : "answered"} ${status} in ${tookMs.toFixed(0)} ms`;
      const [, , , provider, connectionId] = path.split("/");
      if (routeKey.includes("/v1/in/")) {
        show("webhook in", `${provider} ${connectionId}  ${answer}`);
      } else if (method !== "GET" || status >= 400) show("call", `${method} ${path}  ${answer}`);
    },

    onWritten({ table, before, after }: Written): void {
      if (!tables || !after) return;
      const lines = linesOf[nameOf(table, tables) ?? "other"](before, after);
      for (const [kind, text] of lines) show(kind, text);
    },
  };
}

type Line = readonly [kind: string, text: string];

function nameOf(table: string, tables: Readonly<Record<string, string>>) {
  return (["requests", "events", "deliveries"] as const).find((name) => tables[name] === table);
}

const linesOf: Readonly<
  Record<
    "requests" | "events" | "deliveries" | "other",
    (before: Item | undefined, after: Item) => Line[]
  >
> = {
  requests(before, after) {
    const [from, to] = [requestIn(before), requestIn(after)];
    if (!to || from?.status === to.status) return [];
    const change = from ? `${from.status} → ${to.status}` : to.status;
    const why = to.error ? `  ${to.error.code}` : "";
    return [["request", `${to.requestId}  ${change}${why}`]];
  },

  events(before, after) {
    const isPublished = after.status?.S === "PUBLISHED" && before?.status?.S !== "PUBLISHED";
    return isPublished ? [["event out", String(after.id?.S)]] : [];
  },

  deliveries(before, after) {
    const [from, to] = [deliveryIn(before), deliveryIn(after)];
    const attempts = to?.attemptHistory.slice(from?.attemptHistory.length ?? 0) ?? [];
    const made = attempts.map(({ attemptNumber, httpStatus, error, durationMs }): Line => {
      const result = `${httpStatus ?? error} in ${durationMs} ms`;
      return ["attempt", `${attemptNumber} of ${to?.deliveryId} (${to?.eventId})  ${result}`];
    });
    const hasEnded = to && to.status !== from?.status && to.status === "failed";
    return hasEnded ? [...made, ["delivery", `${to.deliveryId}  failed: ${to.reason}`]] : made;
  },

  other: () => [],
};

function requestIn(item: Item | undefined) {
  // Lanes, references and others are in the same table.
  if (!item || !String(item.id?.S).startsWith("rq_")) return undefined;
  return ignoringOthers(() => readRequestItem(documentOf(item)).request);
}

function deliveryIn(item: Item | undefined) {
  return item && ignoringOthers(() => readDeliveryItem(documentOf(item)));
}

function documentOf(item: Item): Record<string, unknown> {
  // The store has binary attributes as base64 text.
  const text = JSON.stringify(item);
  const typed = JSON.parse(text, (name, value) =>
    name === "B" && typeof value === "string" ? Buffer.from(value, "base64") : value,
  );
  return unmarshall(typed);
}

/** An item that cannot be read is none that can be shown. */
function ignoringOthers<Result>(read: () => Result): Result | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
