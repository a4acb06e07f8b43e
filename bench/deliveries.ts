import { runCalls } from "./deliveries/calls.ts";
import { runFlood } from "./deliveries/flood.ts";
import { runFull } from "./deliveries/full.ts";
import { runIsolation } from "./deliveries/isolation.ts";
import { runKills } from "./deliveries/kills.ts";
import { readOptions, usage } from "./deliveries/options.ts";
import { makeReport } from "./run/report.ts";

const options = readOptions();
if (options === "help") {
  console.log(usage);
  process.exit(0);
}
const { mode, deliveries, rate, speed, timeoutSeconds, kills } = options;
const about = {
  full: `${deliveries} deliveries to 50 endpoints, 27 of them sick`,
  isolation: "Healthy endpoints' latency beside sick ones",
  kills: `${deliveries} deliveries, ${kills} kills`,
  calls: "AWS calls per delivery that succeeds at once",
  flood: `${deliveries} deliveries for one endpoint that hangs, beside ten others`,
};
const report = makeReport(
  `${about[mode]}: ${rate} events a second, speed ${speed}, POSTs of at most ${timeoutSeconds} s`,
);
const run = {
  full: runFull,
  isolation: runIsolation,
  kills: runKills,
  calls: runCalls,
  flood: runFlood,
};
await run[mode](report, options);
report.end();
process.exit();
