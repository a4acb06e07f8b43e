import { describe, expect, test } from "vitest";
import type { WebhookItem } from "../../shared/contracts/config-items.ts";
import { eventTypes } from "../../shared/contracts/events.ts";
import type { FoundView } from "../../shared/contracts/http/operator/find.ts";
import { deliveryIdOf } from "../../shared/core/deliveries/creation/new-delivery.ts";
import type { DeliveryRecord } from "../../shared/core/deliveries/state/record.ts";
import { makeFindOperation } from "../support/fakes/find-operation.ts";
import { iso, ms } from "../support/noon.ts";
import {
  deliveryJob,
  deliveryRecord,
  webhookRecord,
} from "../support/payloads/delivery-records.ts";
import { newOwner, requestRecord } from "../support/payloads/request-records.ts";

const clientId = "cl_a1";
const whose = { clientId, clientName: "Acme" };
const owner = newOwner({ clientId, connectionId: "cn_a1", accountId: "acc" });
const nothing = {
  code: "NOT_FOUND",
  message:
    "nothing has this id; requests, events, deliveries, webhooks, connections, clients and accounts are found by their whole ids, and requests and events also by the provider's",
};

const webhook = (of: Partial<WebhookItem> = {}) =>
  webhookRecord({ clientId, webhookId: "wh_1", ...of });
function delivery(webhookId: string, eventId: string, of: Partial<DeliveryRecord> = {}) {
  const deliveryId = deliveryIdOf(webhookId, eventId);
  return deliveryRecord({ deliveryId, clientId, webhookId, eventId, ...of });
}
const titlesOf = ([found]: readonly FoundView[]) => found?.story.map(({ title }) => title);

describe("A request", () => {
  test("A request is found with what it waits for, its events and their deliveries, in order", async () => {
    const { clock, deliveries, explained, waits, ...operation } = makeFindOperation();
    const request = requestRecord(owner);
    const { requestId: id } = request;
    const eventId = `workflow.created:${id}`;
    await operation.requests.create(request);
    waits.set(id, { waitsFor: "pace", reason: "The gap." });
    operation.addEvent(eventId, { publishedAt: iso(1) });
    const earlier = { webhookId: "wh_0", status: "deleted" } as const;
    await operation.webhooks.replace(webhook({ previousWebhooks: [earlier] }));
    await deliveries.create(delivery("wh_1", eventId, { createdMs: ms(3), nextMs: ms(9) }));
    const ended = { status: "delivered", createdMs: ms(2), endedMs: ms(4) } as const;
    await deliveries.create(delivery("wh_0", eventId, ended));
    clock.passBusiness(6_000);
    const found = await operation.find(id);
    expect(found).toEqual([
      {
        ...{ ...whose, id, kind: "request", connectionId: "cn_a1", accountId: "acc" },
        ...{ requestId: id, status: "QUEUED", title: "invite for acc", story: expect.any(Array) },
      },
    ]);
    expect(titlesOf(found)).toEqual([
      "invite was accepted",
      "workflow.created happened",
      "workflow.created was published",
      "workflow.created is to be delivered",
      "workflow.created is to be delivered",
      "The delivery is delivered",
      "It waits: pace",
      "The next attempt is due",
    ]);
    expect(explained).toEqual([[request]]);
  });

  test("A request has an event of each type, and the first ones of the types that repeat", async () => {
    const { addEvent, find, requests } = makeFindOperation();
    const request = requestRecord(owner);
    const { requestId: id } = request;
    await requests.create(request);
    const repeated = ["workflow.actionRequired", "workflow.lateResult", "event.unrecognised"];
    const ids = [
      ...eventTypes.filter((type) => !repeated.includes(type)).map((type) => `${type}:${id}`),
      ...repeated.flatMap((type) => [1, 2, 3, 4, 5].map((n) => `${type}:${id}:${n}`)),
    ];
    for (const one of ids) addEvent(one, { publishedAt: iso(1) });
    const later = repeated.map((type) => `${type}:${id}:6`);
    for (const one of [...later, `workflow.completed:${id}:1`]) addEvent(one);
    const [found] = await find(id);
    const happened = found?.story.filter(({ title }) => title.endsWith(" happened"));
    expect(happened?.map((step) => step.id)).toEqual(ids);
  });

  test("A request tells once that the webhook of its deliveries was disabled, before they end", async () => {
    const { addEvent, deliveries, find, requests, webhooks } = makeFindOperation();
    const request = requestRecord(owner);
    const { requestId: id } = request;
    await requests.create(request);
    const disabled = { status: "disabled", disabledAt: iso(5), disabledReason: "gone" } as const;
    await webhooks.replace(webhook(disabled));
    for (const type of ["workflow.created", "workflow.completed"]) {
      addEvent(`${type}:${id}`, { publishedAt: iso(1) });
      const times = { createdMs: ms(2), endedMs: ms(5) };
      const ended = { status: "failed", reason: "disabled", ...times } as const;
      await deliveries.create(delivery("wh_1", `${type}:${id}`, ended));
    }
    const found = await find(id);
    expect(titlesOf(found)?.slice(-3)).toEqual([
      "The client's webhook was disabled",
      "The delivery is failed (disabled)",
      "The delivery is failed (disabled)",
    ]);
    expect(found[0]?.story.filter(({ kind }) => kind === "paused")).toMatchObject([
      { at: iso(5), detail: "gone", id: "wh_1", idKind: "webhook" },
    ]);
  });

  test("A request of a client that is not stored any more has no client's name", async () => {
    const { find, requests } = makeFindOperation();
    const request = requestRecord(newOwner({ ...owner, clientId: "cl_d4" }));
    await requests.create(request);
    const [found] = await find(request.requestId);
    expect(found).toMatchObject({ kind: "request", clientId: "cl_d4" });
    expect(found).not.toHaveProperty("clientName");
  });
});

