import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { JsonObject } from "../../shared/core/json/json.ts";
import { hmacHex } from "../../shared/providers/we-link/hash.ts";
import { signWeLink } from "../../shared/providers/we-link/pack.ts";
import { attachBusConsumer } from "../support/fakes/bus-consumer.ts";
import { postTo } from "../support/runs/inbound-run.ts";
import { startTestRun, type TestRun } from "../support/runs/local-run.ts";
import { runs } from "../support/runs/runs.ts";

let run: TestRun;
beforeAll(async () => {
  run = await startTestRun();
});
afterAll(() => run.close());

const connectionOf = (provider: string) => {
  const connection = run.seed.connections.find((one) => one.provider === provider);
  if (!connection) throw new Error(`no ${provider} connection`);
  return { ...connection, inboundUrl: `${run.addresses.apiUrl}${connection.inboundPath}` };
};

const consumerOf = () =>
  attachBusConsumer({ awsUrl: run.addresses.awsUrl, busName: run.outputs.BusName ?? "" });

const weLinkBody = (n: number): JsonObject => ({
  status: "SUCCESS",
  request_id: `req-${n}`,
  result: { connected: true, n },
});

const linkedApiBody = (n: number): JsonObject => ({
  id: `workflow.completed:wf-${n}`,
  type: "workflow.completed",
  createdAt: "2026-06-25T12:00:00.000Z",
  data: { workflowId: `wf-${n}`, accountId: "acc", status: "completed", result: { n } },
});

const { numRuns: WEBHOOKS } = runs(1_000);

test(`${WEBHOOKS} webhooks of both providers, each sent three times in random order over 20 connections, become ${WEBHOOKS} events`, async () => {
  const consumer = await consumerOf();
  const weLink = connectionOf("we-link");
  const linkedApi = connectionOf("linked-api");
  const webhooks = Array.from({ length: WEBHOOKS / 2 }, (_, n) => [
    { url: weLink.inboundUrl, body: signWeLink(weLinkBody(n), weLink.secret ?? "") },
    { url: linkedApi.inboundUrl, body: JSON.stringify(linkedApiBody(n)) },
  ]).flat();
  const waiting = shuffled([...webhooks, ...webhooks, ...webhooks]);
  const answers: string[] = [];
  await Promise.all(
    Array.from({ length: 20 }, async () => {
      for (let next = waiting.pop(); next; next = waiting.pop()) {
        const { status, text } = await postTo(next.url, next.body);
        answers.push(`${status} ${text}`);
      }
    }),
  );
  expect(answers).toHaveLength(3 * WEBHOOKS);
  expect(answers.filter((answer) => answer !== '200 {"accepted":true}')).toEqual([]);
  const received = await consumer.collect(WEBHOOKS);
  expect(new Set(consumer.ids()).size).toBe(WEBHOOKS);
  // A response of the bus that times out on a busy machine publishes the same event again. If
  // every webhook were published, there would be three times as many.
  expect(received.length).toBeLessThan(2 * WEBHOOKS);
  expect(new Set(received.map(({ detail }) => JSON.stringify(detail))).size).toBe(WEBHOOKS);
  expect(run.printed.filter((line) => line.includes("INTERNAL_ERROR"))).toEqual([]);
});

describe("Invalid webhooks", () => {
  test("A forged, misdirected or invalid webhook is rejected with its status and is not published", async () => {
    const consumer = await consumerOf();
    const weLink = connectionOf("we-link");
    const linkedApi = connectionOf("linked-api");
    const signed = signWeLink(weLinkBody(5_000), weLink.secret ?? "");
    const wrongToken = (url: string) =>
      `${url.slice(0, -4)}${url.endsWith("0000") ? "1111" : "0000"}`;
    const cases: [string, string, string | Uint8Array, number][] = [
      ["tampered", weLink.inboundUrl, signed.replace("5000", "5001"), 401],
      ["unsigned", weLink.inboundUrl, JSON.stringify(weLinkBody(5_000)), 401],
      ["another secret", weLink.inboundUrl, signWeLink(weLinkBody(5_000), "other"), 401],
      ["wrong token", wrongToken(weLink.inboundUrl), signed, 404],
      ["wrong token", wrongToken(linkedApi.inboundUrl), JSON.stringify(linkedApiBody(5_000)), 404],
      ["the other provider's address", linkedApi.inboundUrl, signed, 400],
      ["not JSON", weLink.inboundUrl, "hello", 400],
      ["not JSON", linkedApi.inboundUrl, "<xml/>", 400],
      ["empty", linkedApi.inboundUrl, "", 400],
      ["not UTF-8", linkedApi.inboundUrl, Buffer.from([0x7b, 0xff, 0x7d]), 400],
      ["no required fields", linkedApi.inboundUrl, "{}", 400],
      ["too large", linkedApi.inboundUrl, JSON.stringify({ x: "x".repeat(240_001) }), 413],
    ];
    for (const [name, url, body, status] of cases) {
      const answer = await postTo(url, body);
      expect([name, answer.status]).toEqual([name, status]);
      expect(JSON.parse(answer.text)).toMatchObject({ status, code: expect.any(String) });
    }
    const last = { ...linkedApiBody(5_002), id: "workflow.completed:last" };
    expect((await postTo(linkedApi.inboundUrl, JSON.stringify(last))).status).toBe(200);
    const received = await consumer.collect(1);
    expect(received.map(({ detail }) => detail.data.workflowId)).toEqual(["wf-5002"]);
  });
});

test("An event on the bus has the envelope of its type", async () => {
  const consumer = await consumerOf();
  const { inboundUrl, secret = "", connectionId } = connectionOf("we-link");
  const text =
    '{"status":"SUCCESS","request_id":"exact","result":{"big":9007199254740993,"one":1.0}}';
  const body = `${text.slice(0, -1)},"hash":"${hmacHex(secret, text)}"}`;
  expect((await postTo(inboundUrl, body)).status).toBe(200);
  const [event] = await consumer.collect(1);
  expect(event).toMatchObject({
    source: "ackwire",
    "detail-type": "workflow.completed",
    detail: {
      clientId: run.seed.clientId,
      id: expect.stringContaining(`workflow.completed:${connectionId}:exact:`),
      type: "workflow.completed",
      data: {
        provider: "we-link",
        workflowId: "exact",
        providerRequestId: "exact",
        status: "completed",
        eventType: "UNKNOWN",
      },
    },
  });
});

function shuffled<T>(list: T[]): T[] {
  for (let at = list.length - 1; at > 0; at--) {
    const other = Math.floor(Math.random() * (at + 1));
    [list[at], list[other]] = [list[other] as T, list[at] as T];
  }
  return list;
}
