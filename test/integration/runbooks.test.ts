import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { SendMessageCommand, SetQueueAttributesCommand, SQSClient } from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { signedByWeLink } from "../../acceptance/we-link-hash.ts";
import { localAws } from "../../local/aws/local-aws.ts";
import { closeServer, listen } from "../../local/loopback.ts";
import { callApi } from "../support/runs/call-api.ts";
import { type LocalProcess, startLocalProcess } from "../support/runs/local-process.ts";
import { WAIT_TIMEOUT_MS } from "../support/wait-timeout.ts";

/**
 * Three incidents on a local run, by the commands of the runbooks alone: the shell blocks of the
 * pages are run as they stand, with the ids in the place of their placeholders.
 */
const root = resolve(import.meta.dirname, "../..");
const page = (name: string) => readFileSync(join(root, "docs/runbooks", `${name}.md`), "utf8");
const blocksOf = (name: string) =>
  [...page(name).matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block = ""]) =>
    // In a list, a block is indented.
    block.replace(/^ {2}/gm, ""),
  );

let directory: string;
let run: LocalProcess;
/** The definitions of README.md, and those for the local run after them. */
let functions: string;
/** The one with which We-Link signs. */
let secret: string;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "ackwire-runbooks-"));
  // Where npx looks first, as it finds the command in a clone.
  mkdirSync(join(directory, "node_modules/.bin"), { recursive: true });
  symlinkSync(join(root, "cli/bin.js"), join(directory, "node_modules/.bin/ackwire"));
  const definitions = blocksOf("README").filter((block) => block.includes("output() {"));
  expect(definitions).toHaveLength(2);
  functions = definitions.join("\n");
  // A day passes in 24 seconds.
  run = await startLocalProcess(directory, ["--no-demo", "--speed", "3600"]);
  secret = connectionOf("we-link").secret ?? "";
});
afterAll(async () => {
  await run.end("SIGTERM");
  rmSync(directory, { recursive: true, force: true });
});

/** The block of a page that contains this text. */
function block(name: string, containing: string): string {
  const found = blocksOf(name).filter((one) => one.includes(containing));
  if (found.length !== 1) throw new Error(`${found.length} blocks of ${name} have "${containing}"`);
  return found[0] ?? "";
}

