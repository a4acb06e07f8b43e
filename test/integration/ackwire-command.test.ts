import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as wait } from "node:timers/promises";
import { promisify } from "node:util";
import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { localAws } from "../../local/aws/local-aws.ts";
import { writeLocalFile } from "../../local/run/local-file.ts";
import { documentedCommands, wordsOf } from "../support/documented-commands.ts";
import { startTestRun, type TestRun } from "../support/runs/local-run.ts";
import { callWaitOptions } from "../support/wait-timeout.ts";

/* The command `ackwire`, as a process of its own, against one local run. */

const program = join(import.meta.dirname, "../../cli/bin.js");

/** The folder of the user, with the file of the local run. */
let directory: string;
let run: TestRun;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "ackwire-command-"));
  // A stack of its own: the common one of the tests knows no provider.
  run = await startTestRun({ speed: 1 });
  writeLocalFile(join(directory, ".ackwire/local.json"), run);
});

afterAll(async () => {
  await run?.close();
  rmSync(directory, { recursive: true, force: true });
});

interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

async function ackwire(...args: string[]): Promise<Ended> {
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [program, ...args], {
      cwd: directory,
    });
    return { code: 0, stdout, stderr };
  } catch (error) {
    return error as Ended;
  }
}

/** As {@link ackwire}, in a folder without a local run, by the API's address and a client's key. */
async function ackwireOfClient(...args: string[]) {
  const { stdout } = await promisify(execFile)(process.execPath, [program, ...args, "--json"], {
    cwd: tmpdir(),
    env: {
      ...process.env,
      ACKWIRE_API_URL: run.addresses.apiUrl,
      ACKWIRE_API_KEY: run.seed.apiKey,
    },
  });
  return JSON.parse(stdout);
}

async function json(...args: string[]) {
  const { code, stdout, stderr } = await ackwire(...args, "--json");
  expect(stderr).toBe("");
  expect(code).toBe(0);
  return JSON.parse(stdout);
}

/** Sends webhooks of a provider. @returns the ids that their events contain */
async function sendWebhooks(count: number, name: string): Promise<string[]> {
  const ids = Array.from({ length: count }, (_, nth) => `${name}-${nth}`);
  await Promise.all(
    ids.map((request_id) =>
      fetch(`${run.addresses.providerUrl}/_control/send`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({
          provider: "we-link",
          body: { status: "SUCCESS", request_id, result: {} },
        }),
      }),
    ),
  );
  return ids;
}

/** A receiver that verifies by the library of Standard Webhooks. */
async function startReceiver(answer: () => number, at = 0) {
  const received: { id: string; workflowId: string }[] = [];
  let secret: string | undefined;
  const server: Server = createServer(async (request, response) => {
    const body = await text(request);
    const headers = request.headers as Record<string, string>;
    const event = secret
      ? (new Webhook(secret).verify(body, headers) as Event)
      : (JSON.parse(body) as Event);
    // As long as a handler takes, so that a kill hits one of them.
    await wait(5);
    received.push({ id: event.id, workflowId: event.data.workflowId });
    response.writeHead(answer()).end();
  });
  server.listen(at, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    port,
    received,
    verifyWith: (of: string) => {
      secret = of;
    },
    close: () => server.close().closeAllConnections(),
  };
}

interface Event {
  id: string;
  data: { workflowId: string };
}

