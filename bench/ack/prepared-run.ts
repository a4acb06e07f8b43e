import { createHash } from "node:crypto";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { type Resource, startChangedRun } from "../run/changed-run.ts";

/**
 * A local run of which only the ack is at work: nothing takes the submit queue's
 * messages, nothing sweeps. With BENCH_HANDLER=bare the function `api` has the
 * bare handler's code, and all else of ours: its role, variables, route, memory.
 */
await startChangedRun(async (resources, assemblyDir) => {
  silence(Object.values(resources));
  if (process.env.BENCH_HANDLER === "bare") await replaceApi(assemblyDir, resources);
});

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
