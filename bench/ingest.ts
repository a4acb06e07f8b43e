import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import {
  alternate,
  bundledLikeOurs,
  openSide,
  ratioOf,
  reportSides,
  samplesOf,
  usuallyBundled,
} from "./cpu/sides.ts";
import { startStubAws } from "./cpu/stub-aws.ts";
import { connectionItem, httpEvent, masterSecret, webhookSecret } from "./cpu/webhooks.ts";
import { assembleInto, functionNamed } from "./run/assembly.ts";
import { makeReport } from "./run/report.ts";

const usage = `node bench/ingest.ts [options]

CPU time of \`ingest\` for one webhook, warm, beside a handler that is written by hand, and one that
is made of the usual libraries.

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

const report = makeReport("The CPU time of ingest for one webhook");
const directory = mkdtempSync(join(tmpdir(), "ackwire-ingest-"));
process.once("exit", () => rmSync(directory, { recursive: true, force: true }));
const aws = await startStubAws({
  GetItem: { Item: connectionItem },
  PutItem: {},
  UpdateItem: {},
  GetSecretValue: { SecretString: masterSecret },
  SendMessage: { MessageId: "m" },
});
const environment = {
  WEBHOOK_SECRET: webhookSecret,
  INBOUND_QUEUE_URL: `${aws.url}/000000000000/inbound`,
  EVENTS_TABLE: "events",
};
const open = (name: string, file: string, own = {}) =>
  openSide(name, file, { aws, environment: { ...own, ...environment } });
/** Of an assembly. */
async function openIngest(name: string, assembly: string) {
  const ingest = functionNamed(assembly, "ingest");
  return open(name, join(ingest.asset, "index.js"), ingest.environment);
}

const assembly = join(directory, "assembly");
await assembleInto(assembly);
const bare = await open(
  "bare",
  bundledLikeOurs("bench/ingest/bare-handler.ts", join(directory, "bare")),
);
const common = await open(
  "common",
  usuallyBundled("bench/ingest/common-handler.ts", join(directory, "common")),
);
const ours = await openIngest("ours", assembly);
const before =
  values.before === undefined ? [] : [await openIngest("ours, before", resolve(values.before))];

const sides = [bare, common, ours, ...before];
await alternate(sides, {
  aws,
  event: httpEvent("r-1"),
  rounds: Math.max(7, Number(values.rounds)),
  invocations: Number(values.webhooks),
  unitsPerInvocation: 1,
});
reportSides(report, sides);
const samples = samplesOf(sides);
report.goal({
  ...{ id: "P1", name: "CPU of ingest per webhook, of bare" },
  ...{ value: ratioOf(ours, bare), unit: "×", goal: { atMost: 1.15 }, samples },
});
report.goal({
  ...{ id: "P1", name: "CPU of ingest per webhook, of common" },
  ...{ value: ratioOf(ours, common), unit: "×", goal: { atMost: 0.8 } },
});
report.end();
