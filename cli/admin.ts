import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { CloudFormationClient, DescribeStacksCommand } from "@aws-sdk/client-cloudformation";
import * as z from "zod/mini";
import { localAws } from "../local/aws/local-aws.ts";
import { composeAdministration, type StackTarget } from "../shared/composition/administration.ts";
import { type ConnectionSettings, connectionSettings } from "../shared/contracts/config-items.ts";
import { paceLimitPresets } from "../shared/contracts/pace.ts";
import { providerId } from "../shared/contracts/providers.ts";
import type { Administration } from "../shared/core/administration/administration.ts";
import { type AccountCommand, accountCommands, accountSelectorOf, providerOf } from "./accounts.ts";
import { openDeadLetters } from "./dead-letters.ts";
import { openErasure } from "./erasure.ts";
import {
  credentialHeaders,
  credentialsOf,
  type OptionValues,
  overlapHoursOf,
  secretOf,
  textOfFile,
} from "./options.ts";
import type { PaceOptions } from "./pace-options.ts";
import { openQuarantine } from "./quarantine.ts";

const usage = `npm run admin -- COMMAND [options]

  clients create --name NAME
  keys create | list              --client ID
  keys revoke                     --client ID --key ID
  connections create              --client ID --provider ${providerId.options.join("|")}
                                  [--webhook-secret-file FILE] [--credentials-file FILE]
  connections list                --client ID
  connections set                 --client ID --connection ID [--status active|paused] [--credentials-file FILE]
                                  [--signature enforce|quarantine] [--hash-forms raw,json,python,jwt]
                                  [--allow-unbound-jwt yes|no] [--verify-by-fetch yes|no]
  connections rotate-token        --client ID --connection ID [--overlap-hours 0-24]
  connections rotate-secret       --client ID --connection ID --webhook-secret-file FILE [--overlap-hours 0-24]
  connections delete              --client ID --connection ID
  quarantine list | release       --client ID --connection ID
  accounts add                    --client ID --connection ID --account ID
                                  [--identification-token-file FILE]
  accounts list                   --client ID
  accounts budget                 --client ID --account ID [--connection ID]
  accounts set                    --client ID --account ID [--connection ID]
                                  [--pace MIN-MAX] [--preset ${paceLimitPresets.join("|")}]
                                  [--hours "mon-fri 09:00-18:00 Europe/Berlin"|off]
                                  [--warm-up DAYS:FROM|off] [--limit CATEGORY/WINDOW=MAX|off|preset]…
  accounts pause | resume         --client ID --account ID [--connection ID]
  erase                           --client ID [--account ID | --containing TEXT] [--yes]   counts; erases with --yes
  dead-letters list
  dead-letters redrive            [--queue inbound|submit|…]   moves them back; all queues by default

Where:
  --local        the local run of this folder (.ackwire/local.json)
  --stack NAME   a deployed stack, with your AWS credentials   (default ackwire-dev)

Secrets are read from a file, or from standard input with "-", so that they do not
appear in the shell's history. --credentials-file holds a JSON object of the headers
that authenticate you at the provider (${credentialHeaders()}).
New keys and inbound URLs are shown only once.`;

async function main(): Promise<unknown> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      name: { type: "string" },
      client: { type: "string" },
      connection: { type: "string" },
      provider: { type: "string" },
      "webhook-secret-file": { type: "string" },
      "credentials-file": { type: "string" },
      "identification-token-file": { type: "string" },
      key: { type: "string" },
      queue: { type: "string" },
      account: { type: "string" },
      pace: { type: "string" },
      preset: { type: "string" },
      hours: { type: "string" },
      "warm-up": { type: "string" },
      limit: { type: "string", multiple: true },
      status: { type: "string" },
      signature: { type: "string" },
      "hash-forms": { type: "string" },
      "allow-unbound-jwt": { type: "string" },
      "verify-by-fetch": { type: "string" },
      "overlap-hours": { type: "string" },
      containing: { type: "string" },
      yes: { type: "boolean", default: false },
      local: { type: "boolean", default: false },
      stack: { type: "string", default: "ackwire-dev" },
      help: { type: "boolean", default: false },
    },
  });
  const command = commands[positionals.join(" ")];
  if (values.help) return usage;
  if (command === undefined) throw new Error(usage);
  const where = await targetOf(values);
  return command(values, await composeAdministration(where), where);
}

type Command = (
  values: OptionValues,
  administration: Administration,
  where: StackTarget,
) => Promise<unknown>;

const client = (values: OptionValues) => required(values, "client");
const connection = (values: OptionValues) => required(values, "connection");

