import { marshall } from "@aws-sdk/util-dynamodb";
import { expect, test } from "vitest";
import type { Item } from "../../local/aws/dynamodb/dynalite.ts";
import { makeActivity } from "../../local/run/activity.ts";
import { deliveryItem } from "../../shared/adapters/dynamo/delivery-item.ts";
import { requestItem } from "../../shared/adapters/dynamo/request-item.ts";
import { deliveryRecord } from "../support/payloads/delivery-records.ts";
import { requestRecord } from "../support/payloads/request-records.ts";

const tables = { requests: "Requests", events: "Events", deliveries: "Deliveries" };

/** An item as the local store has it: binary attributes as base64 text. */
function stored(item: Record<string, unknown>): Item {
  const typed = marshall(item, { removeUndefinedValues: true });
  const withText = (value: unknown): unknown => {
    if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
    if (Array.isArray(value)) return value.map(withText);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, of]) => [name, withText(of)]));
  };
  return withText(typed) as Item;
}

function started() {
  const lines: string[] = [];
  const activity = makeActivity((line) => lines.push(line));
  activity.start(tables);
  return { activity, lines };
}

test("A request is shown when it is stored and when its status changes, and not by other writes", () => {
  const { activity, lines } = started();
  const request = requestRecord();
  const { requestId } = request;
  const first = stored(requestItem(request, "w1"));
  const again = stored(requestItem({ ...request, version: 2 }, "w2"));
  const sent = stored(requestItem({ ...request, status: "SUBMITTING", version: 3 }, "w3"));
  activity.onWritten({ table: "Requests", before: undefined, after: first });
  activity.onWritten({ table: "Requests", before: first, after: again });
  activity.onWritten({ table: "Requests", before: again, after: sent });
  activity.onWritten({ table: "Requests", before: undefined, after: { id: { S: "#lane" } } });
  activity.onWritten({ table: "Other", before: undefined, after: first });
  expect(lines.map((line) => line.trim().replace(/ +/g, " "))).toEqual([
    `request ${requestId} QUEUED`,
    `request ${requestId} QUEUED → SUBMITTING`,
  ]);
});

test("An attempt of a delivery is shown with its number and its answer, and a failed delivery with its reason", () => {
  const { activity, lines } = started();
  const delivery = deliveryRecord({ status: "delivering" });
  const attempt = { cycle: 1, attemptNumber: 1, atMs: 0, durationMs: 7 };
  const ended = deliveryRecord({
    ...delivery,
    ...{ status: "failed", reason: "gone" },
    attemptHistory: [{ ...attempt, httpStatus: 410 }],
  });
  activity.onWritten({
    table: "Deliveries",
    before: stored(deliveryItem(delivery)),
    after: stored(deliveryItem(ended)),
  });
  expect(lines).toEqual([
    expect.stringContaining(`1 of ${delivery.deliveryId} (${delivery.eventId})  410 in 7 ms`),
    expect.stringContaining(`${delivery.deliveryId}  failed: gone`),
  ]);
});

test("An event is shown once, when it is published", () => {
  const { activity, lines } = started();
  const claimed = stored({ id: "workflow.completed:x", status: "CLAIMED" });
  const published = stored({ id: "workflow.completed:x", status: "PUBLISHED" });
  activity.onWritten({ table: "Events", before: undefined, after: claimed });
  activity.onWritten({ table: "Events", before: claimed, after: published });
  activity.onWritten({ table: "Events", before: published, after: published });
  expect(lines).toEqual([expect.stringContaining("workflow.completed:x")]);
});

test("Calls that change something or are refused are shown, reads are not, and no line has the token of a connection's URL", () => {
  const { activity, lines } = started();
  const call = { tookMs: 3.2, status: 200 };
  activity.onAnswered({
    ...{ ...call, method: "POST", routeKey: "POST /v1/in/{provider}/{connectionId}/{token}" },
    path: "/v1/in/we-link/cn_1/the-token",
  });
  const events = { method: "GET", routeKey: "GET /v1/events", path: "/v1/events" };
  activity.onAnswered({ ...call, ...events });
  activity.onAnswered({ ...call, ...events, status: 401 });
  expect(lines.map((line) => line.trim().replace(/ +/g, " "))).toEqual([
    "webhook in we-link cn_1 acked 200 in 3 ms",
    "call GET /v1/events answered 401 in 3 ms",
  ]);
});

test("Nothing is shown before the start", () => {
  const lines: string[] = [];
  const activity = makeActivity((line) => lines.push(line));
  const published = stored({ id: "workflow.completed:x", status: "PUBLISHED" });
  activity.onWritten({ table: "Events", before: undefined, after: published });
  expect(lines).toEqual([]);
});
