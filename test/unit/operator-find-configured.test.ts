import { setImmediate } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { ConnectionItem, WebhookItem } from "../../shared/contracts/config-items.ts";
import { findConfigured } from "../../shared/core/operator/find-configured.ts";
import type { OperatorDeps } from "../../shared/core/operator/ports.ts";
import { laneId } from "../../shared/core/requests/acceptance/request-id.ts";
import type { LanePause } from "../../shared/core/requests/state/record.ts";
import { makeTestClock } from "../support/fakes/clocks.ts";
import { makeFindOperation } from "../support/fakes/find-operation.ts";
import { iso, NOON_MS } from "../support/noon.ts";
import {
  deliveryJob,
  deliveryRecord,
  webhookRecord,
} from "../support/payloads/delivery-records.ts";
import { newOwner, requestRecord } from "../support/payloads/request-records.ts";

const clientId = "cl_a1";
const whose = { clientId, clientName: "Acme" };
const nothing = { code: "NOT_FOUND", message: expect.stringMatching(/^nothing has this id; /) };

test("A client is found by its id", async () => {
  const { find } = makeFindOperation();
  const story = [{ at: iso(0), kind: "created", title: "It was created" }];
  expect(await find(clientId)).toEqual([
    { ...whose, id: clientId, kind: "client", title: "Acme", story },
  ]);
  await expect(find("cl_d4")).rejects.toMatchObject(nothing);
});

describe("A connection", () => {
  const settings: ConnectionItem["settings"] = {
    ...{ status: "paused", signature: "enforce", hashForms: ["raw"] },
    ...{ allowUnboundJwt: false, verifyByFetch: false },
  };
  const refused = { count: 7, since: iso(1), lastAt: iso(2), addresses: [] };
  const paused = { kind: "paused", title: "It is paused", isFailure: true };

  test.each<[string, Partial<ConnectionItem>, object[]]>([
    ["active", {}, []],
    [
      "active",
      { refused },
      [
        {
          ...{ at: iso(2), kind: "webhook", isFailure: true },
          title: `7 webhooks were refused since ${iso(1)}`,
        },
      ],
    ],
    ["paused", { settings }, [{ ...paused, detail: "A person has paused it." }]],
    [
      "paused",
      { settings, pausedBecause: "CREDENTIALS_REFUSED" },
      [{ ...paused, detail: "CREDENTIALS_REFUSED" }],
    ],
  ])("A connection that is %s is found with what it needs (%#)", async (status, of, steps) => {
    const { addConnection, find } = makeFindOperation();
    addConnection(clientId, "cn_a1", of);
    const story = [{ at: iso(0), kind: "created", title: "It was created" }, ...steps];
    expect(await find("cn_a1")).toEqual([
      {
        ...{ ...whose, id: "cn_a1", kind: "connection", connectionId: "cn_a1", status },
        ...{ title: "A connection to we-link", story },
      },
    ]);
    await expect(find("cn_b2")).rejects.toMatchObject(nothing);
  });
});

describe("A webhook", () => {
  const registered = { at: iso(0), kind: "created", title: "It was registered" };
  const disabled = { at: iso(3), kind: "paused", title: "It was disabled", isFailure: true };
  const disabledAt = iso(3);
  const of = (more: Partial<WebhookItem> = {}) =>
    webhookRecord({ clientId, webhookId: "wh_a1", ...more });

  test.each<[Partial<WebhookItem>, object[]]>([
    [{ status: "active" }, [registered]],
    [{ status: "disabled", disabledAt }, [registered, disabled]],
    [
      { status: "disabled", disabledAt, disabledReason: "gone" },
      [registered, { ...disabled, detail: "gone" }],
    ],
  ])("A webhook with %j is found with its story", async (more, story) => {
    const { find, webhooks } = makeFindOperation();
    await webhooks.replace(of(more));
    await webhooks.replace(webhookRecord({ clientId: "cl_b2", webhookId: "wh_b2" }));
    const found = { ...whose, id: "wh_a1", kind: "webhook", title: "A client's webhook" };
    expect(await find("wh_a1")).toEqual([{ ...found, status: more.status, story }]);
    await expect(find("wh_a1", "cl_b2")).rejects.toMatchObject(nothing);
    await expect(find("wh_d4")).rejects.toMatchObject(nothing);
  });

  test("An earlier webhook is found with what became of it, and not with the current one's story", async () => {
    const { find, webhooks } = makeFindOperation();
    const earlier = { webhookId: "wh_0", status: "deleted", disabledAt } as const;
    const before = { webhookId: "wh_00", status: "disabled" } as const;
    await webhooks.replace(of({ previousWebhooks: [before, earlier], disabledAt }));
    const title = "It is deleted, and another has replaced it";
    expect(await find("wh_0")).toEqual([
      {
        ...{ ...whose, id: "wh_0", kind: "webhook", title: "A client's webhook" },
        ...{ status: "deleted", story: [{ kind: "note", title }] },
      },
    ]);
  });
});

