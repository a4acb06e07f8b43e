import { describe, expect, test } from "vitest";
import type { WebhookItem } from "../../shared/contracts/config-items.ts";
import { Failure } from "../../shared/contracts/failures.ts";
import type { DeliveryRecord } from "../../shared/core/deliveries/state/record.ts";
import { writeCursor } from "../../shared/core/input/cursor.ts";
import { makeDeliveryOperations } from "../support/fakes/delivery-operations.ts";
import { iso, NOON_MS } from "../support/noon.ts";
import { deliveryRecord, webhookRecord } from "../support/payloads/delivery-records.ts";

const hour = { since: iso(0), until: "2026-06-25T15:00:00+02:00" };
const hourMs = { sinceMs: NOON_MS, untilMs: NOON_MS + 3_600_000 };

describe("Events of every client", () => {
  const id = "workflow.created:rq_1";
  const event = {
    ...{ id, clientId: "cl_1", envelope: `{"id":"${id}","n":1.0}` },
    ...{ listedAs: `${iso(1)}#${id}`, publishedAt: iso(2) },
  };
  const other = { id: "b", clientId: "cl_2", envelope: '{"id":"b"}', listedAs: `${iso(3)}#b` };
  const times = `"listedAt":"${iso(1)}","publishedAt":"${iso(2)}"`;
  const shown = `{"id":"${id}","n":1.0,"clientId":"cl_1",${times}}`;
  const otherShown = `{"id":"b","clientId":"cl_2","listedAt":"${iso(3)}"}`;

  test("Events are listed newest first, with the digits of their envelopes", async () => {
    const { asked, textOf } = makeDeliveryOperations({ events: [event, other] });
    expect(await textOf("listEvents", {})).toBe(`{"items":[${otherShown},${shown}]}`);
    expect(asked).toEqual([
      { clientId: "cl_1", limit: 25 },
      { clientId: "cl_2", limit: 25 },
      { clientId: "cl_3", limit: 25 },
    ]);
    const cursor = writeCursor({ list: "events", clientId: "" }, other.listedAs);
    expect(await textOf("listEvents", { query: { limit: 1 } })).toBe(
      `{"items":[${otherShown}],"nextCursor":"${cursor}"}`,
    );
  });

  test("An event without a place in the list comes last", async () => {
    const { listedAs: _, publishedAt: __, ...without } = event;
    const { textOf } = makeDeliveryOperations({ events: [without, other] });
    const last = `{"id":"${id}","n":1.0,"clientId":"cl_1"}`;
    expect(await textOf("listEvents", {})).toBe(`{"items":[${otherShown},${last}]}`);
  });

  test("Events are listed by client, type and time, from the cursor on", async () => {
    const { asked, textOf } = makeDeliveryOperations();
    const of = { clientId: "cl_1", type: "workflow.created" };
    const cursor = writeCursor({ list: "events", clientId: "cl_1" }, "t#id");
    const query = { limit: 7, cursor, ...of, ...hour };
    expect(await textOf("listEvents", { query })).toBe('{"items":[]}');
    expect(asked).toEqual([{ ...of, limit: 7, before: "t#id", ...hourMs }]);
  });

  test("An event is shown without the webhook's bytes, and not as another client's", async () => {
    const events = [{ ...event, raw: Buffer.from("{}") }];
    const { textOf } = makeDeliveryOperations({ events });
    const get = (name: string, query: object) =>
      textOf("getEvent", { params: { id: name }, query });
    expect(await get(id, {})).toBe(shown);
    expect(await get(id, { clientId: "cl_1" })).toBe(shown);
    const none = { code: "NOT_FOUND", message: "there is no such event" };
    await expect(get(id, { clientId: "cl_2" })).rejects.toMatchObject(none);
    await expect(get("workflow.created:rq_2", {})).rejects.toMatchObject(none);
  });
});

