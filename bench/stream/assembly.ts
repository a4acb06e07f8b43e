import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { build, type Plugin } from "esbuild";
import { buildOptions, entryFiles, textsOf } from "../../infra/constructs/bundle.ts";
import { type SynthesisOptions, synthesise } from "../../local/run/synthesise.ts";

const root = resolve(import.meta.dirname, "../..");

/** Modules of the product that are replaced in its functions by those of this folder. */
const replaced = ["event-ports.ts", "request-ports.ts"];

export const RELAY_ID = "AckwireRelayFunction00000000";

interface Resource {
  Type: string;
  Properties: Record<string, unknown> & { Code?: { S3Key: string } };
}

/**
 * Synthesises the stack, and makes of it the one of the trial: its functions leave publishing to a
 * further function, the relay, which has the role and the variables of `consume`.
 */
export async function synthesiseWithRelay(options: SynthesisOptions): Promise<void> {
  const { outputDir } = options;
  await synthesise(options);
  const find = (end: string) =>
    join(outputDir, readdirSync(outputDir).find((file) => file.endsWith(end)) ?? "");
  const [templateFile, assetsFile] = [find(".template.json"), find(".assets.json")];
  const template = readJson<{ Resources: Record<string, Resource> }>(templateFile);
  const assets = readJson<{ files: Record<string, object> }>(assetsFile);

  const functions = Object.entries(template.Resources).filter(
    ([, { Type }]) => Type === "AWS::Lambda::Function",
  );
  for (const [id, { Properties }] of functions) {
    const name = id.replace(/^Ackwire|Function\w*$/g, "").toLowerCase();
    const asset = `asset.${Properties.Code?.S3Key.replace(".zip", "")}`;
    await writeBundle(`functions/${name}/handler.ts`, join(outputDir, asset), [replacing]);
  }
  await writeBundle("bench/stream/relay.ts", join(outputDir, "asset.relay"), []);

  const [, consume] = functions.find(([id]) => id.startsWith("AckwireConsume")) ?? [];
  if (!consume) throw new Error("the stack has no function consume");
  template.Resources[RELAY_ID] = {
    ...consume,
    Properties: { ...consume.Properties, Code: { ...consume.Properties.Code, S3Key: "relay.zip" } },
  };
  // The local run refuses a function that nothing invokes, and knows no mapping of a stream.
  const [scheduleId, schedule] =
    Object.entries(template.Resources).find(
      ([, { Type }]) => Type === "AWS::Scheduler::Schedule",
    ) ?? [];
  if (!schedule) throw new Error("the stack has no schedule");
  template.Resources[`${scheduleId}Relay`] = {
    ...schedule,
    Properties: {
      ...schedule.Properties,
      State: "DISABLED",
      Target: {
        ...(schedule.Properties.Target as object),
        Arn: { "Fn::GetAtt": [RELAY_ID, "Arn"] },
      },
    },
  };
  assets.files.relay = {
    source: { path: "asset.relay", packaging: "zip" },
    destinations: { relay: { objectKey: "relay.zip" } },
  };
  writeFileSync(templateFile, JSON.stringify(template));
  writeFileSync(assetsFile, JSON.stringify(assets));
}

/** Lets a function import this folder's module, which itself imports the product's. */
const replacing: Plugin = {
  name: "replacing",
  setup({ onResolve }) {
    onResolve({ filter: /-ports\.ts$/ }, ({ path, resolveDir, importer }) => {
      const target = relative(root, resolve(resolveDir, path));
      const file = replaced.find((name) => target === join("shared/composition", name));
      const isOurs = importer.startsWith(import.meta.dirname);
      return file === undefined || isOurs ? undefined : { path: join(import.meta.dirname, file) };
    });
  },
};

/** Writes a function's code as the product's is built. */
async function writeBundle(entry: string, directory: string, plugins: Plugin[]): Promise<void> {
  const { outputFiles } = await build({ ...buildOptions(entry), plugins });
  mkdirSync(directory, { recursive: true });
  for (const [file, text] of [...entryFiles, ...textsOf(outputFiles)]) {
    writeFileSync(join(directory, file), text);
  }
}

const readJson = <T>(file: string): T => JSON.parse(readFileSync(file, "utf8")) as T;
