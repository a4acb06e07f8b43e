import { printError, printText } from "../local/terminal.ts";
import { CallFailure } from "./ackwire/call-api.ts";
import { UsageError } from "./ackwire/command.ts";
import { readCommandLine } from "./ackwire/command-line.ts";
import { commands } from "./ackwire/commands.ts";
import { placeOf, type Where } from "./ackwire/place.ts";
import { printShown } from "./ackwire/print-shown.ts";
import { messagesOf } from "./messages-of.ts";

async function main(args: readonly string[]): Promise<void> {
  const read = await readCommandLine(args, commands);
  if ("text" in read) {
    if (read.text !== "") printText(read.text);
    return;
  }
  const { command, values } = read;
  const { ACKWIRE_STAGE } = process.env;
  const named = values as Where;
  const isSaid = named.local || named.stage !== undefined || named.stack !== undefined;
  const where = isSaid || !ACKWIRE_STAGE ? named : { stage: ACKWIRE_STAGE };
  const shown = await command.run({ ...values, ...where }, () => placeOf(where));
  if (shown === undefined) return;
  printShown(shown, { isJson: values.json === true, width: process.stdout.columns });
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // The message of a failed call has its cause.
  return error instanceof CallFailure ? error.message : messagesOf(error).join(": ");
}

main(process.argv.slice(2)).catch((error: unknown) => {
  const isUsage = error instanceof UsageError;
  printError(messageOf(error));
  if (isUsage) printError("`ackwire COMMAND --help` shows the options with examples.");
  process.exitCode = isUsage ? 2 : 1;
});
