import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { SynthesisOptions } from "../../local/run/synthesise.ts";
import { deliver, linkedApiWebhook } from "../support/fakes/sender.ts";
import { startWebhookReceiver } from "../support/fakes/webhook-receiver.ts";
import { earlierCommit, synthesiseEarlier } from "../support/runs/earlier-version.ts";
import { type RequestsRun, startRequestsRun } from "../support/runs/requests-run.ts";
import { synthesiseHere } from "../support/runs/synthesise-here.ts";
import { LONG_TEST_TIMEOUT_MS } from "../support/wait-timeout.ts";

const commit = earlierCommit();
if (commit === undefined) {
  console.log("two versions: skipped, because this is no clone with its history");
}

/** A minute of business time passes in a second. */
const SPEED = 60;
const WEBHOOKS = 25;
const REQUESTS = 15;
const ACCOUNTS = 6;
const START_LINE = "an earlier version starts";
/** Those that were there before. */
const FUNCTIONS = ["ingest", "api", "consume", "submit", "deliver", "reconcile"];

let run: RequestsRun;
let receiver: Awaited<ReturnType<typeof startWebhookReceiver>>;
let earlier = "";
let today = "";
const directory = mkdtempSync(join(tmpdir(), "ackwire-two-versions-"));

beforeAll(async () => {
  if (commit === undefined) return;
  let options: SynthesisOptions | undefined;
  receiver = await startWebhookReceiver();
  run = await startRequestsRun({
    speed: SPEED,
    settings: {
      ...{ paceMinSeconds: "0", paceMaxSeconds: "0" },
      ...{ deliveryDelaysSeconds: "5,5,5,5,5,5,5", deliveryBreakerFailures: "1000" },
    },
    async synthesise(of) {
      options = of;
      await synthesiseHere(of);
    },
  });
  if (!options) throw new Error("the run synthesised nothing");
  today = options.outputDir;
  earlier = await synthesiseEarlier(commit, { directory, startLine: START_LINE, options });
}, LONG_TEST_TIMEOUT_MS);

afterAll(async () => {
  await run?.close();
  await receiver?.close();
  rmSync(directory, { recursive: true });
});

/** Gives a share of the invocations to an assembly. */
async function update(assemblyDir: string, share: number): Promise<void> {
  const url = `${run.run.addresses.consoleUrl}/_control/update`;
  const body = JSON.stringify({ assemblyDir, share });
  const headers = { "content-type": "application/json" };
  const response = await fetch(url, { method: "POST", headers, body });
  expect([response.status, await response.text()]).toEqual([200, '{"updated":true}']);
}

/** Sends webhooks and makes requests. @returns the ids of the requests */
async function traffic(phase: string): Promise<string[]> {
  const connection = run.run.seed.connections.find(({ provider }) => provider === "linked-api");
  const url = `${run.run.addresses.apiUrl}${connection?.inboundPath}`;
  const webhooks = Array.from({ length: WEBHOOKS }, async (_, n) => {
    const attempts = await deliver(url, linkedApiWebhook(`${phase}-${n}`));
    expect(attempts.at(-1)?.status).toBe(200);
  });
  const requests = Array.from({ length: REQUESTS }, async (_, n) => {
    const { status, body } = await run.request({
      accountId: `account-${n % ACCOUNTS}`,
      action: "connect",
      params: { profile_id: `${phase}-${n}`, text: "long ".repeat(n * 40) },
    });
    expect(status).toBe(202);
    return body.requestId;
  });
  await Promise.all(webhooks);
  return Promise.all(requests);
}

test.skipIf(commit === undefined)(
  "Two versions work on the same requests, webhooks and deliveries: nothing is lost, and nothing is submitted twice",
  async () => {
    // The first attempt of every other event fails: the other version may make the next one.
    const attempted = new Set<string>();
    const endpoint = receiver.endpoint(({ id }, nth) => {
      const isFirst = !attempted.has(id);
      attempted.add(id);
      return isFirst && nth % 2 === 1 ? 500 : 204;
    });
    expect((await run.native("PUT", "/v1/webhook", { url: endpoint.url })).status).toBe(201);
    await run.behave({ delayMs: [1_000, 120_000] });
    const phases = [
      { name: "both", assembly: earlier, share: 0.5 },
      { name: "the earlier one", assembly: earlier, share: 1 },
      { name: "both again", assembly: today, share: 0.5 },
      { name: "today's", assembly: today, share: 1 },
    ];
    const requestIds: string[] = [];
    for (const { name, assembly, share } of phases) {
      // What is under way is finished by the versions of the next phase.
      await update(assembly, share);
      requestIds.push(...(await traffic(name)));
    }
    const webhooks = phases.length * WEBHOOKS;

    const wait = { timeout: LONG_TEST_TIMEOUT_MS, interval: 1_000 };
    const statuses = async () => {
      const path = "/v1/requests?limit=100";
      const { body } = await run.native<{ items: { status: string }[] }>("GET", path);
      return Map.groupBy(body.items, ({ status }) => status);
    };
    const succeeded = async () => (await statuses()).get("SUCCEEDED")?.length;
    await expect.poll(succeeded, wait).toBe(requestIds.length);
    const published = () => new Set(run.received.map(({ detail }) => detail.id));
    const expected = webhooks + 3 * requestIds.length;
    await vi.waitUntil(() => published().size >= expected, wait);
    await vi.waitUntil(() => new Set(endpoint.posts.map(({ id }) => id)).size >= expected, wait);
    const open = async () => {
      const path = "/v1/deliveries?limit=100&status=";
      const lists = await Promise.all(
        ["waiting", "sending", "failed"].map((status) =>
          run.native<{ items: object[] }>("GET", `${path}${status}`),
        ),
      );
      return lists.flatMap(({ body }) => body.items ?? []);
    };
    await expect.poll(open, wait).toEqual([]);

    expect(published().size).toBe(expected);
    const submissions = await run.submissions();
    expect(submissions.length).toBe(requestIds.length);
    const started = run.run
      .logged()
      .split("\n")
      .filter((line) => line.includes(START_LINE));
    for (const name of FUNCTIONS) {
      expect(
        started.filter((line) => line.toLowerCase().includes(`ackwire${name}function`)).length,
        name,
      ).toBeGreaterThan(0);
    }
  },
  2 * LONG_TEST_TIMEOUT_MS,
);
