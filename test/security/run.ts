import { mkdtempSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { RIGHTS_DIRECTORY } from "../support/recorded-rights.ts";
import { runTestFiles } from "../support/test-results.ts";
import { wholeOption } from "../support/whole-option.ts";
import { proveCanaries } from "./canaries.ts";
import { proveEndpoints } from "./endpoints.ts";
import { isProven, type Proof, reportOf } from "./proof.ts";
import { proveRights } from "./rights.ts";
import { proveSignatures } from "./signatures.ts";
import { proveSsrf } from "./ssrf.ts";
import { proveSupplyChainOnline } from "./supply-chain.ts";

const usage = `npm run prove:security -- [S1 | S2 | S3 | S4 | S5 | S6 …] [options]

Prints the figures of the security table in docs/reliability.md beside their goals, of all rows or of
the ones that are named. Exit code 1: a goal is missed, or a figure could not be measured.

  --parallel N      S2: POSTs to one endpoint at a time (1000)
  --timeout-ms N    S2: the timeout of each attempt (5000)
  --requests N      S3: tampered requests (100000)
  --seed N          S3: how they are tampered with (1)
  --rights DIR      S4: rights that tests have recorded with ACKWIRE_RIGHTS_DIRECTORY=DIR. Absent:
                    the tests that start local runs are run, which takes minutes
  --allow-skipped   a figure that could not be measured here is no failure`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    parallel: { type: "string", default: "1000" },
    "timeout-ms": { type: "string", default: "5000" },
    requests: { type: "string", default: "100000" },
    seed: { type: "string", default: "1" },
    rights: { type: "string" },
    "allow-skipped": { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(usage);
  process.exit(0);
}

const whole = (name: "parallel" | "timeout-ms" | "requests" | "seed") =>
  wholeOption(name, values[name]);

const proofs: Record<string, () => Promise<Proof>> = {
  S1: () => proveSsrf(),
  S2: () => proveEndpoints({ parallel: whole("parallel"), timeoutMs: whole("timeout-ms") }),
  S3: () => proveSignatures({ requests: whole("requests"), seed: whole("seed") }),
  S4: async () => proveRights(values.rights ?? (await recordRightsOfTests())),
  S5: proveCanaries,
  S6: proveSupplyChainOnline,
};

/** Runs all tests that may start a local run. @returns the directory of the rights that they used */
async function recordRightsOfTests(): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), "ackwire-rights-"));
  const folders = ["contract", "faults", "integration", "specification"];
  await runTestFiles(
    folders.map((folder) => `test/${folder}/`),
    { env: { [RIGHTS_DIRECTORY]: directory } },
  );
  return directory;
}

const unknown = positionals.filter((id) => proofs[id] === undefined);
if (unknown.length > 0)
  throw new Error(`${unknown}: the rows are ${Object.keys(proofs).join(", ")}`);
const wanted = positionals.length === 0 ? Object.keys(proofs) : positionals;
const [core] = cpus();
console.log(
  `${new Date().toISOString().slice(0, 10)}, ${cpus().length} cores (${core?.model}), Node ${process.version}\n`,
);
for (const id of wanted) {
  const proof = await proofs[id]?.();
  if (proof === undefined) continue;
  console.log(`${reportOf(proof)}\n`);
  if (!isProven(proof, { allowsSkipped: values["allow-skipped"] })) process.exitCode = 1;
}
