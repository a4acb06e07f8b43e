import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { CloudFormationClient, DescribeStacksCommand } from "@aws-sdk/client-cloudformation";
import { openAdministration, type Place } from "../shared/adapters/open-administration.ts";
import { providerId } from "../shared/contracts/providers.ts";

const usage = `npm run admin -- COMMAND [options]

  clients create --name NAME
  keys create --client ID
  connections create --client ID --provider we-link|linked-api [--webhook-secret-file FILE]
  connections list --client ID
  connections delete --client ID --connection ID

Where:
  --local        the local run of this folder (.ackwire/local.json)
  --stack NAME   a deployed stack, with your AWS credentials   (default ackwire-dev)

A webhook secret is read from a file, or from standard input with "-", so that it
stands in no shell history. New keys and inbound URLs are shown once.`;

type Values = Readonly<Record<string, string | boolean | undefined>>;

async function main(): Promise<unknown> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      name: { type: "string" },
      client: { type: "string" },
      connection: { type: "string" },
      provider: { type: "string" },
      "webhook-secret-file": { type: "string" },
      local: { type: "boolean", default: false },
      stack: { type: "string", default: "ackwire-dev" },
      help: { type: "boolean", default: false },
    },
  });
  const command = commands[positionals.join(" ")];
  if (values.help || command === undefined) throw new Error(usage);
  return command(values, await place(values));
}

const commands: Readonly<Record<string, (values: Values, where: Place) => Promise<unknown>>> = {
  "clients create": async (values, where) =>
    (await openAdministration(where)).createClient(required(values, "name")),

  "keys create": async (values, where) => {
    const key = await (await openAdministration(where)).createApiKey(required(values, "client"));
    return { clientId: key.clientId, keyId: key.keyId, apiKey: key.apiKey };
  },

  "connections create": async (values, where) => {
    const provider = providerId.safeParse(required(values, "provider"));
    if (!provider.success) throw new Error(`--provider takes ${providerId.options.join(" or ")}`);
    const webhookSecret = secretOf(values);
    if (provider.data === "we-link" && webhookSecret === undefined) {
      throw new Error("We-Link signs its webhooks: give its Secret Code by --webhook-secret-file");
    }
    const { inboundPath, ...connection } = await (await openAdministration(where)).createConnection(
      {
        clientId: required(values, "client"),
        provider: provider.data,
        ...(webhookSecret === undefined ? {} : { webhookSecret }),
      },
    );
    return {
      ...connection,
      inboundUrl: `${where.outputs.ApiUrl?.replace(/\/$/, "")}${inboundPath}`,
    };
  },

  "connections list": async (values, where) =>
    (await openAdministration(where)).listConnections(required(values, "client")),

  "connections delete": async (values, where) => {
    const connection = required(values, "connection");
    const deleted = await (await openAdministration(where)).deleteConnection(
      required(values, "client"),
      connection,
    );
    if (!deleted) throw new Error(`This client has no connection ${connection}`);
    return { deleted: connection };
  },
};

async function place(values: Values): Promise<Place> {
  if (values.local) {
    const file = JSON.parse(readFileSync(".ackwire/local.json", "utf8")) as {
      awsEndpoint: string;
      region: string;
      outputs: Record<string, string>;
    };
    const credentials = { accessKeyId: "local", secretAccessKey: "local" };
    return {
      outputs: file.outputs,
      aws: { endpoint: file.awsEndpoint, region: file.region, credentials },
    };
  }
  const StackName = required(values, "stack");
  const { Stacks = [] } = await new CloudFormationClient({}).send(
    new DescribeStacksCommand({ StackName }),
  );
  const outputs = Object.fromEntries(
    (Stacks[0]?.Outputs ?? []).map(({ OutputKey = "", OutputValue = "" }) => [
      OutputKey,
      OutputValue,
    ]),
  );
  return { outputs, aws: {} };
}

function required(values: Values, name: string): string {
  const value = values[name];
  if (typeof value === "string" && value !== "") return value;
  throw new Error(`--${name} is missing\n\n${usage}`);
}

function secretOf(values: Values): string | undefined {
  const file = values["webhook-secret-file"];
  if (typeof file !== "string") return undefined;
  const secret = readFileSync(file === "-" ? process.stdin.fd : file, "utf8").trim();
  if (secret === "") throw new Error("The webhook secret is empty");
  return secret;
}

main().then(
  (result) => console.log(JSON.stringify(result, null, 2)),
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  },
);
