import { operatorScopes } from "../../shared/contracts/http/operator/operation.ts";
import { paceLimitPresets } from "../../shared/contracts/pace.ts";
import { providerId } from "../../shared/contracts/providers.ts";
import { credentialHeaders, type OptionValues } from "../options.ts";
import { type Command, UsageError } from "./command.ts";
import { membersTable, type Row, tableOf } from "./table.ts";

/** A use case that needs AWS credentials, because the operator API has no operation for it. */
interface AdminUseCase {
  /** The words of the command; the admin command has the same ones, unless `admin` says others. */
  words: string;
  admin?: string;
  summary: string;
  /** The options with their descriptions; `!` is one that must be there, `?` has no value. */
  options: Readonly<Record<string, string>>;
  examples: readonly string[];
}

const ofClient = { "client!": "The client's id" };
const ofConnection = { ...ofClient, "connection!": "The connection's id" };
const why = { why: "Why, in a sentence: kept in the audit record" };
const overlap = { "overlap-hours": "For how long the old one stays valid: 0 to 24" };
const secretFile = "The file with the secret that the provider signs with; - is the standard input";
const functionName = "The function's name with a capital, such as Consume";
const headersFile = `The file with a JSON object of headers: ${credentialHeaders()}; - is the standard input`;

const verification = {
  signature: "enforce or quarantine",
  "hash-forms": "A list of raw, json, python, jwt",
  "allow-unbound-jwt": "yes or no",
  "verify-by-fetch": "yes or no",
};

const useCases: readonly AdminUseCase[] = [
  {
    words: "operator-keys create",
    summary: "Creates an operator key, which is shown only once",
    options: {
      "name!": "Whose key it is",
      "scope!": operatorScopes.join(" or "),
      expires: "A time in UTC from which it is refused",
      ...why,
    },
    examples: ["--stage prod --name me --scope operate"],
  },
  { words: "operator-keys list", summary: "Lists the operator keys", options: {}, examples: [""] },
  {
    words: "operator-keys revoke",
    summary: "Revokes an operator key",
    options: { "key!": "The key's id", ...why },
    examples: ["--key KEY_ID"],
  },
  {
    words: "clients adopt",
    admin: "clients list",
    summary: "Lists every client, and adds those of earlier versions to the operator API's list",
    options: why,
    examples: ["--stage prod"],
  },
  {
    words: "connections create",
    summary: "Creates a connection; its inbound URL is shown only once",
    options: {
      ...ofClient,
      "provider!": providerId.options.join(" or "),
      "webhook-secret-file": secretFile,
      "credentials-file": headersFile,
      ...verification,
      ...why,
    },
    examples: [
      `--client cl_64835e7c --provider ${providerId.options[0]} --webhook-secret-file secret --credentials-file credentials.json`,
    ],
  },
  {
    words: "connections set",
    summary: "Changes the credentials, the verification or the status of a connection",
    options: {
      ...ofConnection,
      status: "active or paused",
      "credentials-file": headersFile,
      ...verification,
      ...why,
    },
    examples: ["--client cl_64835e7c --connection cn_64835e7c --credentials-file credentials.json"],
  },
  {
    words: "connections rotate-token",
    summary: "Gives a connection another inbound URL, which is shown only once",
    options: { ...ofConnection, ...overlap, ...why },
    examples: ["--client cl_64835e7c --connection cn_64835e7c --overlap-hours 0"],
  },
  {
    words: "connections rotate-secret",
    summary: "Replaces the secret with which the provider signs",
    options: { ...ofConnection, "webhook-secret-file!": secretFile, ...overlap, ...why },
    examples: ["--client cl_64835e7c --connection cn_64835e7c --webhook-secret-file secret"],
  },
  {
    words: "connections delete",
    summary: "Deletes a connection",
    options: { ...ofConnection, ...why },
    examples: ["--client cl_64835e7c --connection cn_64835e7c"],
  },
  {
    words: "accounts add",
    summary: "Adds an account to a connection",
    options: {
      ...ofConnection,
      "account!": "The account's id",
      "identification-token-file": "The file with the account's token; - is the standard input",
      ...why,
    },
    examples: ["--client cl_64835e7c --connection cn_64835e7c --account 1234"],
  },
  {
    words: "accounts set",
    summary: "Changes the pace, limits and hours of an account",
    options: {
      ...ofClient,
      "account!": "The account's id",
      provider: `Where two have the account: ${providerId.options.join(" or ")}`,
      connection: "The connection's id, where several have the account",
      pace: "Seconds between two submissions: MIN-MAX",
      preset: paceLimitPresets.join(" or "),
      hours: 'Such as "mon-fri 09:00-18:00 Europe/Berlin", or off',
      "warm-up": "DAYS:FROM, or off",
      "limit*": "CATEGORY/WINDOW=MAX, or off, or preset; may be repeated",
      ...why,
    },
    examples: ['--client cl_64835e7c --account 1234 --hours "mon-fri 09:00-18:00 Europe/Berlin"'],
  },
  {
    words: "erase",
    summary: "Counts what is stored of a client, an account or a person; erases it with --yes",
    options: {
      ...ofClient,
      account: "Only what belongs to this account",
      containing: "Only what contains this text",
      "yes?": "Erase it, for good",
      ...why,
    },
    examples: ["--client cl_64835e7c --containing jane@example.com"],
  },
  {
    words: "requests hold-restored",
    summary: "After a restore: holds what may have been submitted since the backup",
    options: { "yes?": "Hold them", ...why },
    examples: ["--stage prod --yes"],
  },
  {
    words: "queues depth",
    summary: "Counts the messages of one queue",
    options: { "url!": "The queue's URL" },
    examples: ["--url https://sqs.eu-central-1.amazonaws.com/123456789012/a-queue"],
  },
  {
    words: "logs",
    summary: "Prints the log lines of a function of a local run",
    options: { "function!": functionName, "pattern!": "A filter pattern of CloudWatch" },
    examples: ["--function Ingest --pattern '{ $.message = \"webhook rejected\" }'"],
  },
  {
    words: "counted",
    summary: "Sums a metric of a function of a local run",
    options: { "function!": functionName, "metric!": "The metric's name" },
    examples: ["--function Ingest --metric SignatureRejected"],
  },
];