describe("What a provider's id stands for", () => {
  /** Two connections of the first client, and one of the second. */
  function setUp() {
    const operation = makeFindOperation();
    operation.addConnection(clientId, "cn_0");
    operation.addConnection(clientId, "cn_1");
    operation.addConnection("cl_b2", "cn_2");
    return operation;
  }
  const id = "req-9";
  const reference = { connectionId: "cn_1", providerRequestId: id };
  const eventId = "message.reply:cn_1:m";
  const recorded = { providerRequestId: id, eventId, isFinal: false };

  test("A request and an event are found by the provider's id, on each connection that knows it", async () => {
    const { addEvent, find, references, requests } = setUp();
    const request = requestRecord(newOwner({ clientId, connectionId: "cn_1" }));
    await requests.create(request);
    const { requestId } = request;
    await references.bind({ ...reference, requestId });
    expect(await find(id)).toMatchObject([{ id: requestId, kind: "request", clientId }]);
    addEvent(eventId);
    await references.recordUnlessBound({ ...recorded, connectionId: "cn_0" });
    expect(await find(id, clientId)).toMatchObject([
      { id: eventId, kind: "event", clientId },
      { id: requestId, kind: "request", clientId },
    ]);
    await expect(find(id, "cl_b2")).rejects.toMatchObject(nothing);
  });

  test("A request or event that is not stored any more, or is another client's, is not found", async () => {
    const { addEvent, find, references, requests } = setUp();
    const request = requestRecord(newOwner({ clientId: "cl_b2", connectionId: "cn_1" }));
    await references.bind({ ...reference, requestId: request.requestId });
    await references.recordUnlessBound({ ...recorded, connectionId: "cn_0" });
    await expect(find(id)).rejects.toMatchObject(nothing);
    await requests.create(request);
    addEvent(eventId, { clientId: "cl_b2" });
    await expect(find(id)).rejects.toMatchObject(nothing);
  });

  const owner = newOwner({ clientId, connectionId: "cn_1", accountId: "acc" });
  const found = {
    ...{ ...whose, id: "acc", kind: "account", connectionId: "cn_1", accountId: "acc" },
    title: "An account at we-link",
  };
  const registered = { at: iso(0), kind: "created", title: "It was registered" };
  const paused = { kind: "paused", title: "It is paused", isFailure: true };

  test("An account is found on each connection at which it is registered", async () => {
    const { addAccount, find } = setUp();
    for (const connectionId of ["cn_0", "cn_1"]) addAccount(clientId, connectionId, "acc");
    const active = { ...found, status: "active", story: [registered] };
    expect(await find("acc")).toEqual([{ ...active, connectionId: "cn_0" }, active]);
    await expect(find("acc", "cl_b2")).rejects.toMatchObject(nothing);
  });

  test("An account that is not registered is found by its requests, with how many wait", async () => {
    const { find, lanes } = setUp();
    const now = { nowMs: NOON_MS, dueMs: NOON_MS, subQueues: [] };
    await lanes.join(laneId(owner), owner, { ...now, count: 2 });
    const title = "It is not registered; requests were made for it";
    const story = [
      { kind: "note", title },
      { kind: "waits", title: "2 of its requests wait" },
    ];
    expect(await find("acc")).toEqual([{ ...found, status: "active", story }]);
  });

  test.each<[string, LanePause, object[]]>([
    ["paused", { reason: "LIMITED" }, [{ ...paused, detail: "LIMITED" }]],
    [
      "paused",
      { reason: "LIMITED", untilMs: NOON_MS + 1_000 },
      [{ ...paused, detail: `LIMITED until ${iso(1)}` }],
    ],
    ["active", { reason: "LIMITED", untilMs: NOON_MS }, []],
  ])("An account is %s after the pause %j", async (status, pause, steps) => {
    const { addAccount, find, lanes } = setUp();
    addAccount(clientId, "cn_1", "acc");
    await lanes.pause(laneId(owner), owner, pause);
    expect(await find("acc")).toEqual([{ ...found, status, story: [registered, ...steps] }]);
  });
});

