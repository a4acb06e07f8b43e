import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test as base } from "vitest";
import type { LocalFile } from "../../local/run/local-file.ts";
import { signWeLink } from "../../shared/providers/we-link/pack.ts";
import { attachBusConsumer } from "../support/fakes/bus-consumer.ts";
import { startLocalProcess } from "../support/runs/local-process.ts";
import { longTimeoutSettings } from "../support/runs/long-timeout-settings.ts";

const test = base.extend<{ directory: string }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads a fixture's dependencies from its parameter.
  directory: async ({}, use) => {
    const directory = mkdtempSync(join(tmpdir(), "ackwire-process-"));
    await use(directory);
    rmSync(directory, { recursive: true, force: true });
  },
});

const weLinkOf = (local: LocalFile) => {
  const connection = local.connections.find(({ provider }) => provider === "we-link");
  if (!connection) throw new Error("no We-Link connection");
  return connection;
};

/** Sends one webhook and returns whether it was acked. */
async function send(local: LocalFile, n: number): Promise<boolean> {
  const { inboundUrl, secret = "" } = weLinkOf(local);
  const body = signWeLink({ status: "SUCCESS", request_id: `req-${n}`, result: { n } }, secret);
  return fetch(inboundUrl, { method: "POST", body }).then(
    ({ status }) => status === 200,
    () => false,
  );
}

const consumerOf = (local: LocalFile) =>
  attachBusConsumer({ awsUrl: local.awsEndpoint, busName: local.busName, name: "kept" });

const WEBHOOKS = 100;

test.concurrent("After a kill -9, a restart and a resend of the unacked webhooks, every event is published, and a duplicate has the same id and bytes", async ({
  directory,
  expect,
}) => {
  const args = ["--no-demo", "--data-dir", join(directory, "data")];
  const first = await startLocalProcess(directory, args);
  await consumerOf(first.local);
  const waiting = Array.from({ length: WEBHOOKS }, (_, n) => n);
  const acked = new Set<number>();
  const sending = Array.from({ length: 10 }, async () => {
    for (let n = waiting.pop(); n !== undefined; n = waiting.pop()) {
      if (await send(first.local, n)) acked.add(n);
      if (acked.size === WEBHOOKS / 2) first.child.kill("SIGKILL");
    }
  });
  await Promise.all(sending);
  await first.end("SIGKILL");
  expect(acked.size).toBeGreaterThanOrEqual(WEBHOOKS / 2);
  expect(acked.size).toBeLessThan(WEBHOOKS);

  const second = await startLocalProcess(directory, args);
  try {
    expect(second.local.connections.map(({ connectionId }) => connectionId)).toEqual(
      first.local.connections.map(({ connectionId }) => connectionId),
    );
    const consumer = await consumerOf(second.local);
    for (let n = 0; n < WEBHOOKS; n++) {
      if (!acked.has(n)) await expect.poll(() => send(second.local, n)).toBe(true);
    }
    // The claim of a killed worker is taken over when its lease ends after 30 s.
    const received = await consumer.collect(WEBHOOKS);
    const bytesById = new Map<string, Set<string>>();
    for (const { detail } of received) {
      const bytes = bytesById.get(detail.id) ?? new Set();
      bytesById.set(detail.id, bytes.add(JSON.stringify(detail)));
    }
    const requests = received.map(({ detail }) => detail.data.workflowId);
    expect(new Set(requests).size).toBe(WEBHOOKS);
    expect(bytesById.size).toBe(WEBHOOKS);
    expect([...bytesById.values()].filter(({ size }) => size > 1)).toEqual([]);
  } finally {
    expect(await second.end("SIGTERM")).toBe(0);
  }
});

