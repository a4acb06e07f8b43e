import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { format, resolveConfig } from "prettier";
import { committedResults, readResults } from "./goals/results.ts";
import { makeReport } from "./run/report.ts";
import { scaleDocument, scaleInputs, scaleLoads } from "./scale/document.ts";

const usage = `node bench/scale.ts [options]

Compares the counted units of bench/results/P5.json and the settings of the stack with the quotas of
AWS: which limit is met first at each load, how it is raised, and how long that takes.

  --write   writes docs/scale.md`;

const { values } = parseArgs({
  options: {
    write: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(usage);
  process.exit(0);
}

const report = makeReport("Scale on paper: the first limit at each load");
const result = readResults(process.env.BENCH_RESULTS ?? committedResults).find(
  ({ id }) => id === "P5",
);
const counted = result ?? readResults(committedResults).find(({ id }) => id === "P5");
if (!counted) throw new Error("bench/results/P5.json is missing: npm run bench -- P5 --write");
const inputs = scaleInputs(counted);
const loads = scaleLoads(inputs);
for (const { name, first, text } of loads) report.figure(name, `${first?.name}: ${text}`);
const incomplete = loads.filter(({ first }) => !first?.remedy || !first.leadTime);
report.goal({
  ...{ id: "P9", name: "loads without a first limit, its remedy and its lead time" },
  ...{ value: incomplete.length, unit: "", goal: { atMost: 0 } },
  samples: Object.fromEntries(loads.map(({ name, reach }) => [`${name}: most a second`, [reach]])),
});
if (values.write) {
  const file = fileURLToPath(new URL("../docs/scale.md", import.meta.url));
  const text = scaleDocument(counted, inputs);
  const formatted = await format(text, { ...(await resolveConfig(file)), filepath: file });
  writeFileSync(file, formatted);
  report.note(`docs/scale.md: ${readFileSync(file, "utf8").split("\n").length} lines`);
}
report.end();