describe("commands", () => {
  test("A triggered event is printed, listed, found, and its story told", async () => {
    const made = await json("trigger", "CONNECTION_SENT");
    expect(made).toMatchObject({
      type: "workflow.completed",
      data: { eventType: "CONNECTION_SENT" },
    });
    const { items } = await json("events", "--type", "workflow.completed");
    expect(items.map(({ id }: Event) => id)).toContain(made.id);
    expect((await ackwire("events")).stdout).toContain(made.id);
    expect((await json("find", made.id)).items[0]).toMatchObject({ kind: "event", id: made.id });
    const { stdout } = await ackwire("why", made.id);
    expect(stdout).toContain(`event ${made.id}`);
    expect(stdout).toContain(run.seed.clientId);
  });

  test("A request that has ended gets a late result, each time with another content", async () => {
    const { apiUrl } = run.addresses;
    const headers = {
      authorization: `Bearer ${run.seed.apiKey}`,
      "content-type": "application/json",
      "idempotency-key": "late-result",
    };
    const of = { provider: "we-link", accountId: "we-link-account-1", action: "connect" };
    const body = JSON.stringify({ ...of, params: { profile_id: "jane" } });
    const response = await fetch(`${apiUrl}/v1/requests`, { method: "POST", headers, body });
    const { requestId } = (await response.json()) as { requestId: string };
    const status = async () => (await json("requests", "show", requestId)).status;
    await expect.poll(status, callWaitOptions).toBe("SUCCEEDED");
    for (const nth of [1, 2]) {
      const made = await json("trigger", "workflow.lateResult", "--request", requestId);
      expect([nth, made]).toEqual([
        nth,
        expect.objectContaining({
          type: "workflow.lateResult",
          data: expect.objectContaining({ requestId }),
        }),
      ]);
    }
    expect(await ackwire("trigger", "workflow.lateResult")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--request ID"),
    });
  });

  test("A change is made for the local run's own client, and is in the audit", async () => {
    const created = await json("keys", "create", "--scopes", "read", "--why", "a test");
    expect(created.apiKey).toMatch(/^ackwire_/);
    await json("keys", "revoke", created.keyId);
    const { items } = await json("audit");
    expect(items).toMatchObject([
      { action: "revokeClientKey", outcome: "done" },
      { action: "createClientKey", why: "a test", outcome: "done" },
    ]);
  });

  test("What only the admin command's use cases do is there too", async () => {
    const { stdout, code } = await ackwire(
      "operator-keys",
      "create",
      "--name",
      "me",
      "--scope",
      "read",
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/operatorKey +ackwire_op_/);
    expect(await json("operator-keys", "list")).toHaveLength(2);
  });

  test("A dead letter is shown, saved, and dropped after it was saved", async () => {
    const sqs = new SQSClient(localAws(run.addresses.awsUrl));
    const QueueUrl = run.outputs.InboundDlqUrl;
    await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "no message of ours" }));
    sqs.destroy();
    const { items } = await json("dlq", "show", "inbound");
    expect(items).toHaveLength(1);
    const [{ messageId }] = items;
    const dropped = await ackwire("dlq", "drop", "inbound", messageId, "--to", "letter");
    expect(dropped).toMatchObject({ code: 0, stdout: expect.stringContaining("is deleted") });
    expect((await json("dlq", "show", "inbound")).items).toEqual([]);
  });

  test("Status and doctor find nothing wrong", async () => {
    expect((await ackwire("status")).stdout).toContain("local, 1 client");
    const { items } = await json("doctor");
    expect(items.filter(({ outcome }: { outcome: string }) => outcome !== "ok")).toEqual([]);
  });

  test("A client's key is enough to look at its own records, and for nothing else", async () => {
    const { id } = await json("trigger", "workflow.completed");
    const { items } = await ackwireOfClient("events", "--limit", "100");
    expect(items.map((event: Event) => event.id)).toContain(id);
    expect((await ackwireOfClient("find", id)).items[0]).toMatchObject({ kind: "event", id });
    expect(await ackwireOfClient("status")).toMatchObject({ clients: 1 });
    await expect(ackwireOfClient("connections", "list", "--limit", "1")).resolves.toBeDefined();
    await expect(ackwireOfClient("audit")).rejects.toThrow("FORBIDDEN");
    await expect(ackwireOfClient("erase", "--client", run.seed.clientId)).rejects.toThrow(
      "name it with --stage",
    );
  });

  /** Those for the local run that end by themselves, and name nothing that is not there. */
  const runnable = documentedCommands("npx ackwire ").filter(
    ({ line }) =>
      !/ --(stage|stack|help)|…|\b[A-Z]{2,}\b|ackwire (dev|mcp|listen|tail)\b|\$/.test(line) &&
      !/rq_|dl_|cl_|cn_/.test(line),
  );
  test.each(runnable)("$line is done as $document says", async ({ line }) => {
    const [, , ...args] = wordsOf(line);
    expect(await ackwire(...args)).toMatchObject({ code: 0, stdout: expect.stringMatching(/./) });
  });

  test("Failures have exit code 1, wrong command lines 2, and both say what to do", async () => {
    expect(await ackwire("requests", "show", "rq_none")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("NOT_FOUND"),
    });
    expect(await ackwire("trigger", "nothing.known")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("there are workflow.completed"),
    });
    const elsewhere = await promisify(execFile)(process.execPath, [program, "status"], {
      cwd: tmpdir(),
    }).catch((error: Ended) => error);
    expect(elsewhere).toMatchObject({ code: 1, stderr: expect.stringContaining("ackwire dev") });
  });
});

