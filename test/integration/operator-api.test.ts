import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { localAws } from "../../local/aws/local-aws.ts";
import { composeAdministration } from "../../shared/composition/administration.ts";
import { startTestRun, type TestRun } from "../support/runs/local-run.ts";
import { waitOptions } from "../support/wait-timeout.ts";

/* The operator API as an operator uses it: on a local run, with two clients. */

let run: TestRun;
let sqs: SQSClient;
let other: { clientId: string; apiKey: string; connectionId: string };

beforeAll(async () => {
  run = await startTestRun();
  sqs = new SQSClient(localAws(run.addresses.awsUrl));
  const administration = await composeAdministration({
    aws: localAws(run.addresses.awsUrl),
    outputs: run.outputs,
  });
  const { clientId } = await administration.createClient("another");
  const { apiKey } = await administration.createApiKey(clientId);
  const { connectionId } = await administration.createConnection({
    clientId,
    provider: "we-link",
    webhookSecret: "another secret",
    credentials: { "x-api-key": "a", "x-api-secret": "b" },
  });
  other = { clientId, apiKey, connectionId };
});

afterAll(async () => {
  sqs?.destroy();
  await run?.close();
});

/** Any member of any answer, as the test reads it. */
// biome-ignore lint/suspicious/noExplicitAny: the shapes are those of the contracts, which other tests check
type Answer = any;

async function call(
  method: "GET" | "POST",
  path: string,
  { key = run.seed.operatorKey, body = {} }: { key?: string; body?: object } = {},
): Promise<{ status: number; answer: Answer }> {
  const response = await fetch(`${run.addresses.apiUrl}${path}`, {
    method,
    headers: { authorization: `Bearer ${key}` },
    ...(method === "POST" ? { body: JSON.stringify(body) } : {}),
  });
  return { status: response.status, answer: await response.json() };
}

const look = async (path: string, key?: string) =>
  (await call("GET", `/v1/operator/${path}`, key ? { key } : {})).answer;
const mend = (path: string, body: object = {}) => call("POST", `/v1/operator/${path}`, { body });

/** Accepts a request of a client. @returns its id */
async function accept(apiKey: string, accountId: string): Promise<string> {
  const { status, answer } = await call("POST", "/v1/requests", {
    key: apiKey,
    body: { provider: "we-link", accountId, action: "connect", params: { url: "x" } },
  });
  expect({ status, answer }).toMatchObject({ status: 202 });
  return answer.requestId;
}

test("A request is found by its id with its story, and a list has the requests of all clients", async () => {
  const account = run.seed.accounts.find(({ provider }) => provider === "we-link")?.accountId ?? "";
  const own = await accept(run.seed.apiKey, account);
  const ofOther = await accept(other.apiKey, "their-account");
  const { items } = await look("requests?limit=100");
  const ids = items.map(({ requestId }: Answer) => requestId);
  expect(ids).toEqual(expect.arrayContaining([own, ofOther]));
  const pages = [];
  let cursor = "";
  do {
    const page = await look(`requests?limit=1${cursor}`);
    pages.push(...page.items.map(({ requestId }: Answer) => requestId));
    cursor = page.nextCursor ? `&cursor=${encodeURIComponent(page.nextCursor)}` : "";
  } while (cursor);
  expect(pages).toEqual(ids);
  const [found] = (await look(`find/${own}`)).items;
  expect(found).toMatchObject({ kind: "request", clientId: run.seed.clientId });
  expect(found.story[0]).toMatchObject({ kind: "accepted" });
});

test("A portal link sees nothing of another client, by no operation", async () => {
  const ofOther = await accept(other.apiKey, "their-account");
  const { answer: link } = await call("POST", "/v1/portal-link", { key: run.seed.apiKey });
  const { token } = link;
  expect(await look("me", token)).toMatchObject({ kind: "portal", clientId: run.seed.clientId });
  for (const path of [
    `requests/${ofOther}`,
    `find/${ofOther}`,
    `find/${other.clientId}`,
    `find/${other.connectionId}`,
    `find/their-account`,
    `connections/${other.connectionId}`,
    `clients/${other.clientId}`,
    `clients/${other.clientId}/accounts/their-account`,
    `requests?clientId=${other.clientId}`,
    `events/${encodeURIComponent(`workflow.created:${ofOther}`)}`,
  ]) {
    const { status } = await call("GET", `/v1/operator/${path}`, { key: token });
    expect({ path, status }).toEqual({ path, status: 404 });
  }
  for (const list of ["requests", "events", "deliveries", "connections", "accounts", "webhooks"]) {
    const { items } = await look(`${list}?limit=100`, token);
    const clients = new Set(items.map(({ clientId }: Answer) => clientId));
    expect({ list, clients: [...clients].filter((one) => one !== run.seed.clientId) }).toEqual({
      list,
      clients: [],
    });
  }
  expect(JSON.stringify(await look("overview", token))).not.toContain(other.clientId);
});