describe("An id of almost the right form", () => {
  const digits = "0".repeat(32);

  test.each([`xdl_${digits}`, `dl_${digits}0`, `dl_${digits.slice(1)}g`, `dl_${digits.slice(1)}`])(
    "What has not the form of a delivery\x27s id is none (%s)",
    async (deliveryId) => {
      const { deliveries, find } = makeFindOperation();
      await deliveries.create(deliveryRecord({ deliveryId, clientId }));
      await expect(find(deliveryId)).rejects.toMatchObject(nothing);
    },
  );

  test.each(["9job_1", "JOB_1", "job1"])(
    "What has not the form of a job\x27s id is none (%s)",
    async (jobId) => {
      const { find, jobs } = makeFindOperation();
      await jobs.create(deliveryJob({ jobId, clientId }));
      await expect(find(jobId)).rejects.toMatchObject(nothing);
    },
  );

  test.each(["other:1", "xworkflow.created:1", "workflow.created"])(
    "What does not begin with the type of an event is none (%s)",
    async (eventId) => {
      const { addEvent, find } = makeFindOperation();
      addEvent(eventId);
      await expect(find(eventId)).rejects.toMatchObject(nothing);
    },
  );

  test.each(["xcl_a1", "cl_a1x", "xcn_a1", "cn_a1x", "xwh_a1", "wh_a1x"])(
    "What has not the form of a client, connection or webhook can be an account (%s)",
    async (accountId) => {
      const { addAccount, addConnection, find } = makeFindOperation();
      addConnection(clientId, "cn_1");
      addAccount(clientId, "cn_1", accountId);
      expect(await find(accountId)).toMatchObject([{ kind: "account", accountId }]);
    },
  );
});

describe("What is looked through at the same time", () => {
  /** A function that answers, and how many calls of it run at the same time. */
  function makeCounted<Answer>(answer: Answer) {
    const running = { now: 0, most: 0 };
    async function call(): Promise<Answer> {
      running.most = Math.max(running.most, ++running.now);
      await setImmediate();
      running.now--;
      return answer;
    }
    return { call, running };
  }
  const unused = () => Promise.reject(new Error("there is no request and no event"));
  const find = (deps: object, clients: string[]) => {
    const wanted = { id: "acc", clients, ofRequest: unused, ofEvent: unused };
    return findConfigured(deps as unknown as OperatorDeps, wanted);
  };

  test("Ten clients are looked through at the same time", async () => {
    const { call: connectionsOf, running } = makeCounted([]);
    const clients = Array.from({ length: 11 }, (_, n) => `cl_${n}`);
    expect(await find({ store: { connectionsOf } }, clients)).toEqual([]);
    expect(running).toEqual({ now: 0, most: 10 });
  });

  test("Ten connections of one client are looked through at a time, in order", async () => {
    const account = makeCounted({ createdAt: iso(0) });
    const lane = makeCounted(undefined);
    const ids = Array.from({ length: 25 }, (_, n) => `cn_${n}`);
    const of = { clientId, provider: "we-link" };
    const connections = ids.map((connectionId) => ({ ...of, connectionId }));
    const deps = {
      clock: makeTestClock(),
      store: { connectionsOf: async () => connections, account: account.call },
      lanes: { find: lane.call },
      references: { findByProviderIds: async () => [] },
    };
    const found = await find(deps, [clientId]);
    expect(found.map(({ connectionId }) => connectionId)).toEqual(ids);
    expect(account.running).toEqual({ now: 0, most: 10 });
    expect(lane.running).toEqual({ now: 0, most: 10 });
  });
});
