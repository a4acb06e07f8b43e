/** Program of the child process that the durability test kills; argv has the data directory. */
import { startAws } from "../../../local/aws/aws.ts";
import { makeBusinessClock } from "../../../local/clock/clock.ts";
import { openDurableStore } from "../../../local/durable-store.ts";
import { durableTemplate } from "./local-aws-durability-template.ts";

const dataDir = process.argv[2] ?? "";
const now = Date.now();
const aws = await startAws({
  port: 0,
  dataDir,
  store: openDurableStore(dataDir),
  clock: makeBusinessClock({ realMs: now, businessMs: now, speed: 1 }),
  log: (line) => console.error(line),
});
await aws.provision(durableTemplate);
console.log(aws.url);