test.concurrent("A local run has a demonstration, local.json, the simulator's controls, the admin command and the console, and ends at Ctrl-C", async ({
  directory,
  expect,
}) => {
  const settings = Object.entries({ ...longTimeoutSettings, inboundDeadlineMs: "4500" });
  const run = await startLocalProcess(directory, [
    ...["--speed", "3600"],
    ...settings.flatMap(([name, value]) => ["--setting", `${name}=${value}`]),
  ]);
  try {
    const { local } = run;
    const printed = () => run.lines.join("\n");
    await expect.poll(printed).toContain("The local run stays up until Ctrl-C.");
    // A webhook that is not acked in time on a busy machine is sent again.
    expect(printed()).toMatch(
      /16 webhooks sent, \d+ acked: 12 of 12 events on the bus, each once\./,
    );
    // The subscriber fails the first attempt; Standard Webhooks' library verifies both attempts.
    expect(printed()).toMatch(
      /attempt 1 +workflow\.completed:rq_\w+\n +signature verified .*; answered 500, on purpose/,
    );
    expect(printed()).toMatch(
      /attempt 2 .* with the same webhook-id\n +signature verified .*; answered 204/,
    );
    expect(printed()).toMatch(/says delivered; attempts 1: 500 in \d+ ms, 2: 204 in \d+ ms/);
    expect(printed()).not.toContain("whsec_");
    const authorization = `Bearer ${local.apiKey}`;
    const webhook = await fetch(`${local.apiUrl}/v1/webhook`, { headers: { authorization } });
    expect(webhook.status).toBe(404);
    expect(statSync(join(directory, ".ackwire/local.json")).mode & 0o777).toBe(0o600);
    const secrets = [local.apiKey, ...local.connections.map(({ inboundUrl }) => inboundUrl)];
    for (const secret of secrets) expect(printed()).not.toContain(secret);

    expect(local.connections.map(({ provider }) => provider)).toEqual(["we-link", "linked-api"]);
    expect(local.accounts).toHaveLength(4);
    expect(Object.keys(local.dialects["we-link"]?.headers ?? {})).toEqual([
      "x-api-key",
      "x-api-secret",
    ]);
    expect(Object.keys(local.dialects["linked-api"]?.headers ?? {})).toEqual([
      "linked-api-token",
      "identification-token",
    ]);
    expect(local.queues).toMatchObject({
      inbound: expect.stringContaining("http"),
      inboundDlq: expect.stringContaining("http"),
    });
    expect(Object.keys(local.tables).sort()).toEqual([
      "audit",
      "config",
      "deliveries",
      "events",
      "requests",
    ]);

    const control = async (method: string, path: string, body?: object) => {
      const response = await fetch(`${local.providerUrl}/_control/${path}`, {
        method,
        ...(body ? { body: JSON.stringify(body) } : {}),
      });
      return { status: response.status, body: (await response.json()) as object };
    };
    expect(await control("PUT", "behaviour", { forgeRate: 1, delayMs: [0, 10] })).toEqual({
      status: 200,
      body: {
        duplicateRate: 0,
        dropRate: 0,
        forgeRate: 1,
        actions: [],
        scripts: [],
        errorRate: 0,
        tooManyRequestsRate: 0,
        lostAnswerRate: 0,
        delayMs: [0, 10],
      },
    });
    expect((await control("PUT", "behaviour", { forgeRate: 2 })).status).toBe(400);
    expect((await control("PUT", "behaviour", { unknown: 1 })).status).toBe(400);
    const { body: seen } = await control("GET", "submissions");
    expect(seen).toMatchObject({ submissions: Array(4).fill({ provider: "we-link" }) });
    expect((await control("GET", "clock")).body).toMatchObject({ speed: 3600 });

    const admin = (...args: string[]) =>
      JSON.parse(
        execFileSync(
          process.execPath,
          [join(import.meta.dirname, "../../cli/admin.ts"), ...args, "--local"],
          { cwd: directory, input: "a secret code\n", encoding: "utf8" },
        ),
      );
    const { clientId } = admin("clients", "create", "--name", "another");
    const made = admin(
      ...["connections", "create", "--client", clientId],
      ...["--provider", "we-link", "--webhook-secret-file", "-"],
    );
    const consumer = await attachBusConsumer({
      awsUrl: local.awsEndpoint,
      busName: local.busName,
    });
    const body = signWeLink({ status: "SUCCESS", request_id: "mine" }, "a secret code");
    expect((await fetch(made.inboundUrl, { method: "POST", body })).status).toBe(200);
    const [event] = await consumer.collect(1);
    expect(event?.detail).toMatchObject({ clientId, data: { workflowId: "mine" } });
    expect(admin("connections", "list", "--client", clientId)).toHaveLength(1);
    const account = ["--client", clientId, "--account", "acc-1"];
    admin("accounts", "add", ...account, "--connection", made.connectionId);
    const pace = ["--hours", "mon-sun 00:00-24:00 Europe/Berlin", "--limit", "stPosts/day=3"];
    expect(admin("accounts", "set", ...account, ...pace, "--preset", "off")).toMatchObject({
      preset: "off",
      hours: { timeZone: "Europe/Berlin" },
    });
    expect(admin("accounts", "budget", ...account)).toMatchObject({
      limits: expect.arrayContaining([
        expect.objectContaining({ category: "stPosts", per: "day", max: 3, used: 0 }),
      ]),
      isOpen: true,
    });
    admin("connections", "delete", "--client", clientId, "--connection", made.connectionId);
    expect(admin("connections", "list", "--client", clientId)).toEqual([]);

    const page = await fetch(local.consoleUrl);
    expect(await page.text()).toContain("<title>Ackwire</title>");
  } finally {
    expect(await run.end("SIGINT")).toBe(0);
  }
});

test.concurrent("A second local run on the same port or data directory fails and names the conflict", async ({
  directory,
  expect,
}) => {
  const data = ["--no-demo", "--data-dir", join(directory, "data")];
  const first = await startLocalProcess(directory, data);
  try {
    const port = new URL(first.local.awsEndpoint).port;
    await expect(startLocalProcess(directory, ["--no-demo", "--aws-port", port])).rejects.toThrow(
      `Port ${port} is in use`,
    );
    await expect(startLocalProcess(directory, data)).rejects.toThrow(/data.*in use|lock/i);
  } finally {
    await first.end("SIGKILL");
  }
});

test.for<[string[], string]>([
  [["--speed", "0"], "--speed takes a number from 1 to 86400"],
  [["--port", "x"], "--port takes a port"],
  [["--setting", "dedupeRetentionDays"], "--setting takes NAME=VALUE"],
  [["--setting", "dedupeRetentionDay=3"], "dedupeRetentionDay: no such setting"],
  [["--setting", "dedupeRetentionDays=0"], 'dedupeRetentionDays: got "0"'],
  [["--inspect", "eat"], '(ingest, consume, api, operator, submit, deliver, reconcile), not "eat"'],
  [["--inspect", "consume=http"], "--inspect consume takes a port"],
  [["--inspect", "consume", "--inspect", "consume=0"], "names the function consume twice"],
  [["--inspect", "consume=9230", "--inspect", "api=9230"], "cannot share the inspector port 9230"],
  [["--nonsense"], "--nonsense"],
])(
  "A start with %j is rejected, and the message gives the reason",
  async ([args, message], { directory, expect }) => {
    await expect(startLocalProcess(directory, args)).rejects.toThrow(message);
  },
);