test("A webhook with a wrong signature shows up in what needs you, and a new secret ends that", async () => {
  const [connection] = run.seed.connections.filter(({ provider }) => provider === "we-link");
  const { connectionId = "", inboundPath = "" } = connection ?? {};
  const forged = JSON.stringify({ status: "SUCCESS", request_id: "r1", hash: "0".repeat(64) });
  const url = `${run.addresses.apiUrl}${inboundPath}`;
  const send = () => fetch(url, { method: "POST", body: forged });
  await expect.poll(async () => (await send()).status, waitOptions).toBe(401);
  const refused = async () =>
    (await look("overview")).needsYou.filter(({ kind }: Answer) => kind === "webhooks_refused");
  await expect.poll(refused, waitOptions).toMatchObject([{ subject: { id: connectionId } }]);
  expect(await look(`connections/${connectionId}`)).toMatchObject({
    refused: { addresses: [expect.any(String)] },
  });
  const { status, answer } = await mend(`connections/${connectionId}/rotate-secret`, {
    webhookSecret: "the provider's new one",
    why: "the provider rotated it",
  });
  expect({ status, answer }).toMatchObject({ status: 200 });
  expect(JSON.stringify(answer)).not.toContain("the provider's new one");
  await expect.poll(refused, waitOptions).toEqual([]);
});

test("A dead letter is looked at, redriven or dropped, one by one", async () => {
  const QueueUrl = run.outputs.InboundDlqUrl;
  const body = JSON.stringify({ v: 1, connectionId: other.connectionId, nonsense: true });
  for (const MessageBody of [body, `${body} `]) {
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody }));
  }
  const letters = async () => (await look("dead-letters/inbound/messages")).items;
  await expect.poll(async () => (await letters()).length, waitOptions).toBe(2);
  const [one, two] = await letters();
  expect(one).toMatchObject({ clientId: other.clientId, connectionId: other.connectionId });
  expect(await look(`dead-letters/inbound/messages/${one.messageId}`)).toMatchObject({
    body: expect.stringContaining("nonsense"),
  });
  // An overview is remembered for some seconds.
  const parked = async () =>
    (await look("overview")).needsYou.filter(({ kind }: Answer) => kind === "dead_letters");
  await expect
    .poll(parked, waitOptions)
    .toMatchObject([{ count: 2, subject: { kind: "queue", id: "inbound" } }]);
  expect(await mend(`dead-letters/inbound/messages/${one.messageId}/drop`)).toMatchObject({
    status: 200,
  });
  expect(await mend(`dead-letters/inbound/messages/${two.messageId}/redrive`)).toMatchObject({
    status: 200,
  });
  await expect.poll(letters, waitOptions).toEqual([]);
  expect(await mend(`dead-letters/inbound/messages/${two.messageId}/drop`)).toMatchObject({
    status: 404,
  });
});

test("A change is in the audit records with who, what and why, and no secret is", async () => {
  const { clientId, connectionId } = other;
  await mend(`connections/${connectionId}/credentials`, {
    credentials: { "x-api-key": "very-secret", "x-api-secret": "more-secret" },
    why: "they were refused",
  });
  await call("POST", `/v1/operator/connections/cn_0000000000000000/pause`);
  const audit = await look("audit?limit=100");
  expect(audit.items).toEqual(
    expect.arrayContaining([
      expect.objectContaining({
        action: "setConnectionCredentials",
        whoName: "local",
        why: "they were refused",
        clientId,
        target: { connectionId },
        outcome: "done",
      }),
      expect.objectContaining({ action: "pauseConnection", outcome: "refused", code: "NOT_FOUND" }),
    ]),
  );
  expect(JSON.stringify(audit)).not.toMatch(/very-secret|more-secret|new one/);
});

test("A key of a client with the scope read looks, and changes nothing", async () => {
  const { answer } = await call("POST", "/v1/keys?scope=read", { key: other.apiKey });
  const key = answer.apiKey;
  expect(answer.scopes).toEqual(["read"]);
  expect(await call("GET", "/v1/requests", { key })).toMatchObject({ status: 200 });
  expect(await call("POST", "/v1/webhook/test", { key })).toMatchObject({
    status: 403,
    answer: { code: "FORBIDDEN" },
  });
});
