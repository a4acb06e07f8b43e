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

/** Two clients whose providers speak of the same ids, and who even have the same secret. */
let inbound: InboundRun;
let weLink: Address[];
let linkedApi: Address[];
beforeAll(async () => {
  inbound = await startInboundRun();
  const clients = [await inbound.newClient("one"), await inbound.newClient("other")];
  const connect = (provider: ProviderId) =>
    Promise.all(
      clients.map((clientId) => inbound.connect({ provider, clientId, secret: "the same secret" })),
    );
  weLink = await connect("we-link");
  linkedApi = await connect("linked-api");
});
afterAll(() => inbound.close());

const accountId = "shared-account";

/** The same bytes to both, one after the other and again: each client has its own event. */
async function eachHasItsOwn(addresses: Address[], text: string, subject: string) {
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

test("the same We-Link request id: neither shadows the other's", async () => {
  const text = signed({ status: "SUCCESS", request_id: "shared-1" }, "the same secret");
  await eachHasItsOwn(weLink, text, "shared-1");
});

test("the same Linked API workflow: neither shadows the other's", async () => {
  const id = "workflow.completed:shared-2";
  const data = { workflowId: "shared-2", accountId: "none", status: "completed" };
  const body = { id, type: "workflow.completed", createdAt: "2026-06-25T12:00:00.000Z", data };
  await eachHasItsOwn(linkedApi, JSON.stringify(body), "shared-2");
});

test("the same Linked API account: neither shadows the other's, and one's is not the other's", async () => {
  const [one] = linkedApi;
  if (!one) throw new Error("no connection");
  const { clientId, connectionId } = one;
  await inbound.administration.addAccount({ clientId, connectionId, accountId });
  const data = { accountId, status: "active" };
  const id = `account.active:${accountId}`;
  const body = { id, type: "account.active", createdAt: "2026-06-25T12:00:00.000Z", data };
  await eachHasItsOwn(linkedApi, JSON.stringify(body), accountId);
  const known = inbound.received
    .filter(isAbout(accountId))
    .filter(({ detail }) => !(detail.data as JsonObject).accountUnknown);
  expect(known.map(({ detail }) => detail.clientId)).toEqual([clientId]);
});

test("ids that look like a piece of the other's key stay where they came", async () => {
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

test("a client sees and changes its own connections alone", async () => {
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

test("nothing came twice, and nothing more came", () => inbound.nothingMore());
