import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import type { Route } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { localAws } from "../../local/aws/local-aws.ts";
import { composeAdministration } from "../../shared/composition/administration.ts";
import { Reader, type Scene, startScene } from "./scene.ts";

let scene: Scene;

beforeAll(async () => {
  scene = await startScene();
});

afterAll(() => scene?.close());

/** Creates an operator key. */
async function operatorKey(of: { name: string; scope: "read" | "admin" }): Promise<string> {
  const { addresses, outputs, clock } = scene.run;
  const administration = await composeAdministration({
    aws: localAws(addresses.awsUrl),
    outputs,
    nowMs: clock.now,
  });
  return (await administration.createOperatorKey(of)).operatorKey;
}

/** Signs out, and in with another key, without loading the page again. */
async function changeKey(reader: Reader, key: string): Promise<void> {
  await reader.click(reader.button("Sign out"));
  await reader.page.locator("input[type=password]").fill(key);
  await reader.click(reader.button("Sign in"));
  await reader.button("Sign out").waitFor();
  await reader.settled();
}

test("Who signs in after another one has their own name and buttons, and a page that was seen is asked for again", async () => {
  const sqs = new SQSClient(localAws(scene.run.addresses.awsUrl));
  const QueueUrl = scene.run.outputs.InboundDlqUrl;
  const sent = await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "not ours" }));
  sqs.destroy();
  const looked = `GET /v1/operator/dead-letters/inbound/messages/${sent.MessageId}`;
  const ofReader = await operatorKey({ name: "Rita", scope: "read" });
  const ofAdmin = await operatorKey({ name: "Adam", scope: "admin" });

  const reader = await Reader.open(scene);
  await reader.goto(`/dead-letters/inbound/${sent.MessageId}`);
  await reader.sees("not ours");
  await changeKey(reader, ofReader);
  await reader.sees("not ours");
  expect(await reader.button("Drop").count()).toBe(0);
  await reader.button("Sign out").hover();
  await reader.sees("Forget the key of “Rita”");

  reader.calls = [];
  await changeKey(reader, ofAdmin);
  await reader.button("Drop").waitFor();
  await reader.button("Sign out").hover();
  await reader.sees("Forget the key of “Adam”");
  expect(reader.calls).toContain(looked);
  await reader.close();
});

test("A key that is refused after another one has taken its place does not sign that one out", async () => {
  const { connectionId = "" } = scene.run.seed.connections[0] ?? {};
  const next = await operatorKey({ name: "Adam", scope: "admin" });
  const reader = await Reader.open(scene);
  await reader.goto(`/connections/${connectionId}`);
  const held = Promise.withResolvers<Route>();
  await reader.page.route(`**/connections/${connectionId}/pause`, (route) => held.resolve(route));
  await reader.click(reader.button("Pause"));
  const dialog = reader.page.getByRole("dialog");
  await reader.click(dialog.getByRole("button", { name: "Pause", exact: true }));
  const pause = await held.promise;
  await reader.click(dialog.getByRole("button", { name: "Cancel", exact: true }));
  await changeKey(reader, next);

  // After a change, also one that failed, everything on the page is read again.
  const readAgain = reader.page.waitForRequest("**/v1/operator/me");
  await pause.fulfill({ status: 401, contentType: "application/problem+json", body: "{}" });
  await readAgain;
  expect(await reader.button("Sign in").count()).toBe(0);
  await reader.button("Pause").waitFor();
  await reader.close();
});
