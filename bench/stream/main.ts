import { writeFileSync } from "node:fs";
import type { Written } from "../../local/aws/dynamodb/dynalite.ts";
import { parseOptions } from "../../local/run/options.ts";
import { defaultRunDirectory, startLocalRun } from "../../local/run/run.ts";
import { RELAY_ID, synthesiseWithRelay } from "./assembly.ts";
import { readImage, readRequestImage } from "./stream-image.ts";
import { makeTableStreams } from "./table-streams.ts";

/**
 * A local run in which the streams of the tables publish. Takes the options of `local/main.js`, and
 * its place in a bench.
 */

const options = parseOptions(process.argv.slice(2));
if (options === "help") throw new Error("see local/main.js --help");

/**
 * An event that was stored to be published, or a request with new events. Not an event that is on
 * the bus, and not one that the relay has put into the outbox. Lambda's filter criteria cannot read
 * a packed record: a stack of this kind would need an attribute that says the same.
 */
function carriesEvents({ before, after = {} }: Written): boolean {
  if (after.packed) return (readRequestImage(readImage(after))?.entries.length ?? 0) > 0;
  return (
    !before && after.envelope !== undefined && after.status?.S === "CLAIMED" && !after.outboxAt
  );
}

const streams = makeTableStreams({
  functionId: RELAY_ID,
  filter: carriesEvents,
  batchSize: 100,
  windowMs: 1_000 * Number(options.settings.consumeBatchWindowSeconds ?? 0),
  log: (line) => console.error(line),
});
const run = await startLocalRun({
  ...options,
  runDirectory: defaultRunDirectory,
  synthesise: synthesiseWithRelay,
  tableChanges: streams,
  print: (line) => console.log(line),
});
console.log("ackwire ready");
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, async () => {
    await run.close();
    const file = process.env.STREAM_FIGURES;
    if (file) writeFileSync(file, JSON.stringify(streams.figures()));
    process.exit(0);
  });
}