describe("An event and a delivery", () => {
  const { requestId } = requestRecord(owner);
  const id = `workflow.completed:${requestId}`;
  const deliveryId = deliveryIdOf("wh_1", id);
  const data = { requestId, accountId: "acc" };
  const ofRequest = { accountId: "acc", requestId, connectionId: "cn_a1" };
  const story = expect.any(Array);

  async function setUp() {
    const operation = makeFindOperation();
    await operation.requests.create(requestRecord(owner, { requestId }));
    operation.addEvent(id, { data, publishedAt: iso(1) });
    await operation.webhooks.replace(webhook());
    const failed = { status: "failed", endedMs: ms(2) } as const;
    const eventType = "workflow.completed";
    await operation.deliveries.create(delivery("wh_1", id, { ...failed, eventType }));
    return operation;
  }
  const titles = [
    "invite was accepted",
    "workflow.completed happened",
    "workflow.completed is to be delivered",
    "workflow.completed was published",
    "The delivery is failed",
  ];

  test("An event is found with its request, and with what came of both", async () => {
    const { explained, find } = await setUp();
    const found = await find(id);
    const title = "workflow.completed";
    expect(found).toEqual([
      { ...whose, ...ofRequest, id, kind: "event", title, status: "published", story },
    ]);
    expect(titlesOf(found)).toEqual(titles);
    expect(explained).toEqual([]);
  });

  test("A delivery is found with its event and its request, and has its own status", async () => {
    const { find } = await setUp();
    const found = await find(deliveryId);
    const title = "workflow.completed to the client's webhook";
    expect(found).toEqual([
      { ...whose, ...ofRequest, id: deliveryId, kind: "delivery", title, status: "failed", story },
    ]);
    expect(titlesOf(found)).toEqual(titles);
  });

  test("An event of no request, or of one that is not stored, is found alone", async () => {
    const { addEvent, find } = makeFindOperation();
    addEvent("message.reply:cn_a1:m");
    const alone = { id: "message.reply:cn_a1:m", kind: "event", title: "message.reply" };
    const found = await find(alone.id);
    expect(found).toEqual([{ ...whose, ...alone, status: "stored", story }]);
    expect(titlesOf(found)).toEqual([
      "message.reply happened",
      "It is not known to be published yet",
    ]);
    addEvent("account.active:cn_a1:m", { data });
    const ofGone = { id: "account.active:cn_a1:m", kind: "event", title: "account.active" };
    expect(await find(ofGone.id)).toEqual([
      { ...whose, ...ofGone, accountId: "acc", status: "stored", story },
    ]);
  });

  test("A delivery whose event is not stored is found with its own story", async () => {
    const { deliveries, find } = makeFindOperation();
    await deliveries.create(delivery("wh_1", id));
    const found = await find(deliveryId);
    const title = "workflow.created to the client's webhook";
    expect(found).toEqual([
      { ...whose, id: deliveryId, kind: "delivery", title, status: "waiting", story },
    ]);
    expect(titlesOf(found)).toEqual([
      "workflow.created is to be delivered",
      "The next attempt is due",
    ]);
  });

  test("A delivery whose event is not stored tells what became of its webhook too", async () => {
    const { deliveries, find, webhooks } = makeFindOperation();
    await webhooks.replace(webhook({ status: "disabled", disabledAt: iso(2) }));
    const ended = { status: "failed", reason: "disabled", endedMs: ms(3) } as const;
    await deliveries.create(delivery("wh_1", id, ended));
    expect(titlesOf(await find(deliveryId))).toEqual([
      "workflow.created is to be delivered",
      "The client's webhook was disabled",
      "The delivery is failed (disabled)",
    ]);
  });
});