const commands: Readonly<Record<string, Command>> = {
  "clients create": (values, admin) => admin.createClient(required(values, "name")),

  "keys create": async (values, admin) => {
    const { clientId, keyId, apiKey } = await admin.createApiKey(client(values));
    return { clientId, keyId, apiKey };
  },
  "keys list": (values, admin) => admin.listApiKeys(client(values)),
  "keys revoke": async (values, admin) => {
    await admin.revokeApiKey(client(values), required(values, "key"));
    return { revoked: values.key };
  },

  "connections create": async (values, admin, where) => {
    const provider = providerOf(required(values, "provider"));
    const webhookSecret = secretOf(values);
    const { inboundPath, ...made } = await admin.createConnection({
      clientId: client(values),
      provider,
      webhookSecret,
      credentials: credentialsOf(values),
      settings: settingsOf(values),
    });
    return { ...made, inboundUrl: urlOf(where, inboundPath) };
  },
  "connections list": (values, admin) => admin.listConnections(client(values)),
  "connections set": (values, admin) =>
    admin.updateConnection(client(values), connection(values), {
      ...settingsOf(values),
      credentials: credentialsOf(values),
    }),
  "connections rotate-token": async (values, admin, where) => {
    const { inboundPath, ...rotated } = await admin.rotateToken(
      client(values),
      connection(values),
      overlapHoursOf(values),
    );
    return { ...rotated, inboundUrl: urlOf(where, inboundPath) };
  },
  "connections rotate-secret": (values, admin) => {
    const secret = secretOf(values);
    if (secret === undefined) throw new Error("--webhook-secret-file is missing");
    return admin.rotateSecret(client(values), connection(values), secret, overlapHoursOf(values));
  },
  "connections delete": async (values, admin) => {
    await admin.deleteConnection(client(values), connection(values));
    return { deleted: values.connection };
  },

  "quarantine list": async (values, admin, where) => {
    await admin.getConnection(client(values), connection(values));
    return openQuarantine(where).list(connection(values));
  },
  "quarantine release": (values, _admin, where) =>
    openQuarantine(where, (key, outcome) => console.error(`${outcome} ${key}`)).release(
      client(values),
      connection(values),
    ),

  "dead-letters list": (_values, _admin, where) => openDeadLetters(where).list(),
  "dead-letters redrive": ({ queue }, _admin, where) =>
    openDeadLetters(where).redrive(queue === undefined ? undefined : String(queue)),

  erase: (values, _admin, where) =>
    openErasure(where, (line) => console.error(line)).erase(
      {
        clientId: client(values),
        accountId: values.account === undefined ? undefined : required(values, "account"),
        containing: values.containing === undefined ? undefined : required(values, "containing"),
      },
      { isErased: values.yes === true },
    ),

  "accounts add": async (values, admin) => {
    const accountId = required(values, "account");
    await admin.addAccount({
      clientId: client(values),
      connectionId: connection(values),
      accountId,
      identificationToken: textOfFile(values, "identification-token-file"),
    });
    return { added: accountId };
  },
  "accounts list": (values, _admin, where) => accountCommands.list(where, client(values)),
  "accounts budget": (values, _admin, where) => accountCommands.budget(where, accountOf(values)),
  "accounts set": (values, _admin, where) =>
    accountCommands.set(where, accountOf(values), values as PaceOptions),
  "accounts pause": (values, _admin, where) => accountCommands.pause(where, accountOf(values)),
  "accounts resume": (values, _admin, where) => accountCommands.resume(where, accountOf(values)),
};

function accountOf(values: OptionValues): AccountCommand {
  const { provider, connection: connectionId } = values;
  const which = accountSelectorOf({
    provider: provider === undefined ? undefined : String(provider),
    connection: connectionId === undefined ? undefined : String(connectionId),
  });
  return { client: client(values), account: required(values, "account"), which };
}

function urlOf({ outputs }: StackTarget, path: string): string {
  return `${(outputs.ApiUrl ?? "").replace(/\/$/, "")}${path}`;
}

function settingsOf(values: OptionValues): Partial<ConnectionSettings> {
  const yesOrNo = (name: string) => {
    const value = values[name];
    if (value === undefined) return undefined;
    if (value === "yes" || value === "no") return value === "yes";
    throw new Error(`--${name} must be yes or no`);
  };
  const forms = values["hash-forms"];
  const given = {
    status: values.status,
    signature: values.signature,
    hashForms: typeof forms === "string" ? forms.split(",") : undefined,
    allowUnboundJwt: yesOrNo("allow-unbound-jwt"),
    verifyByFetch: yesOrNo("verify-by-fetch"),
  };
  const set = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return z.partial(connectionSettings).parse(set) as Partial<ConnectionSettings>;
}

async function targetOf(values: OptionValues): Promise<StackTarget> {
  if (values.local) {
    const file = JSON.parse(readFileSync(".ackwire/local.json", "utf8")) as {
      awsEndpoint: string;
      providerUrl: string;
      region: string;
      outputs: Record<string, string>;
    };
    return {
      outputs: file.outputs,
      aws: localAws(file.awsEndpoint, file.region),
      nowMs: await businessClockOf(file.providerUrl),
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

/** The business clock of a local run, which may run faster than real time. */
async function businessClockOf(providerUrl: string): Promise<() => number> {
  const answer = await fetch(`${providerUrl}/_control/clock`);
  const { now, speed } = (await answer.json()) as { now: string; speed: number };
  const askedAtMs = Date.now();
  return () => Date.parse(now) + (Date.now() - askedAtMs) * speed;
}

function required(values: OptionValues, name: string): string {
  const value = values[name];
  if (typeof value === "string" && value !== "") return value;
  throw new Error(`--${name} is missing\n\n${usage}`);
}

/** The message of an error and of its causes: AWS's own names the action and the resource. */
function messagesOf({ message, cause }: Error): string[] {
  return [message, ...(cause instanceof Error ? messagesOf(cause) : [])];
}

main().then(
  (result) => console.log(typeof result === "string" ? result : JSON.stringify(result, null, 2)),
  (error: unknown) => {
    console.error(error instanceof Error ? messagesOf(error).join(": ") : error);
    process.exitCode = 1;
  },
);
