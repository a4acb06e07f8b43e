import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { type TestContext, test } from "node:test";
import { GetQueueAttributesCommand, SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { Webhook } from "standardwebhooks";
import { type Json, postWebhook } from "../api.ts";
import type { BusEvent } from "../bus.ts";
import type { Receiver } from "../receiver.ts";
import type { OpenScene, Scene } from "../scene.ts";
import { until } from "../until.ts";
import { completedByLinkedApi } from "./inbound.ts";

/** Deliveries to a subscriber's webhook, and dead letters. */
export function deliveryCases(openScene: OpenScene): void {
  test("An event is delivered to the webhook: the first attempt fails, the second has the same id and bytes and a valid signature", async (t) => {
    const { scene, receiver } = await openedWithReceiver(t, openScene);
    if (!receiver) return;
    const { detail } = await publishedEvent(scene);
    const [first, second] = await attempts(receiver, detail.id, 2);
    assert.equal(first?.body, second?.body);
    for (const { body, headers } of [first, second].filter((one) => one !== undefined)) {
      const verified = new Webhook(scene.subscriber.webhookSecret ?? "").verify(
        body,
        headers as Record<string, string>,
      );
      assert.equal((verified as Json).id, detail.id);
    }
    const delivery = await until("the delivery is recorded as delivered", async () => {
      const { items } = await scene.subscriber.api(
        `GET /v1/deliveries?eventId=${encodeURIComponent(detail.id)}`,
      );
      return items.find(({ status }: Json) => status === "delivered");
    });
    const { attempts: made } = await scene.subscriber.api(`GET /v1/deliveries/${delivery.id}`);
    assert.deepEqual(
      made.map(({ httpStatus }: Json) => httpStatus),
      [500, 204],
    );
  });

  test("A dead letter is counted and redriven by the admin command, and its event is delivered", async (t) => {
    const { scene, receiver } = await openedWithReceiver(t, openScene);
    if (!receiver) return;
    const QueueUrl = scene.target.outputs.FanoutDlqUrl ?? "";
    const sqs = new SQSClient(scene.target.aws);
    t.after(() => sqs.destroy());
    const countOf = async () => {
      const { Attributes } = await sqs.send(
        new GetQueueAttributesCommand({
          QueueUrl,
          AttributeNames: ["ApproximateNumberOfMessages"],
        }),
      );
      return Number(Attributes?.ApproximateNumberOfMessages);
    };
    const foreign = await countOf();
    if (foreign > 0) {
      return t.skip(`the queue has ${foreign} dead letters that are not the suite's to move`);
    }
    // As EventBridge sends an event to this queue that it could not send to the fan-out queue.
    const event = await publishedEvent(scene);
    const id = `${event.detail.id}:${randomUUID()}`;
    const letter = { ...event, detail: { ...event.detail, id } };
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: JSON.stringify(letter) }));
    await until("the dead letter is in its queue", async () => (await countOf()) > 0);
    const listed = (await scene.admin(["dead-letters", "list"])) as Json[];
    assert.equal(listed.find(({ queue }) => queue === "fanout")?.messages, 1);
    const redriven = await scene.admin(["dead-letters", "redrive", "--queue", "fanout"]);
    assert.deepEqual(redriven, [{ queue: "fanout", messages: 1, outcome: "moving" }]);
    await attempts(receiver, id, 1);
    await until("the queue of dead letters is empty", async () => (await countOf()) === 0);
  });
}

/** Waits for the scene; without a receiver, skips the case. */
async function openedWithReceiver(t: TestContext, openScene: OpenScene) {
  const scene = await openScene();
  const { receiver } = scene;
  if (typeof receiver !== "string") return { scene, receiver };
  t.skip(receiver);
  return { scene };
}

/** A new event of the subscriber, as it was published. */
async function publishedEvent({ subscriber, bus }: Scene): Promise<BusEvent> {
  const workflowId = `acceptance-${randomUUID()}`;
  const body = completedByLinkedApi(workflowId);
  assert.equal(await postWebhook(subscriber.linkedApi.inboundUrl, body), 200);
  return bus.event("workflow.completed", (data) => data.workflowId === workflowId);
}

const attempts = (receiver: Receiver, eventId: string, count: number) =>
  until(`${count} attempts to deliver ${eventId}`, () => {
    const received = receiver.received.filter((one) => one.eventId === eventId);
    return received.length >= count && received;
  });
