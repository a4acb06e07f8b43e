import { afterAll, beforeAll, expect, test } from "vitest";
import type { ProviderId } from "../../shared/contracts/providers.ts";
import type { JsonObject } from "../../shared/core/json/json.ts";
import {
  type Address,
  type InboundRun,
  isAbout,
  postTo,
  signed,
  startInboundRun,
} from "../support/runs/inbound-run.ts";

/** Two clients whose providers use the same ids; both have the same secret. */
let inbound: InboundRun;
let weLink: Address[];
let linkedApi: Address[];
beforeAll(async () => {
  inbound = await startInboundRun();
  const clients = [await inbound.newClient("one"), await inbound.newClient("other")];
  const connect = (provider: ProviderId, secret?: string) =>
    Promise.all(
      clients.map((clientId) =>
        inbound.connect({ provider, clientId, ...(secret === undefined ? {} : { secret }) }),
      ),
    );
  weLink = await connect("we-link", "the same secret");
  linkedApi = await connect("linked-api");
});
afterAll(() => inbound.close());

const accountId = "shared-account";

/** Posts the same bytes to both clients twice and expects one event for each client. */
async function expectOneEventEach(addresses: Address[], text: string, subject: string) {
  for (const { url } of [...addresses, ...addresses]) {
    expect((await postTo(url, text)).status).toBe(200);
  }
  const events = await inbound.events(isAbout(subject), 2);
  const whose = events.map(({ detail }) => `${detail.clientId} ${detail.id.split(":")[1]}`);
  expect(whose.sort()).toEqual(
    addresses.map(({ clientId, connectionId }) => `${clientId} ${connectionId}`).sort(),
  );
  expect(new Set(events.map(({ detail }) => detail.id)).size).toBe(2);
}

test("Two clients with the same We-Link request id each get their own event", async () => {
  const text = signed({ status: "SUCCESS", request_id: "shared-1" }, "the same secret");
  await expectOneEventEach(weLink, text, "shared-1");
});

test("Two clients with the same Linked API workflow id each get their own event", async () => {
  const id = "workflow.completed:shared-2";
  const data = { workflowId: "shared-2", accountId: "none", status: "completed" };
  const body = { id, type: "workflow.completed", createdAt: "2026-06-25T12:00:00.000Z", data };
  await expectOneEventEach(linkedApi, JSON.stringify(body), "shared-2");
});

test("Two clients with the same Linked API account id each get their own event, and it is known only to its client", async () => {
  const [one] = linkedApi;
  if (!one) throw new Error("no connection");
  const { clientId, connectionId } = one;
  await inbound.administration.addAccount({ clientId, connectionId, accountId });
  const data = { accountId, status: "active" };
  const id = `account.active:${accountId}`;
  const body = { id, type: "account.active", createdAt: "2026-06-25T12:00:00.000Z", data };
  await expectOneEventEach(linkedApi, JSON.stringify(body), accountId);
  const known = inbound.received
    .filter(isAbout(accountId))
    .filter(({ detail }) => !(detail.data as JsonObject).accountUnknown);
  expect(known.map(({ detail }) => detail.clientId)).toEqual([clientId]);
});

test("A request id that contains another connection's id stays on its own connection", async () => {
  const [one, other] = weLink;
  if (!one || !other) throw new Error("no connection");
  for (const request_id of [
    `${other.connectionId}:shared-3`,
    `${other.connectionId}#x`,
    "a:b:c",
    "~",
  ]) {
    const body = signed({ status: "SUCCESS", request_id }, one.secret);
    expect((await postTo(one.url, body)).status).toBe(200);
    const [event] = await inbound.events(isAbout(request_id), 1);
    expect(event?.detail.clientId).toBe(one.clientId);
    expect(event?.detail.id).toMatch(
      new RegExp(`^workflow.completed:${one.connectionId}:~[0-9a-f]{64}:`),
    );
  }
});

test("A client can read and change its own connections only", async () => {
  const [one, other] = weLink;
  if (!one || !other) throw new Error("no connection");
  const { administration } = inbound;
  const ids = (await administration.listConnections(one.clientId)).map((of) => of.connectionId);
  expect(ids).toContain(one.connectionId);
  expect(ids).not.toContain(other.connectionId);
  const asOne = { clientId: one.clientId, connectionId: other.connectionId, accountId: "x" };
  const tries = [
    administration.getConnection(one.clientId, other.connectionId),
    administration.rotateToken(one.clientId, other.connectionId),
    administration.rotateSecret(one.clientId, other.connectionId, "s"),
    administration.updateConnection(one.clientId, other.connectionId, { status: "paused" }),
    administration.deleteConnection(one.clientId, other.connectionId),
    administration.addAccount(asOne),
  ];
  for (const result of await Promise.allSettled(tries)) {
    expect(result).toMatchObject({ status: "rejected", reason: { code: "NOT_FOUND" } });
  }
});

test("Every expected event is published once, and no other event is", () => inbound.nothingMore());
