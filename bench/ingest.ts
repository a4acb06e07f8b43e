import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { measureBesideOthers } from "./cpu/sides.ts";
import { startStubAws } from "./cpu/stub-aws.ts";
import { connectionItem, httpEvent, masterSecret, webhookSecret } from "./cpu/webhooks.ts";
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
const { ofBare, ofCommon, samples } = await measureBesideOthers(report, {
  ...{ functionName: "ingest", directory, before: values.before, aws, environment },
  event: httpEvent("r-1"),
  rounds: Math.max(7, Number(values.rounds)),
  invocations: Number(values.webhooks),
  unitsPerInvocation: 1,
});
report.goal({
  ...{ id: "P1", name: "CPU of ingest per webhook, of bare" },
  ...{ value: ofBare, unit: "×", goal: { atMost: 1.15 }, samples },
});
report.goal({
  ...{ id: "P1", name: "CPU of ingest per webhook, of common" },
  ...{ value: ofCommon, unit: "×", goal: { atMost: 0.8 } },
});
report.end();
