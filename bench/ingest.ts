import { type ChildProcess, fork } from "node:child_process";
import { createHmac, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { marshall } from "@aws-sdk/util-dynamodb";
import { build } from "../infra/constructs/bundle.ts";
import { hashForm } from "../shared/contracts/webhook-forms.ts";
import { sha256Hex } from "../shared/core/crypto/digest.ts";
import { readMasterKeys, seal } from "../shared/core/crypto/master-keys.ts";
import { signWeLink } from "../shared/providers/we-link/pack.ts";
import { startStubAws } from "./ingest/stub-aws.ts";
import { assembleInto, functionsOf } from "./run/assembly.ts";
import { makeReport, percentile } from "./run/report.ts";

const usage = `node bench/ingest.ts [options]

CPU time of \`ingest\` for one webhook, warm, beside a handler that is written by hand.

  --rounds N      of each, in alternation; at least 7 (11)
  --webhooks N    of a round (1000)
  --before DIR    another commit's assembly (cdk.out), which is measured too`;

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "11" },
    webhooks: { type: "string", default: "1000" },
    before: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(usage);
  process.exit(0);
}
const rounds = Math.max(7, Number(values.rounds));
const webhooks = Number(values.webhooks);
const goal = 1.15;

const directory = mkdtempSync(join(tmpdir(), "ackwire-ingest-"));
process.once("exit", () => rmSync(directory, { recursive: true, force: true }));

const secret = "the secret of the webhooks";
const token = "t".repeat(64);
const masterSecret = JSON.stringify({ current: "k1", k1: "m".repeat(64) });
const pk = "connection#cn_1";
const connection = {
  pk,
  clientId: "cl_1",
  connectionId: "cn_1",
  createdAt: "2026-06-25T12:00:00.000Z",
  provider: "we-link",
  tokens: [{ sha256: sha256Hex(token) }],
  sealedSecrets: seal(
    {
      masterKeys: readMasterKeys(masterSecret),
      randomHex: (bytes) => randomBytes(bytes).toString("hex"),
    },
    pk,
    JSON.stringify({ webhookSecrets: [{ secret }] }),
  ),
  settings: {
    status: "active",
    signature: "enforce",
    // As a new connection has them.
    hashForms: hashForm.options,
    allowUnboundJwt: false,
    verifyByFetch: false,
  },
  version: 1,
};

const body = signWeLink(
  {
    status: "SUCCESS",
    request_id: "r-1",
    result: { text: "A profile of usual length. ".repeat(30) },
  },
  secret,
);
const event = {
  version: "2.0",
  routeKey: "POST /v1/in/{provider}/{connectionId}/{token}",
  pathParameters: { provider: "we-link", connectionId: "cn_1", token },
  headers: {
    "content-type": "application/json",
    "x-signature": createHmac("sha256", secret).update(body).digest("hex"),
  },
  requestContext: { requestId: "request", http: { method: "POST", path: "/" } },
  body,
  isBase64Encoded: false,
};

const aws = await startStubAws({
  GetItem: { Item: marshall(connection) },
  UpdateItem: {},
  GetSecretValue: { SecretString: masterSecret },
  SendMessage: { MessageId: "m" },
});

interface Side {
  name: string;
  child: ChildProcess;
  microseconds: number[];
}

async function open(name: string, file: string, environment: object): Promise<Side> {
  const child = fork(
    fileURLToPath(new URL("./ingest/worker.ts", import.meta.url)),
    [pathToFileURL(file).href],
    {
      // The logs are written, as on Lambda, and not read.
      stdio: ["ignore", "ignore", "inherit", "ipc"],
      env: {
        ...environment,
        ...{ AWS_REGION: "us-east-1", AWS_ENDPOINT_URL: aws.url, WEBHOOK_SECRET: secret },
        ...{ AWS_ACCESS_KEY_ID: "x", AWS_SECRET_ACCESS_KEY: "x", AWS_SESSION_TOKEN: "x" },
        INBOUND_QUEUE_URL: `${aws.url}/000000000000/inbound`,
      },
    },
  );
  // A handler that fails ends its process, and with it the measurement.
  child.once("exit", (code) => code && process.exit(1));
  await once(child, "message");
  return { name, child, microseconds: [] };
}

async function run({ child }: Side, count: number): Promise<number> {
  child.send({ event, count });
  const [ms] = (await once(child, "message")) as [number];
  return (1_000 * ms) / count;
}

const assembly = join(directory, "assembly");
await assembleInto(assembly);
const ingestOf = (from: string) => functionsOf(from).find(({ name }) => name === "ingest");
const ours = ingestOf(assembly);
const before = values.before === undefined ? undefined : ingestOf(resolve(values.before));
const bare = join(directory, "bare");
mkdirSync(bare);
for (const [file, text] of build("bench/load/bare-handler.ts"))
  writeFileSync(join(bare, file), text);
writeFileSync(join(bare, "package.json"), '{"type":"module"}');

const report = makeReport("The CPU time of ingest for one webhook against a hand-written handler");
const sides = [await open("bare", join(bare, "handler.js"), {})];
for (const [name, side] of [
  ["ours", ours],
  ["ours, before", before],
] as const) {
  if (side) sides.push(await open(name, join(side.asset, "index.js"), side.environment));
}
try {
  for (const side of sides) await run(side, 2 * webhooks);
  for (let round = 0; round < rounds; round++) {
    // Who is first in one round is last in the next.
    for (const side of round % 2 === 0 ? sides : sides.toReversed()) {
      side.microseconds.push(await run(side, webhooks));
    }
  }
} finally {
  for (const { child } of sides) child.kill();
  aws.close();
}
const median = ({ microseconds }: Side) => percentile(microseconds, 0.5);
const [floor] = sides;
if (!floor) throw new Error("no side was measured");
for (const side of sides) {
  const [least, most] = [Math.min(...side.microseconds), Math.max(...side.microseconds)];
  const ratio = (median(side) / median(floor)).toFixed(2);
  const range = `${least.toFixed(0)} to ${most.toFixed(0)}`;
  report.figure(side.name, `${median(side).toFixed(0)} µs (${range}); ${ratio} x bare`);
}
const ratio = sides[1] ? median(sides[1]) / median(floor) : Number.NaN;
report.check(`at most ${goal} x bare`, ratio <= goal ? [] : [`${ratio.toFixed(2)} x bare`]);
report.end();
