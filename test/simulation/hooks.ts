import { registerHooks } from "node:module";
import { pathToFileURL } from "node:url";

/** A change of one product file: a defect that is planted. */
export interface SourcePatch {
  file: string;
  find: string;
  replace: string;
}

const root = new URL("../../", import.meta.url).href;

/** Where the product's source is: today's, and that of an earlier version. */
const roots = [root];
const simulatedClient = new URL("sdk/simulated-client.ts", import.meta.url).href;

/** The clients of each package of the SDK that the simulator takes the place of. */
const clients: Readonly<Record<string, string>> = {
  "@aws-sdk/client-dynamodb": "DynamoDBClient",
  "@aws-sdk/lib-dynamodb": "DynamoDBDocumentClient",
  "@aws-sdk/client-sqs": "SQSClient",
  "@aws-sdk/client-s3": "S3Client",
  "@aws-sdk/client-scheduler": "SchedulerClient",
  "@aws-sdk/client-eventbridge": "EventBridgeClient",
  "@aws-sdk/client-secrets-manager": "SecretsManagerClient",
};

/** Product files that the simulator takes the place of: they open connections. */
const replaced = ["http-provider-calls.ts", "http-webhook-poster.ts"];

const isProduct = (url = "") =>
  roots.some((at) => ["shared/", "functions/"].some((folder) => url.startsWith(at + folder)));

/** The exit code of a process that has not loaded a file in which it was to plant something. */
const NOT_PLANTED = 2;

/**
 * From now on, product modules get simulated AWS clients and simulated HTTP. Commands and errors
 * are the SDK's own. Modules that are loaded already stay as they are.
 *
 * A process that ends without having loaded each file of the patches fails, whatever it has found.
 *
 * @param patches what to change in product files
 * @param earlierCode the directory of another version of the product
 */
export function simulateModules(
  patches: readonly SourcePatch[] = [],
  earlierCode?: string | undefined,
): void {
  if (earlierCode !== undefined) roots.push(`${pathToFileURL(earlierCode).href}/`);
  const missing = new Set(patches.map(({ file }) => file));
  process.on("exit", () => {
    if (missing.size === 0) return;
    console.error(`Error: nothing is planted in ${[...missing].join(", ")}: not loaded`);
    process.exitCode = NOT_PLANTED;
  });
  registerHooks({
    resolve(specifier, context, next) {
      const found = next(specifier, context);
      if (!isProduct(context.parentURL)) return found;
      const client = clients[specifier];
      if (client) return { ...found, url: `${found.url}?simulates=${client}`, format: "module" };
      const name = replaced.find((file) =>
        roots.some((at) => found.url === `${at}shared/adapters/http/${file}`),
      );
      return name ? { ...found, url: new URL(`sdk/${name}`, import.meta.url).href } : found;
    },
    load(url, context, next) {
      const [real, client] = url.split("?simulates=");
      if (client) {
        const source = `export * from ${JSON.stringify(real)};
export { SimulatedClient as ${client} } from ${JSON.stringify(simulatedClient)};`;
        return { format: "module", source, shortCircuit: true };
      }
      const loaded = next(url, context);
      const own = patches.filter(({ file }) => url === root + file);
      if (own.length === 0) return loaded;
      let source = String(loaded.source);
      for (const { file, find, replace } of own) {
        if (source.split(find).length !== 2) throw new Error(`${file} has no single ${find}`);
        source = source.replace(find, () => replace);
        missing.delete(file);
      }
      return { ...loaded, source };
    },
  });
}