/** The commands that need AWS credentials, or a local run. */
export const adminCommands: readonly Command[] = useCases.map((one) => ({
  words: one.words,
  summary: one.summary,
  positionals: [],
  options: Object.fromEntries(
    Object.entries(one.options).map(([name, describe]) => [
      name.replace(/[!?*]$/, ""),
      {
        type: name.endsWith("?") ? "boolean" : name.endsWith("*") ? "array" : "string",
        ...(name.endsWith("*") ? { string: true } : {}),
        ...(name.endsWith("!") ? { demandOption: true } : {}),
        describe,
      },
    ]),
  ),
  examples: one.examples.map((example) => `${one.words} ${example}`.trim()),
  async run(values, place) {
    const { target } = await place();
    // It loads the AWS SDK, which takes longer than most commands.
    const { MissingOption, runAdminCommand } = await import("../admin-commands.ts");
    const data = await runAdminCommand(
      one.admin ?? one.words,
      values as OptionValues,
      await target(),
    ).catch((error: unknown) => {
      throw error instanceof MissingOption ? new UsageError(error.message) : error;
    });
    return { data, lines: (width) => linesOf(data, width) };
  },
}));

function linesOf(data: unknown, width: number | undefined): string[] {
  if (typeof data !== "object") return data === undefined ? [] : String(data).split("\n");
  if (!Array.isArray(data)) return membersTable((data ?? {}) as Row, width);
  const rows = data as Row[];
  return tableOf(rows, [...new Set(rows.flatMap((row) => Object.keys(row)))], width);
}
