import { parseArgs } from "node:util";
import { printError, printJson, printText } from "../local/terminal.ts";
import { adminOptions, isAdminCommand, MissingOption, runAdminCommand } from "./admin-commands.ts";
import { messagesOf } from "./messages-of.ts";
import { targetOf } from "./target.ts";
import { usage } from "./usage.ts";

/* The admin command, for one more version: `ackwire` has its use cases too. */

async function main(): Promise<unknown> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      ...adminOptions,
      local: { type: "boolean", default: false },
      stack: { type: "string", default: "ackwire-dev" },
      help: { type: "boolean", default: false },
    },
  });
  const name = positionals.join(" ");
  if (values.help) return usage;
  if (!isAdminCommand(name)) throw new Error(usage);
  return runAdminCommand(name, values, await targetOf(values));
}

main().then(
  (result) => (typeof result === "string" ? printText(result) : printJson(result, 2)),
  (error: unknown) => {
    printError(error instanceof Error ? messagesOf(error).join(": ") : String(error));
    if (error instanceof MissingOption) printError(`\n${usage}`);
    process.exitCode = 1;
  },
);