test.each([
  [deliveryJob({ kind: "recover" }), "A recovery", []],
  [
    deliveryJob({ kind: "end", status: "done", finishedMs: ms(5) }),
    "The end of a webhook's deliveries",
    [{ at: iso(5), kind: "ended", title: "It ended" }],
  ],
])("A job is found with how far it is (%#)", async (of, title, end) => {
  const { find, jobs } = makeFindOperation();
  const job = { ...of, jobId: "job_1", clientId, examined: 3, changed: 2 };
  await jobs.create(job);
  const started = { at: iso(0), kind: "created", title: "It was started" };
  const story = [{ ...started, detail: "3 deliveries examined, 2 changed." }, ...end];
  expect(await find("job_1")).toEqual([
    { ...whose, id: "job_1", kind: "recovery", status: job.status, title, story },
  ]);
});

describe("Whose records are found", () => {
  /** One of each kind, of the first client. */
  async function withAll() {
    const operation = makeFindOperation();
    const request = requestRecord(owner);
    const ids = {
      ...{ request: request.requestId, event: "message.reply:cn_a1:m" },
      ...{ delivery: `dl_${"0".repeat(32)}`, recovery: "job_1" },
      ...{ connection: "cn_a1", client: clientId },
    };
    await operation.requests.create(request);
    operation.addEvent(ids.event);
    await operation.deliveries.create(deliveryRecord({ deliveryId: ids.delivery, clientId }));
    await operation.jobs.create(deliveryJob({ jobId: ids.recovery, clientId }));
    operation.addConnection(clientId, ids.connection);
    return { ...operation, ids };
  }

  test.each(["request", "event", "delivery", "recovery", "connection", "client"] as const)(
    "A %s is found among all clients and for its own, and not for another",
    async (kind) => {
      const { find, ids } = await withAll();
      const found = [{ id: ids[kind], kind, clientId }];
      expect(await find(ids[kind])).toMatchObject(found);
      expect(await find(ids[kind], clientId)).toMatchObject(found);
      await expect(find(ids[kind], "cl_b2")).rejects.toMatchObject(nothing);
    },
  );

  test.each(["request", "event", "delivery"] as const)(
    "A client's account that has the id of another client's %s is found",
    async (kind) => {
      const { addAccount, addConnection, find, ids } = await withAll();
      addConnection("cl_b2", "cn_b2");
      addAccount("cl_b2", "cn_b2", ids[kind]);
      const account = { kind: "account", clientId: "cl_b2", accountId: ids[kind] };
      expect(await find(ids[kind], "cl_b2")).toMatchObject([account]);
    },
  );

  test("Nothing is found for a client that does not exist", async () => {
    const { find } = await withAll();
    const noClient = { code: "NOT_FOUND", message: "there is no such client" };
    await expect(find("any", "cl_ff")).rejects.toMatchObject(noClient);
  });
});
