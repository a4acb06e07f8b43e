import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { type Json, postWebhook } from "../api.ts";
import type { OpenScene } from "../scene.ts";
import { signedByWeLink } from "../we-link-hash.ts";

/** A result that We-Link reports without a request of the client. */
const resultOf = (workflowId: string) => ({
  status: "SUCCESS",
  request_id: workflowId,
  result: { connected: true },
});

/** A webhook of Linked API as its documentation shows it. */
export function completedByLinkedApi(workflowId: string): string {
  return JSON.stringify({
    id: `workflow.completed:${workflowId}`,
    type: "workflow.completed",
    createdAt: new Date().toISOString(),
    data: { workflowId, status: "completed", result: { accepted: true } },
  });
}

/** Webhooks of both providers, from the inbound URL to the bus. */
export function inboundCases(openScene: OpenScene): void {
  const isOf = (workflowId: string) => (data: Json) => data.workflowId === workflowId;

  test("A signed webhook of We-Link is one event on the bus, and its replay is acked and is none", async () => {
    const { client, bus } = await openScene();
    const { inboundUrl, secret } = client.weLink;
    const [first, later] = [`acceptance-${randomUUID()}`, `acceptance-${randomUUID()}`];
    const body = signedByWeLink(resultOf(first), secret);
    assert.equal(await postWebhook(inboundUrl, body), 200);
    const event = await bus.event("workflow.completed", isOf(first));
    assert.equal(event.source, "ackwire");
    assert.equal(event.detail.clientId, client.clientId);
    assert.deepEqual(event.detail.data.result, { connected: true });

    assert.equal(await postWebhook(inboundUrl, body), 200);
    assert.equal(await postWebhook(inboundUrl, signedByWeLink(resultOf(later), secret)), 200);
    await bus.event("workflow.completed", isOf(later));
    const copies = bus.received.filter(({ detail }) => detail.data.workflowId === first);
    assert.equal(copies.length, 1);
  });

  test("A webhook of Linked API is an event on the bus, and the API lists it", async () => {
    const { client, bus } = await openScene();
    const workflowId = `acceptance-${randomUUID()}`;
    const body = completedByLinkedApi(workflowId);
    assert.equal(await postWebhook(client.linkedApi.inboundUrl, body), 200);
    const { detail } = await bus.event("workflow.completed", isOf(workflowId));
    assert.equal(detail.data.provider, "linked-api");
    const { items } = await client.api("GET /v1/events?limit=100");
    assert.ok(items.some(({ id }: Json) => id === detail.id));
  });

  test("A webhook with a forged signature is answered 401", async () => {
    const { client } = await openScene();
    const body = signedByWeLink(resultOf(`acceptance-${randomUUID()}`), "not the secret");
    assert.equal(await postWebhook(client.weLink.inboundUrl, body), 401);
  });

  test("A webhook to a URL with another token is answered 404", async () => {
    const { client } = await openScene();
    const { inboundUrl, secret } = client.weLink;
    const last = inboundUrl.endsWith("A") ? "B" : "A";
    const body = signedByWeLink(resultOf(`acceptance-${randomUUID()}`), secret);
    assert.equal(await postWebhook(`${inboundUrl.slice(0, -1)}${last}`, body), 404);
  });
}
