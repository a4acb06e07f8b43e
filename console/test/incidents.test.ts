import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { localAws } from "../../local/aws/local-aws.ts";
import { signWeLink } from "../../shared/providers/we-link/pack.ts";
import { callWaitOptions } from "../../test/support/wait-timeout.ts";
import { Reader, type Scene, startScene } from "./scene.ts";

/** A person finds the cause with so many clicks from the overview. */
const MAX_CLICKS = 5;

let scene: Scene;

/** A message that is not processed is parked after its second receive. */
function parkSoon(assemblyDir: string): void {
  const file = join(assemblyDir, "ackwire-local.template.json");
  const template = JSON.parse(readFileSync(file, "utf8")) as {
    Resources: Record<string, { Type: string; Properties: Record<string, unknown> }>;
  };
  const [, queue] =
    Object.entries(template.Resources).find(
      ([id, { Type }]) => Type === "AWS::SQS::Queue" && id.startsWith("AckwireInboundQueue"),
    ) ?? [];
  if (queue === undefined) throw new Error("no inbound queue");
  queue.Properties.VisibilityTimeout = 6;
  (queue.Properties.RedrivePolicy as { maxReceiveCount: number }).maxReceiveCount = 2;
  writeFileSync(file, JSON.stringify(template));
}

beforeAll(async () => {
  scene = await startScene({ edit: parkSoon });
});

afterAll(() => scene?.close());

describe("The three incidents, from the console alone", () => {
  test("The provider rotates its secret: refused webhooks are found, and the new secret is set", async () => {
    const { run } = scene;
    const connection = run.seed.connections.find(({ provider }) => provider === "we-link");
    const url = `${run.addresses.apiUrl}${connection?.inboundPath}`;
    const post = async (id: string) => {
      const body = { status: "SUCCESS", request_id: id, result: {} };
      return (await fetch(url, { method: "POST", body: signWeLink(body, "the new secret") }))
        .status;
    };
    for (const n of [1, 2, 3]) expect(await post(`before-${n}`)).toBe(401);

    const reader = await Reader.open(scene);
    await reader.overview();
    const need = reader.need(/refused/);
    await need.waitFor();
    await reader.click(need.getByRole("link", { name: "Show" }));
    await reader.sees(/webhooks to its URL were refused/);
    expect(reader.clicks).toBeLessThanOrEqual(MAX_CLICKS);
    await reader.does("Rotate the secret", {
      fields: { "New secret": "the new secret" },
      why: "The provider announced it",
    });
    await vi.waitFor(async () => expect(await post("after-1")).toBe(200), callWaitOptions);
    await reader.goto("/events");
    await reader.sees("workflow.completed");
    expect(await reader.page.content()).not.toContain("the new secret");
    await reader.close();
  });

  test("A subscriber is down for a day: its webhook is found failing, and everything is recovered", async () => {
    const { receiver, api } = scene;
    let isDown = true;
    const endpoint = receiver.endpoint(() => (isDown ? 500 : 204));
    await api("PUT", "/v1/webhook", { url: endpoint.url });
    for (const n of [1, 2, 3]) {
      scene.run.simulator.send("we-link", {
        status: "SUCCESS",
        request_id: `down-${n}`,
        result: {},
      });
    }
    await vi.waitFor(async () => {
      const { items } = await api("GET", "/v1/deliveries?status=failed");
      expect((items as unknown[]).length).toBeGreaterThanOrEqual(3);
    }, callWaitOptions);

    const reader = await Reader.open(scene);
    await reader.overview();
    const need = reader.need(/endpoint fails/);
    await need.waitFor();
    await reader.click(need.getByRole("link", { name: "Show" }));
    await reader.sees(/HTTP 500/);
    expect(reader.clicks).toBeLessThanOrEqual(MAX_CLICKS);
    isDown = false;
    const before = endpoint.posts.length;
    await reader.does("Recover", { why: "The receiver is up again" });
    await endpoint.received(before + 3);
    await reader.sees(/3 of 3 are sent again/);
    await reader.close();
    await api("DELETE", "/v1/webhook");
  });

  test("A poison message: the dead letter is found, looked at and dropped", async () => {
    const sqs = new SQSClient(localAws(scene.run.addresses.awsUrl));
    const QueueUrl = scene.run.outputs.InboundQueueUrl;
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "not ours" }));
    sqs.destroy();

    const reader = await Reader.open(scene);
    await reader.overview();
    const need = reader.need(/could not be processed/);
    await need.waitFor();
    await reader.click(need.getByRole("link", { name: "Show" }));
    const row = reader.page.getByRole("table", { name: "Dead letters" }).getByRole("link").first();
    await row.waitFor();
    await reader.click(row);
    await reader.sees("not ours");
    expect(reader.clicks).toBeLessThanOrEqual(MAX_CLICKS);
    await reader.does("Drop", { why: "Nobody sent it" });
    await reader.sees("This queue is empty");
    await reader.goto("/audit");
    await reader.sees("dropDeadLetter");
    await reader.sees("Nobody sent it");
    await reader.close();
  });
});
