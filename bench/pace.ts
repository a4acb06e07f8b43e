import { parseArgs } from "node:util";
import { checkPacedRun } from "../test/support/pace/check-paced-run.ts";
import { runPacedAccounts } from "../test/support/pace/paced-accounts.ts";
import { makeReport } from "./run/report.ts";

const usage = `node bench/pace.ts [options]

  --accounts N   in five time zones (50)
  --requests N   of each of four categories, for each account (60)
  --days N       business days (21)
  --kills N      workers that die at a random call (3)
  --seed N       of everything random (1)`;

const { values } = parseArgs({
  options: {
    accounts: { type: "string", default: "50" },
    requests: { type: "string", default: "60" },
    days: { type: "string", default: "21" },
    kills: { type: "string", default: "3" },
    seed: { type: "string", default: "1" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(usage);
  process.exit(0);
}

const options = {
  accounts: Number(values.accounts),
  requests: Number(values.requests),
  days: Number(values.days),
  kills: Number(values.kills),
  seed: Number(values.seed),
};
const report = makeReport(
  `${options.accounts} accounts × ${options.requests} requests of 4 categories, ${options.days} business days, ${options.kills} kills`,
);
const startedMs = performance.now();
const { faults, figures } = checkPacedRun(await runPacedAccounts(options));
for (const [name, figure] of Object.entries(figures)) report.figure(name, figure);
for (const [name, found] of Object.entries(faults)) report.check(name, found);
report.note(`simulated in ${((performance.now() - startedMs) / 1_000).toFixed(0)} s`);
report.end();
