import type { JsonObject } from "../../../shared/core/json/json.ts";
import { type Endpoint, eventOf, type Post } from "../fakes/webhook-receiver.ts";
import { accountStatuses, accountWords, workflowWords } from "../payloads/linked-api-payloads.ts";
import type { Client, OutboundRun } from "../runs/outbound-run.ts";
import {
  theAckingEndpoint,
  theRefusingEndpoint,
  theUnsteadyEndpoint,
} from "./endpoint-scenarios.ts";

/**
 * Scenarios of the webhooks of several clients at the same time. Each scenario
 * takes some seconds, and the tests of the specification check its result.
 */
export type Scenarios = ReturnType<typeof beginScenarios>;

export function beginScenarios(outbound: OutboundRun) {
  const scenarios = {
    runs: theRuns(outbound),
    refusing: theRefusingEndpoint(outbound),
    acking: theAckingEndpoint(outbound),
    unsteady: theUnsteadyEndpoint(outbound),
    modes: theModes(outbound),
    admin: theAdminCalls(outbound),
  };
  // A failed scenario fails the tests that use it.
  for (const scenario of Object.values(scenarios)) scenario.catch(() => undefined);
  return scenarios;
}

const action = { actionType: "st.openPersonPage", personUrl: "https://example.com/jane" };
export const completion = { actionType: action.actionType, success: true, data: { name: "Jane" } };

/** A workflow that the client starts: our id and Linked API's. */
interface Workflow {
  id: string;
  providerId: string;
}

async function startWorkflow(client: Client): Promise<Workflow> {
  const { body } = await client.linkedApi<{ result: { workflowId: string } }>(
    "POST",
    "/workflows",
    action,
  );
  const id = body.result.workflowId;
  return { id, providerId: (await client.submitted(id)).providerRequestId };
}

const about = (workflow: Workflow) => (post: Post) => eventOf(post).data.workflowId === workflow.id;

const withId = (id: string) => (post: Post) => post.id === id;

/** Registers a webhook with Linked API's own call. */
async function setWebhook(client: Client, endpoint: Endpoint) {
  interface Set {
    result: { webhook: { id: string; secret: string; payloadMode: string; isActive: boolean } };
  }
  const { body } = await client.linkedApi<Set>("POST", "/admin/webhook.set", { url: endpoint.url });
  return body.result.webhook;
}

/** Every event of the provider, at one endpoint that always succeeds. */
async function theRuns({ newClient, receiver, businessNow }: OutboundRun) {
  const client = await newClient("runs");
  const endpoint = receiver.endpoint();
  const webhook = await setWebhook(client, endpoint);
  const sendWebhook = (body: JsonObject) => client.sendWebhook("linked-api", body);

  for (const type of Object.keys(accountStatuses) as (keyof typeof accountStatuses)[]) {
    await sendWebhook(
      accountWords(type, { createdAt: businessNow(), accountId: client.accountId }),
    );
  }

  const beganAt = businessNow();
  const completed = await startWorkflow(client);
  const createdAt = businessNow();
  await sendWebhook(workflowWords("started", completed.providerId, { createdAt }));
  await endpoint.received(2, about(completed));
  const data = { result: completion };
  await sendWebhook(workflowWords("completed", completed.providerId, { createdAt, data }));
  await endpoint.received(3, about(completed));

  const failed = await startWorkflow(client);
  const failure = { status: "failed", result: { failure: { reason: "x", message: "It failed" } } };
  await sendWebhook(workflowWords("completed", failed.providerId, { createdAt, data: failure }));

  const cancelled = await startWorkflow(client);
  await sendWebhook(workflowWords("started", cancelled.providerId, { createdAt }));
  await endpoint.received(2, about(cancelled));
  await client.linkedApi("DELETE", `/workflows/${cancelled.id}`);
  await sendWebhook(workflowWords("completed", cancelled.providerId, { createdAt, data }));
  // A later event shows that this one caused no further webhook.
  const last = await startWorkflow(client);
  await sendWebhook(workflowWords("completed", last.providerId, { createdAt, data }));
  await endpoint.received(1, withId(`workflow.completed:${last.id}`));
  await endpoint.received(1, withId(`workflow.completed:${failed.id}`));
  const accountEvents = await endpoint.received(4, ({ id }) => id.startsWith("account."));
  await client.settled();

  return {
    client,
    endpoint,
    webhook,
    accountEvents,
    beganAt,
    endedAt: businessNow(),
    workflows: { completed, failed, cancelled, last },
    of: (workflow: Workflow) => endpoint.posts.filter(about(workflow)),
  };
}

/** The same workflow three times: fat, then thin, then fat again. */
async function theModes({ newClient, receiver, businessNow }: OutboundRun) {
  const client = await newClient("modes");
  const endpoint = receiver.endpoint();
  const webhook = await setWebhook(client, endpoint);
  const events = [];
  for (const payloadMode of [undefined, "thin", "fat"]) {
    if (payloadMode !== undefined) {
      const change = { id: webhook.id, payloadMode };
      await client.linkedApi("POST", "/admin/webhook.setPayloadMode", change);
    }
    const workflow = await startWorkflow(client);
    const words = { createdAt: businessNow(), data: { result: completion } };
    await client.sendWebhook("linked-api", workflowWords("completed", workflow.providerId, words));
    const [post] = await endpoint.received(1, withId(`workflow.completed:${workflow.id}`));
    if (post) events.push(eventOf(post));
  }
  return { client, endpoint, webhook, events };
}

/** All calls of Linked API for one webhook, from set to delete. */
async function theAdminCalls({ newClient, receiver }: OutboundRun) {
  const client = await newClient("admin");
  const endpoint = receiver.endpoint();
  const call = async (name: string, body: JsonObject = {}) => {
    const answer = await client.linkedApi<Answer>("POST", `/admin/webhook.${name}`, body);
    return { status: answer.status, ...answer.body };
  };
  interface Answer {
    success: boolean;
    result: JsonObject;
  }
  const set = await call("set", { url: endpoint.url, payloadMode: "thin" });
  const { id, secret } = set.result.webhook as { id: string; secret: string };
  const got = await call("get");
  const second = await call("set", { url: endpoint.url });
  const secondOfOurs = await client.native("PUT", "/v1/webhook", { url: endpoint.url });
  const switched = await call("setPayloadMode", { id, payloadMode: "fat" });
  const ours = await client.native("GET", "/v1/webhook");
  const sent = await call("sendTest");
  const [test] = (await endpoint.received(1)) as [Post];
  await client.deliveryOf(test.id);
  const listed = await call("deliveries");
  const replayed = await call("replayDelivery", { deliveryId: sent.result.deliveryId });
  const posts = await endpoint.received(2);
  const deleted = await call("delete", { id });
  const gone = await call("get");
  const setAgain = await call("set", { url: endpoint.url });
  const answers = { set, got, second, secondOfOurs, switched, ours, sent, listed, replayed };
  return { endpoint, id, secret, posts, ...answers, deleted, gone, setAgain };
}
