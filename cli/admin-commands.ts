import { printError } from "../local/terminal.ts";
import { composeAdministration, type StackTarget } from "../shared/composition/administration.ts";
import { clientScope } from "../shared/contracts/client-scope.ts";
import { operatorScopes } from "../shared/contracts/http/operator/operation.ts";
import type { Administration } from "../shared/core/administration/administration.ts";
import { type AccountCommand, accountCommands, accountSelectorOf, providerOf } from "./accounts.ts";
import { runAudited } from "./audit.ts";
import { listClients } from "./clients.ts";
import { openDeadLetters } from "./dead-letters.ts";
import { openErasure } from "./erasure.ts";
import { openLocalLogs } from "./local-logs.ts";
import {
  credentialsOf,
  expiryOf,
  type OptionValues,
  overlapHoursOf,
  scopeOf,
  secretOf,
  settingsOf,
  textOfFile,
} from "./options.ts";
import type { PaceOptions } from "./pace-options.ts";
import { openQuarantine } from "./quarantine.ts";
import { readDepth } from "./queues.ts";
import { holdRestored } from "./restored.ts";

/** The options of the commands. */
export const adminOptions = {
  name: { type: "string" },
  client: { type: "string" },
  connection: { type: "string" },
  provider: { type: "string" },
  "webhook-secret-file": { type: "string" },
  "credentials-file": { type: "string" },
  "identification-token-file": { type: "string" },
  key: { type: "string" },
  scope: { type: "string" },
  expires: { type: "string" },
  why: { type: "string" },
  queue: { type: "string" },
  message: { type: "string" },
  to: { type: "string" },
  url: { type: "string" },
  function: { type: "string" },
  pattern: { type: "string" },
  metric: { type: "string" },
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
} as const;

/** An option that a command needs is not there. */
export class MissingOption extends Error {
  constructor(name: string) {
    super(`--${name} is missing`);
  }
}

/** Whether there is a command of this name. */
export const isAdminCommand = (name: string): boolean => name in commands;

/**
 * Runs a command, with an audit record if it changes something.
 *
 * @param name its words, such as `clients create`
 * @returns what it prints: a text, or a JSON value
 * @throws Error when an option is missing or has another form; what the command throws
 */
export async function runAdminCommand(
  name: string,
  values: OptionValues,
  where: StackTarget,
): Promise<unknown> {
  const command = commands[name];
  if (command === undefined) throw new Error(`There is no command ${name}`);
  const administration = await composeAdministration(where);
  const run = () => command(values, administration, where);
  const isChange = counting.includes(name) ? values.yes : !looks.includes(name);
  const record = { command: name, values, creates: creates[name] };
  return isChange ? runAudited(where, record, run) : run();
}

/** The commands that change nothing; what `clients list` adds, it records itself. */
const looks = [
  ...["clients list", "keys list", "operator-keys list", "connections list", "quarantine list"],
  ...["accounts list", "accounts budget", "dead-letters list", "dead-letters show"],
  ...["queues depth", "logs", "counted"],
];

/** The members of the results of commands that are ids of what they create. */
const creates: Readonly<Record<string, readonly string[]>> = {
  "clients create": ["clientId"],
  "keys create": ["keyId"],
  "operator-keys create": ["keyId"],
  "connections create": ["connectionId"],
};

/** The commands that change something with `--yes` only. */
const counting = ["erase", "requests hold-restored"];

type Command = (
  values: OptionValues,
  administration: Administration,
  where: StackTarget,
) => Promise<unknown>;

const client = (values: OptionValues) => required(values, "client");
const connection = (values: OptionValues) => required(values, "connection");

const commands: Readonly<Record<string, Command>> = {
  "clients create": (values, admin) => admin.createClient(required(values, "name")),

  "clients list": (values, _admin, where) =>
    listClients(where, (clientIds, change) =>
      runAudited(where, { command: "clients adopt", values, details: { clientIds } }, change),
    ),

  "keys create": async (values, admin) => {
    const { clientId, keyId, apiKey } = await admin.createApiKey(client(values), {
      scopes: values.scope === undefined ? undefined : [scopeOf(values, clientScope.options)],
      expiresAt: expiryOf(values),
    });
    return { clientId, keyId, apiKey };
  },
  "operator-keys create": (values, admin) =>
    admin.createOperatorKey({
      name: required(values, "name"),
      scope: scopeOf(values, operatorScopes),
      expiresAt: expiryOf(values),
    }),
  "operator-keys list": (_values, admin) => admin.listOperatorKeys(),
  "operator-keys revoke": (values, admin) => admin.revokeOperatorKey(required(values, "key")),
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
    openQuarantine(where, (key, outcome) => printError(`${outcome} ${key}`)).release(
      client(values),
      connection(values),
    ),

  "dead-letters list": (_values, _admin, where) => openDeadLetters(where).list(),
  "dead-letters show": (values, _admin, where) =>
    openDeadLetters(where).show(required(values, "queue")),
  "dead-letters drop": (values, _admin, where) =>
    openDeadLetters(where).drop(
      required(values, "queue"),
      required(values, "message"),
      required(values, "to"),
    ),
  "requests hold-restored": (values, _admin, where) =>
    holdRestored(where, { isHeld: values.yes === true }),
  "queues depth": (values, _admin, where) => readDepth(where, required(values, "url")),
  logs: async (values) =>
    openLocalLogs().matching(required(values, "function"), required(values, "pattern")),
  counted: async (values) =>
    openLocalLogs().counted(required(values, "function"), required(values, "metric")),
  "dead-letters redrive": ({ queue }, _admin, where) =>
    openDeadLetters(where).redrive(queue === undefined ? undefined : String(queue)),

  erase: (values, _admin, where) =>
    openErasure(where, printError).erase(
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

function required(values: OptionValues, name: string): string {
  const value = values[name];
  if (typeof value === "string" && value !== "") return value;
  throw new MissingOption(name);
}
