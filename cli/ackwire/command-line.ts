import yargs, { type Argv } from "yargs";
import { type Command, UsageError, type Values } from "./command.ts";

/** What a command line asks for. */
export type Chosen = { command: Command; values: Values } | { text: string };

const whereOptions = {
  local: {
    type: "boolean",
    describe: "The local run of this folder; so it is unless a stage is named",
  },
  stage: { type: "string", describe: "A deployed stage, such as prod: the stack ackwire-prod" },
  stack: { type: "string", describe: "A deployed stack by its name" },
  construct: { type: "string", describe: "The construct, where the stack has several" },
  json: { type: "boolean", describe: "Print JSON, for programs" },
} as const;

const exitCodes = `Exit codes: 0 done, 1 failed, 2 the command line is wrong.

ACKWIRE_STAGE names a stage as --stage does. A stage needs your AWS credentials to be found, and a
key in ACKWIRE_OPERATOR_KEY (\`ackwire operator-keys create\`); mcp also uses ACKWIRE_API_KEY.

Without AWS credentials: ACKWIRE_API_URL and a client's ACKWIRE_API_KEY, which shows that client's
requests, events and deliveries, and can \`listen\`.`;

/**
 * Reads a command line. Commands that share their first word are below it, in the help too.
 *
 * @returns the command with its values, or a text to print, such as help
 * @throws UsageError when it names no command, or has an unknown or missing option
 */
export async function readCommandLine(
  args: readonly string[],
  commands: readonly Command[],
): Promise<Chosen> {
  const passing = commands.find((one) => one.passesOptions && one.words === args[0]);
  if (passing) return { command: passing, values: { passed: args.slice(1) } };
  let chosen: Chosen | undefined;
  const choose = (command: Command) => (values: Values) => {
    chosen = { command, values };
  };
  let text = "";
  const parser = base([...args], (message) => naming(message, args, commands));
  for (const [word, group] of Map.groupBy(commands, ({ words }) => words.split(" ")[0] ?? "")) {
    addGroup(parser, { word, group, choose });
  }
  parser.demandCommand(1, "Name a command").epilogue(exitCodes);
  await parser.parseAsync([...args], {}, (error, _values, output) => {
    text = output;
    if (error) throw error;
  });
  if (chosen) return chosen;
  return { text };
}

/** What yargs says when arguments are missing, with the names of those that the command takes. */
function naming(message: string, args: readonly string[], commands: readonly Command[]): string {
  if (!/^(An argument is|Arguments are) missing/.test(message)) return message;
  const [first = "", second = ""] = args.filter((arg) => !arg.startsWith("-"));
  const command = commands.find(({ words }) => words === `${first} ${second}` || words === first);
  return command ? `${message}: ackwire ${lineOf(command, command.words)}` : message;
}

function base(args: string[], described: (message: string) => string): Argv {
  return yargs(args)
    .scriptName("ackwire")
    .usage("$0 COMMAND [options]")
    .options(whereOptions)
    .group(Object.keys(whereOptions), "Where, and how:")
    .parserConfiguration({ "camel-case-expansion": false, "parse-positional-numbers": false })
    .strict()
    .recommendCommands()
    .updateStrings({
      "Not enough non-option arguments: got %s, need at least %s": {
        one: "An argument is missing: %s of %s are there",
        other: "Arguments are missing: %s of %s are there",
      } as unknown as string,
    })
    .completion("completion", "Prints a script that completes commands and options in your shell")
    .version(false)
    .help()
    .wrap(Math.min(110, process.stdout.columns ?? 110))
    .exitProcess(false)
    .fail((message, error) => {
      throw error ?? new UsageError(described(message));
    });
}

function addGroup(
  parser: Argv,
  of: { word: string; group: Command[]; choose: (command: Command) => (values: Values) => void },
): void {
  const { word, group, choose } = of;
  const [only] = group;
  if (only && group.length === 1 && only.words === word) {
    parser.command(lineOf(only, word), only.summary, (one) => details(one, only), choose(only));
    return;
  }
  const summary = group.map(({ words }) => words.slice(word.length + 1)).join(", ");
  parser.command(word, summary, (below) => {
    for (const command of group) {
      const name = command.words.slice(word.length + 1);
      const names = [lineOf(command, name), ...(command.isDefault ? ["$0"] : [])];
      below.command(names, command.summary, (one) => details(one, command), choose(command));
    }
    return below.demandCommand(1, `Name one of: ${summary}`);
  });
}

function lineOf({ positionals }: Command, name: string): string {
  return [
    name,
    ...positionals.map((one) => (one.isOptional ? `[${one.name}]` : `<${one.name}>`)),
  ].join(" ");
}

function details(parser: Argv, { positionals, options, examples }: Command): Argv {
  for (const { name, describe } of positionals) {
    parser.positional(name, { type: "string", ...(describe ? { describe } : {}) });
  }
  parser.options(options);
  for (const example of examples) parser.example(`$0 ${example}`, "");
  return parser;
}
