import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { localAws } from "../../local/aws/local-aws.ts";
import { signWeLink } from "../../shared/providers/we-link/pack.ts";
import { startWebhookReceiver } from "../support/fakes/webhook-receiver.ts";
import { startTestRun, type TestRun } from "../support/runs/local-run.ts";
import { waitOptions } from "../support/wait-timeout.ts";

/* What few calls need, through the roles of the functions: large texts, and what operators mend. */

let run: TestRun;
let receiver: Awaited<ReturnType<typeof startWebhookReceiver>>;
const SECRET = "the secret of the quarantined";

beforeAll(async () => {
  receiver = await startWebhookReceiver();
  run = await startTestRun({
    speed: 60,
    settings: { paceMinSeconds: "0", paceMaxSeconds: "0" },
  });
});

afterAll(async () => {
  await run?.close();
  await receiver?.close();
});

// biome-ignore lint/suspicious/noExplicitAny: the shapes are those of the contracts, which other tests check
type Answer = any;

async function call(
  method: "GET" | "POST" | "PUT" | "DELETE",
  path: string,
  { key = run.seed.apiKey, body }: { key?: string; body?: object | undefined } = {},
): Promise<Answer> {
  const response = await fetch(`${run.addresses.apiUrl}${path}`, {
    method,
    headers: { authorization: `Bearer ${key}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  expect({ path, status: response.status, text }).toMatchObject({
    status: expect.toSatisfy((status: number) => status < 300),
  });
  return text === "" ? undefined : JSON.parse(text);
}

const look = (path: string) => call("GET", `/v1/operator/${path}`, { key: run.seed.operatorKey });
const mend = (path: string, body: object = {}) =>
  call("POST", `/v1/operator/${path}`, { key: run.seed.operatorKey, body });

const accountOf = (provider: string) =>
  run.seed.accounts.find((account) => account.provider === provider)?.accountId ?? "";

/** Whether the role of a function has used a right. */
const isUsed = (role: string, action: string, resource = "") =>
  run
    .rights()
    .some(
      (right) =>
        right.isUsed &&
        right.roleId.startsWith(`Ackwire${role}Role`) &&
        right.action === action &&
        right.resource.includes(resource),
    );

test("An operator redrives the dead letters of every queue, one and all", async () => {
  const sqs = new SQSClient(localAws(run.addresses.awsUrl));
  const { outputs } = run;
  const urls: Record<string, string | undefined> = {
    inbound: outputs.InboundDlqUrl,
    submit: outputs.SubmitDlqUrl,
    requestSchedule: outputs.RequestScheduleDlqUrl,
    fanout: outputs.FanoutDlqUrl,
    attempts: outputs.AttemptsDlqUrl,
    retries: outputs.RetriesDlqUrl,
  };
  const { items } = await look("dead-letters");
  for (const { queue } of items) {
    const QueueUrl = urls[queue];
    for (const n of [1, 2, 3]) {
      await sqs.send(
        new SendMessageCommand({ QueueUrl, MessageBody: JSON.stringify({ v: 1, n }) }),
      );
    }
    const letters = async () => (await look(`dead-letters/${queue}/messages`)).items;
    await expect.poll(async () => (await letters()).length, waitOptions).toBe(3);
    const [one, two] = await letters();
    await mend(`dead-letters/${queue}/messages/${one.messageId}/drop`);
    await mend(`dead-letters/${queue}/messages/${two.messageId}/redrive`);
    await mend(`dead-letters/${queue}/redrive`);
  }
  expect(items.map(({ queue }: Answer) => queue).sort()).toEqual(Object.keys(urls).sort());
  sqs.destroy();
});

test("An operator pauses and resumes a recurring request, and cancels a scheduled one", async () => {
  const request = {
    provider: "we-link",
    accountId: accountOf("we-link"),
    action: "connect",
    params: { profile_id: "p" },
  };
  const body = { every: { cron: "0 9 ? * MON *", timeZone: "Europe/Berlin" }, request };
  await call("PUT", "/v1/recurring-requests/weekly", { body });
  await call("PUT", "/v1/recurring-requests/weekly", { body });
  const path = `clients/${run.seed.clientId}/recurring-requests/weekly`;
  await mend(`${path}/pause`);
  await mend(`${path}/resume`);
  expect((await call("GET", "/v1/recurring-requests/weekly")).status).toBe("active");
  await call("DELETE", "/v1/recurring-requests/weekly");

  const scheduled = new Date(Date.now() + 48 * 3_600_000).toISOString();
  const { requestId } = await call("POST", "/v1/requests", {
    body: { ...request, scheduled, group: "some" },
  });
  expect((await look("requests?group=some&limit=10")).items).toHaveLength(1);
  expect(await mend(`requests/${requestId}/cancel`)).toMatchObject({ status: "CANCELLED" });
  expect(isUsed("Operator", "scheduler:UpdateSchedule")).toBe(true);
});

test("An operator releases a webhook from quarantine when its secret is known", async () => {
  const { connectionId, inboundUrl } = await call("POST", "/v1/connections", {
    body: {
      provider: "we-link",
      webhookSecret: "a wrong secret",
      credentials: { "x-api-key": "a", "x-api-secret": "b" },
    },
  });
  await mend(`connections/${connectionId}/settings`, { signature: "quarantine" });
  // Larger than what a message of the queue carries.
  const event = { status: "SUCCESS", request_id: "theirs", result: { text: "x".repeat(90_000) } };
  const sent = await fetch(inboundUrl, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: signWeLink(event, SECRET),
  });
  expect(sent.status).toBe(200);
  const quarantine = `connections/${connectionId}/quarantine`;
  await expect.poll(async () => (await look(quarantine)).items.length, waitOptions).toBe(1);
  await mend(`connections/${connectionId}/rotate-secret`, { webhookSecret: SECRET });
  await expect
    .poll(async () => (await mend(`${quarantine}/release`)).released, waitOptions)
    .toBe(1);
  expect(isUsed("Operator", "s3:DeleteObject", "quarantine/")).toBe(true);
});

test("Texts that no item holds go through the bucket: params, a result, an event and its delivery", async () => {
  const endpoint = receiver.endpoint(() => 204);
  await call("PUT", "/v1/webhook", { body: { url: endpoint.url } });
  const { requestId } = await call("POST", "/v1/requests", {
    body: {
      provider: "linked-api",
      accountId: accountOf("linked-api"),
      action: "st.sendMessage",
      params: { personUrl: "https://www.linkedin.com/in/p", text: "x".repeat(150_000) },
    },
  });
  const status = async () => (await call("GET", `/v1/requests/${requestId}`)).status;
  await expect.poll(status, waitOptions).toBe("SUCCEEDED");
  expect(isUsed("Api", "s3:PutObject", "requests/")).toBe(true);
  expect(isUsed("Submit", "s3:GetObject", "requests/")).toBe(true);
});

test("A request that waits for an event watches for what the provider reports of the same person", async () => {
  const account = { provider: "we-link", accountId: accountOf("we-link") };
  const params = { profile_id: "person-1" };
  const { requestId } = await call("POST", "/v1/requests", {
    body: { ...account, action: "connect", params },
  });
  const dependsOn = { requestId, on: "event", event: "connection.accepted", within: "P30D" };
  const follower = await call("POST", "/v1/requests", {
    body: { ...account, action: "send_message_to_profile_id", params, dependsOn },
  });
  expect(follower).toMatchObject({ status: "SCHEDULED", waitsFor: "dependency" });
  expect(isUsed("Api", "dynamodb:BatchWriteItem", "Requests")).toBe(true);
});
