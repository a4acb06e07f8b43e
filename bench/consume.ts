import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { measureBesideOthers } from "./cpu/sides.ts";
import { startStubAws } from "./cpu/stub-aws.ts";
import { connectionItem, masterSecret, queueEvent } from "./cpu/webhooks.ts";
import { makeReport } from "./run/report.ts";

const usage = `node bench/consume.ts [options]

CPU time of \`consume\` for one event of a batch, warm, beside a handler that is written by hand, and
one that is made of the usual libraries. The events match no request.

  --rounds N      of each, in alternation; at least 7 (11)
  --batches N     of a round (100)
  --before DIR    another commit's assembly (cdk.out), which is measured too`;

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "11" },
    batches: { type: "string", default: "100" },
    before: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(usage);
  process.exit(0);
}
const BATCH = 10;

const report = makeReport(`The CPU time of consume for one event of a batch of ${BATCH}`);
const directory = mkdtempSync(join(tmpdir(), "ackwire-consume-"));
process.once("exit", () => rmSync(directory, { recursive: true, force: true }));
const aws = await startStubAws({
  GetItem: ({ TableName }) => (TableName === "config" ? { Item: connectionItem } : {}),
  BatchGetItem: { Responses: {}, UnprocessedKeys: {} },
  PutItem: {},
  UpdateItem: {},
  GetSecretValue: { SecretString: masterSecret },
  PutEvents: ({ Entries }) => ({
    FailedEntryCount: 0,
    Entries: (Entries as object[]).map((_, n) => ({ EventId: `e-${n}` })),
  }),
});
const environment = {
  CONFIG_TABLE: "config",
  EVENTS_TABLE: "events",
  EVENT_BUS_NAME: "bus",
};
const { ofBare, ofCommon, samples } = await measureBesideOthers(report, {
  ...{ functionName: "consume", directory, before: values.before, aws, environment },
  event: queueEvent(BATCH),
  rounds: Math.max(7, Number(values.rounds)),
  invocations: Number(values.batches),
  unitsPerInvocation: BATCH,
});
report.goal({
  ...{ id: "P2", name: "CPU of consume per event, batch of 10, of bare" },
  ...{ value: ofBare, unit: "×", goal: { atMost: 1.3 }, samples },
});
report.goal({
  ...{ id: "P2", name: "CPU of consume per event, batch of 10, of common" },
  ...{ value: ofCommon, unit: "×", goal: { atMost: 0.4 } },
});
report.end();