describe("Deliveries of every client", () => {
  const view = {
    ...{ id: "dl_1", webhookId: "wh_1", eventId: "workflow.created:rq_1", clientId: "cl_1" },
    ...{ eventType: "workflow.created", status: "waiting", cycle: 1, attempts: [] },
    ...{ nextAttemptAt: iso(0), createdAt: iso(0) },
  };
  const attempt = { httpStatus: 302, durationMs: 12, cycle: 1 };
  const answer = { bodyStart: "moved", location: "https://other.example.com" };
  const attemptHistory = [{ ...attempt, ...answer, attemptNumber: 1, atMs: NOON_MS + 5_000 }];
  const delivery = (of: Partial<DeliveryRecord> = {}) =>
    deliveryRecord({ deliveryId: "dl_1", clientId: "cl_1", webhookId: "wh_1", ...of });
  const webhook = (of: Partial<WebhookItem> = {}) =>
    webhookRecord({ clientId: "cl_1", webhookId: "wh_1", ...of });
  const params = { id: "dl_1" };

  test("Deliveries are listed newest first, without the texts of the answers", async () => {
    const { call, deliveries } = makeDeliveryOperations();
    await deliveries.create(delivery({ attemptHistory }));
    const later = { deliveryId: "dl_2", clientId: "cl_2", createdMs: NOON_MS + 1_000 };
    await deliveries.create(delivery(later));
    const nextCursor = writeCursor({ list: "deliveries", clientId: "" }, `${iso(1)}#dl_2`);
    expect(await call("listDeliveries", { query: { limit: 1 } })).toEqual({
      items: [{ ...view, id: "dl_2", clientId: "cl_2", createdAt: iso(1) }],
      nextCursor,
    });
    const query = { limit: 1, cursor: nextCursor };
    expect(await call("listDeliveries", { query })).toEqual({
      items: [{ ...view, attempts: [{ ...attempt, n: 1, at: iso(5) }] }],
    });
  });

  test("Deliveries are listed by every filter that is given, and by no other", async () => {
    const { asked, call } = makeDeliveryOperations();
    const of = { clientId: "cl_1", eventId: "e", webhookId: "wh_1" };
    const query = { limit: 7, ...of, ...hour, status: "failed", eventType: "workflow.*" };
    await call("listDeliveries", { query });
    await call("listDeliveries", { query: { limit: 7, clientId: "cl_1" } });
    expect(asked).toEqual([
      { ...of, limit: 7, ...hourMs, statuses: ["failed"], eventTypes: ["workflow.*"] },
      { clientId: "cl_1", limit: 7 },
    ]);
  });

  const url = "https://hooks.example.com/ackwire";
  const own = ["content-type", "webhook-id", "webhook-timestamp", "webhook-signature"];
  const headers = { names: ["x-a", "x-b"], sealed: "sealed" };

  test.each<[string, WebhookItem | undefined, object]>([
    ["with headers of its own", webhook({ headers }), { url, headerNames: [...own, "x-a", "x-b"] }],
    ["without headers of its own", webhook(), { url, headerNames: own }],
    [
      "that another has replaced",
      webhook({ webhookId: "wh_2", headers }),
      { url: "", headerNames: own },
    ],
    ["that is not stored", undefined, { url: "", headerNames: own }],
  ])("A delivery to a webhook %s is shown with what is sent", async (_which, stored, sent) => {
    const { call, deliveries, webhooks } = makeDeliveryOperations();
    if (stored) await webhooks.replace(stored);
    await deliveries.create(delivery({ attemptHistory, requestId: "rq_1" }));
    expect(await call("getDelivery", { params, query: {} })).toEqual({
      ...{ ...view, requestId: "rq_1" },
      attempts: [{ ...attempt, ...answer, n: 1, at: iso(5) }],
      sent: { ...sent, body: '{"id":"workflow.created:rq_1"}' },
    });
  });

  test("A delivery shows the names of the headers of its provider's scheme and of its trace", async () => {
    const { call, deliveries, webhooks } = makeDeliveryOperations();
    await webhooks.replace(webhook({ signedAs: "linked-api", headers }));
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    await deliveries.create(delivery({ traceparent }));
    const { sent } = await call("getDelivery", { params, query: {} });
    const signed = ["linked-api-signature", "linked-api-signature-timestamp"];
    expect(sent.headerNames).toEqual([...own, "traceparent", ...signed, "x-a", "x-b"]);
  });

  /** The operations, whose bodies cannot be opened because of this error. */
  async function withoutBody(error: Error) {
    const texts = { open: () => Promise.reject(error) };
    const { call, deliveries } = makeDeliveryOperations({ texts });
    await deliveries.create(delivery());
    return call("getDelivery", { params, query: {} });
  }

  test("Of a body that has expired a delivery says so", async () => {
    const { sent } = await withoutBody(new Failure("BODY_GONE", "there is no such blob"));
    expect(sent.body).toBe("(no longer stored)");
  });

  test.each([
    new Failure("DEPENDENCY_DOWN", "S3"),
    Object.assign(new Error("no failure of Ackwire"), { code: "BODY_GONE" }),
  ])("A delivery whose body cannot be read is not shown (%s)", async (error) => {
    await expect(withoutBody(error)).rejects.toBe(error);
  });

  test("A delivery is resent for its client, and is shown with it", async () => {
    const { call, called, deliveries } = makeDeliveryOperations();
    await deliveries.create(delivery());
    const shown = { id: "dl_1", status: "waiting", clientId: "cl_1" };
    for (const query of [{}, { clientId: "cl_1" }]) {
      expect(await call("resendDelivery", { params, query })).toEqual(shown);
    }
    expect(called).toEqual([
      ["resend", "cl_1", "dl_1"],
      ["resend", "cl_1", "dl_1"],
    ]);
  });

  test.each(["getDelivery", "resendDelivery"] as const)(
    "%s does not find a delivery of another client, or one that is not stored",
    async (operation) => {
      const { call, called, deliveries } = makeDeliveryOperations();
      await deliveries.create(delivery());
      const none = { code: "NOT_FOUND", message: "there is no such delivery" };
      const ofAnother = call(operation, { params, query: { clientId: "cl_2" } });
      await expect(ofAnother).rejects.toMatchObject(none);
      const unknown = call(operation, { params: { id: "dl_2" }, query: {} });
      await expect(unknown).rejects.toMatchObject(none);
      expect(called).toEqual([]);
    },
  );
});