describe("listen", () => {
  const started: ChildProcess[] = [];
  afterAll(() => {
    for (const child of started) child.kill("SIGKILL");
  });

  /** @returns the process, once it has printed its secret, and the secret */
  async function listen(port: number) {
    const child = spawn(process.execPath, [program, "listen", String(port)], {
      cwd: directory,
      stdio: ["ignore", "pipe", "inherit"],
    });
    started.push(child);
    const secret = await new Promise<string>((resolve, reject) => {
      let printed = "";
      child.stdout?.on("data", (chunk) => {
        printed += chunk;
        const found = /WEBHOOK_SECRET=(\S+)/.exec(printed)?.[1];
        if (found !== undefined) resolve(found);
      });
      child.once("exit", () => reject(new Error(`listen ended: ${printed}`)));
    });
    return { child, secret };
  }

  test("Killed twice while events come, it loses none, repeats at most those in flight, and keeps its secret", async () => {
    const receiver = await startReceiver(() => 204);
    const sent: string[] = [];
    const first = await listen(receiver.port);
    receiver.verifyWith(first.secret);
    const { length: before } = receiver.received;
    for (const name of ["one", "two"]) {
      sent.push(...(await sendWebhooks(40, `killed-${name}`)));
      const child = started.at(-1) as ChildProcess;
      const enough = before + sent.length - 30;
      await expect.poll(() => receiver.received.length, callWaitOptions).toBeGreaterThan(enough);
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
      // These come while nobody listens.
      sent.push(...(await sendWebhooks(10, `down-${name}`)));
      expect((await listen(receiver.port)).secret).toBe(first.secret);
    }
    const lost = () => {
      const got = new Set(receiver.received.map(({ workflowId }) => workflowId));
      return sent.filter((id) => !got.has(id));
    };
    await expect.poll(lost, callWaitOptions).toEqual([]);
    const ids = receiver.received.map(({ id }) => id);
    expect(ids.length - new Set(ids).size).toBeLessThanOrEqual(2);
    receiver.close();
  });

  test("A receiver that is down is waited for, and an event that it refuses three times does not stop the next", async () => {
    const down = await startReceiver(() => 204);
    const { port } = down;
    await listen(port);
    const last = () => down.received.at(-1)?.workflowId;
    const [before] = await sendWebhooks(1, "before");
    await expect.poll(last, callWaitOptions).toBe(before);
    down.close();
    const [refused] = await sendWebhooks(1, "refused");
    const receiver = await startReceiver(
      () => (receiver.received.at(-1)?.workflowId === refused ? 500 : 204),
      port,
    );
    const seen = (id: string | undefined) =>
      receiver.received.filter(({ workflowId }) => workflowId === id).length;
    await expect.poll(() => seen(refused), callWaitOptions).toBe(3);
    const [taken] = await sendWebhooks(1, "taken");
    await expect.poll(() => seen(taken), callWaitOptions).toBe(1);
    expect(seen(refused)).toBe(3);
    receiver.close();
  });
});

describe("mcp", () => {
  /** The official SDK's client, connected to a server of its own. */
  async function connect(...args: string[]) {
    const client = new Client({ name: "test", version: "1" });
    await client.connect(
      new StdioClientTransport({
        command: process.execPath,
        args: [program, "mcp", ...args],
        cwd: directory,
      }),
    );
    const call = async (name: string, values: Record<string, unknown> = {}) => {
      const answer = await client.callTool({ name, arguments: values });
      const [content] = answer.content as { text: string }[];
      return { isError: answer.isError === true, text: content?.text ?? "" };
    };
    const tool = async (name: string, values?: Record<string, unknown>) => {
      const { isError, text: answer } = await call(name, values);
      expect(isError, answer).toBe(false);
      return JSON.parse(answer);
    };
    return { client, call, tool };
  }

  test("Without --allow-writes there are tools that read, and no others", async () => {
    const { client, call, tool } = await connect();
    const { tools } = await client.listTools();
    expect(tools.length).toBeGreaterThan(20);
    expect(tools.every(({ annotations }) => annotations?.readOnlyHint)).toBe(true);
    expect(await tool("operator_getOverview")).toHaveProperty("needsYou");
    await expect(call("client_createRequest", { body: {} })).rejects.toThrow("There is no tool");
    expect(await call("operator_find", { identifier: "x" })).toMatchObject({ isError: true });
    await client.close();
  });

  test("It submits, watches, finds a failed delivery, and resends it", async () => {
    let status = 410;
    const receiver = await startReceiver(() => status);
    const { client, tool } = await connect("--allow-writes");
    const url = `http://127.0.0.1:${receiver.port}/`;
    const { secret } = await tool("client_putWebhook", { body: { url } });
    receiver.verifyWith(secret);

    const body = {
      provider: "we-link",
      accountId: "we-link-account-1",
      action: "connect",
      params: { profile_id: "p" },
    };
    const { requestId } = await tool("client_createRequest", { body });
    const request = () => tool("client_getRequest", { requestId });
    await expect.poll(async () => (await request()).status, callWaitOptions).toBe("SUCCEEDED");

    const failed = () => tool("operator_listDeliveries", { status: "failed" });
    await expect
      .poll(async () => (await failed()).items.length, callWaitOptions)
      .toBeGreaterThan(0);
    const [{ id, clientId, eventId }] = (await failed()).items;
    expect((await tool("operator_find", { id })).items[0]).toMatchObject({ kind: "delivery", id });

    // A delivery that failed because the 410 of another one disabled the webhook was never posted.
    const posts = () => receiver.received.filter((one) => one.id === eventId).length;
    const before = posts();
    status = 204;
    await tool("operator_enableWebhook", { clientId, body: { why: "it is mended" } });
    await tool("operator_resendDelivery", { id, body: { why: "it is mended" } });
    const delivery = () => tool("operator_getDelivery", { id });
    await expect.poll(async () => (await delivery()).status, callWaitOptions).toBe("delivered");
    expect(posts()).toBeGreaterThan(before);
    await client.close();
    receiver.close();
  });
});
