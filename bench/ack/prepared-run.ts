import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { freePort } from "../../local/loopback.ts";
import { parseOptions } from "../../local/run/options.ts";
import { defaultRunDirectory, startLocalRun } from "../../local/run/run.ts";
import { synthesise } from "../../local/run/synthesise.ts";

interface Resource {
  Type: string;
  Properties: Record<string, unknown>;
}

/**
 * A local run of which only the ack is at work: nothing takes the submit queue's
 * messages, nothing sweeps. With BENCH_HANDLER=bare the function `api` has the
 * bare handler's code, and all else of ours: its role, variables, route, memory.
 */
async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  if (options === "help") throw new Error("started by bench/ack.ts");
  const providerPort = await freePort();
  const assemblyDir = mkdtempSync(resolve("assembly-"));
  await synthesise({
    outputDir: assemblyDir,
    settings: options.settings,
    clock: { realMs: 0, businessMs: 0, speed: 1 },
    providerUrl: `http://127.0.0.1:${providerPort}`,
    webhookTargets: { ports: [443, 8_443], allowsLocal: true, refusedPorts: [] },
  });
  const name = readdirSync(assemblyDir).find((file) => file.endsWith(".template.json")) ?? "";
  const file = join(assemblyDir, name);
  const template = JSON.parse(readFileSync(file, "utf8")) as {
    Resources: Record<string, Resource>;
  };
  silence(Object.values(template.Resources));
  if (process.env.BENCH_HANDLER === "bare") await replaceApi(assemblyDir, template.Resources);
  writeFileSync(file, JSON.stringify(template));
  const print = (line: string) => console.log(line);
  const run = await startLocalRun({
    ...options,
    providerPort,
    assemblyDir,
    runDirectory: defaultRunDirectory,
    print,
  });
  process.on("SIGINT", () => void run.close().then(() => process.exit(0)));
  print("ackwire ready");
}

function silence(resources: readonly Resource[]): void {
  for (const { Type, Properties } of resources) {
    if (Type === "AWS::Lambda::EventSourceMapping") Properties.Enabled = false;
    if (Type === "AWS::Scheduler::Schedule") Properties.State = "DISABLED";
  }
}

async function replaceApi(directory: string, resources: Record<string, Resource>): Promise<void> {
  const api = Object.values(resources).find(
    ({ Type, Properties }) =>
      Type === "AWS::Lambda::Function" && JSON.stringify(Properties).includes("SCHEDULE_GROUP"),
  );
  if (!api) throw new Error("the template has no function api");
  const { S3Key } = api.Properties.Code as { S3Key: string };
  const { Variables } = api.Properties.Environment as { Variables: Record<string, unknown> };
  const key = process.env.BENCH_KEY ?? "";
  Variables.BENCH_KEY_SHA256 = createHash("sha256").update(key).digest("hex");
  await build({
    entryPoints: [fileURLToPath(new URL("./bare-handler.ts", import.meta.url))],
    outfile: join(directory, `asset.${S3Key.replace(".zip", "")}`, "index.js"),
    allowOverwrite: true,
    mainFields: ["module", "main"],
    bundle: true,
    minify: true,
    platform: "node",
    target: "node24",
    format: "esm",
  });
}

await main();
