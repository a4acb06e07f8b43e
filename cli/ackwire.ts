import { UsageError } from "./ackwire/command.ts";
import { readCommandLine } from "./ackwire/command-line.ts";
import { commands } from "./ackwire/commands.ts";
import { placeOf, type Where } from "./ackwire/place.ts";

async function main(args: readonly string[]): Promise<void> {
  const read = await readCommandLine(args, commands);
  if ("text" in read) {
    if (read.text !== "") console.log(read.text);
    return;
  }
  const { command, values } = read;
  const { ACKWIRE_STAGE } = process.env;
  const named = values as Where;
  const isSaid = named.local || named.stage !== undefined || named.stack !== undefined;
  const where = isSaid || !ACKWIRE_STAGE ? named : { stage: ACKWIRE_STAGE };
  const shown = await command.run({ ...values, ...where }, () => placeOf(where));
  if (shown === undefined) return;
  if (values.json === true) return console.log(JSON.stringify(shown.data ?? null, null, 2));
  for (const line of shown.lines(process.stdout.columns)) console.log(line);
}

/** The message of an error and of its causes: AWS's own names the action and the resource. */
function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

main(process.argv.slice(2)).catch((error: unknown) => {
  const isUsage = error instanceof UsageError;
  console.error(messageOf(error));
  if (isUsage) console.error("`ackwire COMMAND --help` shows the options with examples.");
  process.exitCode = isUsage ? 2 : 1;
});
