import { createServer } from "node:http";
import { setTimeout } from "node:timers/promises";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { localAws } from "../../../local/aws/local-aws.ts";
import { closeServer, listen } from "../../../local/loopback.ts";
import { makeMasterKeyReader } from "../../../shared/adapters/secrets-manager-master-keys.ts";

const SecretString = JSON.stringify({ current: "k1", k1: "a".repeat(64) });
/** The status of each response in order; 200 when the list is empty. */
let answers: number[] = [];
let calls = 0;
const server = createServer(async (_, response) => {
  calls++;
  const status = answers.shift() ?? 200;
  await setTimeout(30);
  response.writeHead(status, { "content-type": "application/x-amz-json-1.1" });
  response.end(
    JSON.stringify(status === 200 ? { SecretString } : { __type: "InternalServiceError" }),
  );
});
let client: SecretsManagerClient;
beforeAll(async () => {
  client = new SecretsManagerClient({
    ...localAws(`http://${await listen(server, 0)}`),
    maxAttempts: 1,
  });
});
afterAll(async () => {
  client.destroy();
  await closeServer(server);
});

let nowMs = 0;
let told: unknown[] = [];
let read: ReturnType<typeof makeMasterKeyReader>;
beforeEach(() => {
  nowMs = 1_000_000;
  calls = 0;
  answers = [];
  told = [];
  read = makeMasterKeyReader({
    ...{ client, secretId: "master", nowMs: () => nowMs },
    onNonFatalError: (error) => told.push(error),
  });
});
const signal = () => new AbortController().signal;

test("Ten concurrent reads of the master keys share one call, and later reads use its result", async () => {
  const all = await Promise.all(Array.from({ length: 10 }, () => read(signal(), "k1")));
  expect(all.every(({ keys }) => keys.has("k1"))).toBe(true);
  await read(signal(), "k1");
  expect(calls).toBe(1);
});

test("A failed call fails every read that shares it, and the next read calls again", async () => {
  answers = [500];
  const failing = await Promise.allSettled([read(signal()), read(signal())]);
  expect(failing.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect((await read(signal())).keys.has("k1")).toBe(true);
  expect(calls).toBe(2);
});

test("A read does not join a call that began a second ago, because its worker may have been frozen", async () => {
  const frozen = read(signal());
  nowMs += 1_000;
  await read(signal());
  await frozen;
  expect(calls).toBe(2);
});

test("Keys that cannot be read again are used, and are read again half a minute later", async () => {
  await read(signal());
  nowMs += 5 * 60_000;
  answers = [500];
  expect((await read(signal(), "k1")).keys.has("k1")).toBe(true);
  expect(calls).toBe(2);
  expect(told).toMatchObject([{ code: "DEPENDENCY_DOWN" }]);
  nowMs += 29_999;
  await read(signal());
  expect(calls).toBe(2);
  nowMs += 1;
  await read(signal());
  expect(calls).toBe(3);
  nowMs += 2_000;
  answers = [500];
  await expect(read(signal(), "k2")).rejects.toMatchObject({ code: "DEPENDENCY_DOWN" });
});

test("A missing master key is loaded again, at most every two seconds", async () => {
  await read(signal());
  await read(signal(), "k2");
  expect(calls).toBe(1);
  nowMs += 2_000;
  await Promise.all([read(signal(), "k2"), read(signal(), "k2")]);
  expect(calls).toBe(2);
});