/** Runs a block. Each placeholder must be in it. @throws Error with what it printed, when it fails */
async function shell(script: string, placeholders: Record<string, string> = {}): Promise<string> {
  let filled = script;
  for (const [placeholder, value] of Object.entries(placeholders)) {
    if (!filled.includes(placeholder)) throw new Error(`no ${placeholder} in ${script}`);
    filled = filled.replaceAll(placeholder, value);
  }
  const child = spawn("bash", ["-euo", "pipefail", "-c", `${functions}\n${filled}`], {
    cwd: directory,
    env: {
      ...process.env,
      PATH: [join(root, "node_modules/.bin"), process.env.PATH].join(delimiter),
      ACKWIRE_KEY: run.local.apiKey,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let printed = "";
  let failed = "";
  child.stdout.on("data", (chunk: Buffer) => {
    printed += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    failed += chunk.toString();
  });
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`${filled}\nended with ${code}:\n${printed}\n${failed}`);
  return printed;
}

/** Repeats a block until it prints what is expected. */
async function shows(expected: RegExp, script: string, placeholders = {}): Promise<string> {
  const untilMs = Date.now() + WAIT_TIMEOUT_MS;
  for (;;) {
    const printed = await shell(script, placeholders);
    if (expected.test(printed)) return printed;
    if (Date.now() > untilMs) throw new Error(`never ${expected}:\n${script}\n${printed}`);
    await sleep(500);
  }
}

const connectionOf = (provider: string) => {
  const found = run.local.connections.find((one) => one.provider === provider);
  if (!found) throw new Error(`no connection of ${provider}`);
  return found;
};

/** Posts a webhook of We-Link, and repeats what a busy machine answers 503. */
async function post(requestId: string, signedWith: string): Promise<number> {
  const body = signedByWeLink({ status: "SUCCESS", request_id: requestId, result: {} }, signedWith);
  for (;;) {
    const { inboundUrl } = connectionOf("we-link");
    const { status } = await fetch(inboundUrl, { method: "POST", body });
    if (status !== 503) return status;
  }
}

test("A secret that the provider has rotated is found by the log, and set without a lost webhook", async () => {
  const { connectionId } = connectionOf("we-link");
  for (let n = 0; n < 6; n++) expect(await post(`rotated-${n}`, "the new secret")).toBe(401);

  const name = "signature-failures";
  await shows(/^[6-9]/m, block(name, "counted SignatureRejected"));
  const lines = await shows(/SIGNATURE_REJECTED/, block(name, "SIGNATURE_REJECTED"));
  expect(lines).toContain(`"connectionId":"${connectionId}"`);
  expect(lines).toContain(`"clientId":"${run.local.clientId}"`);
  await shell(block(name, "not settled"));
  // The local run has no access log: these two show nothing.
  for (const counting of ['"status":', "sourceIp"]) await shell(block(name, counting));

  writeFileSync(join(directory, "secret.txt"), "the new secret");
  const ids = { "cl_…": run.local.clientId, "cn_…": connectionId };
  await shell(block(name, "rotate-secret"), ids);
  secret = "the new secret";
  await expect.poll(() => post("rotated-0", "the new secret"), { timeout: 60_000 }).toBe(200);
});

test("A subscriber that was down for a day gets everything that it missed by one recovery", async () => {
  // A port on which nobody listens, until the subscriber is up again.
  const reserved = createServer();
  const address = await listen(reserved, 0);
  await closeServer(reserved);
  const { status } = await callApi(`${run.local.apiUrl}/v1/webhook`, {
    method: "PUT",
    headers: { authorization: `Bearer ${run.local.apiKey}` },
    body: { url: `http://${address}/` },
  });
  expect(status).toBe(201);
  const sent = ["down-0", "down-1", "down-2"];
  for (const one of sent) expect(await post(one, secret)).toBe(200);

  const name = "delivery-failures";
  await shows(
    /"message":"delivery failed"(?:[\s\S]*"message":"delivery failed"){2}/,
    block(name, "counted DeliveryFailed"),
  );
  const failed = await shell(block(name, "status=failed&limit=20").split("\n")[0] ?? "");
  const { items } = JSON.parse(failed) as { items: { id: string }[] };
  // With that of the incident before, if it was still on its way.
  expect(items.length).toBeGreaterThanOrEqual(3);
  const one = block(name, "status=failed&limit=20").split("\n")[1] ?? "";
  expect(await shell(one, { "dl_…": items[0]?.id ?? "" })).toContain("ECONNREFUSED");

  const received: string[] = [];
  const subscriber = createServer((request, response) => {
    received.push(String(request.headers["webhook-id"]));
    request.resume().on("end", () => response.writeHead(204).end());
  });
  await listen(subscriber, Number(address.split(":")[1]));
  try {
    const lines = block(name, "recover -X POST");
    const [test, ...others] = lines.split("\n");
    await shell(test ?? "");
    const recover = others.slice(0, 2).join("\n");
    const started = JSON.parse(await shell(recover, {})) as { recoveryId: string };
    await shows(/"status":"done"/, others[2] ?? "", { RECOVERY_ID: started.recoveryId });
    await expect
      .poll(() => new Set(received).size, { timeout: WAIT_TIMEOUT_MS })
      .toBeGreaterThanOrEqual(items.length + 1);
    await shows(/"items":\[\]/, block(name, "status=failed&limit=20").split("\n")[0] ?? "");
  } finally {
    await closeServer(subscriber);
  }
});

test("A poison message is found, redriven once more, and kept in a file when it cannot succeed", async () => {
  const { awsEndpoint, outputs } = run.local;
  const sqs = new SQSClient(localAws(awsEndpoint));
  // It is received again after a second, and not after a minute.
  const QueueUrl = outputs.InboundQueueUrl;
  const Attributes = { VisibilityTimeout: "1" };
  await sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes }));
  await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: "poison" }));

  const name = "inbound-dlq-not-empty";
  const found = await shows(/[0-9a-f-]{36}/, block(name, "dlq show"));
  const [messageId] = /[0-9a-f-]{36}/.exec(found) ?? [];
  expect(found).not.toContain("poison");
  expect(await shell(block(name, "message processing failed"))).toContain("MESSAGE_MALFORMED");

  expect(await shell(block(name, "redrive"))).toMatch(/messages +1/);
  await shows(new RegExp(messageId ?? ""), block(name, "dlq show"));
  await shell(block(name, "dlq drop"), { MESSAGE_ID: messageId ?? "" });
  const kept = join(directory, "poison.txt");
  expect(readFileSync(kept, "utf8")).toBe("poison");
  expect(statSync(kept).mode & 0o077).toBe(0);
  await shows(/waiting +0\s+inFlight +0/, block(name, "depth").split("\n")[0] ?? "");
  sqs.destroy();
});
