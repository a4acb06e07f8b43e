import { createWriteStream } from "node:fs";
import { join } from "node:path";

/** What a function logs that a person must see at once; the rest is in the file. */
const alarming =
  /"level":"(ERROR|CRITICAL)"|^(Init Error|Invoke Error)|Task timed out|Runtime exited/;

/** The log of a local run: everything goes to `functions.log`, the terminal gets what went wrong. */
export function openRunLog(runDirectory: string, print: (line: string) => void) {
  const file = createWriteStream(join(runDirectory, "functions.log"), { flags: "a" });
  const write = (line: string) => file.write(`${new Date().toISOString()} ${line}\n`);
  return {
    /** Something is wired or used wrongly. */
    fault(line: string) {
      write(line);
      print(`  ! ${line}`);
    },
    /** Part of every day: a message that goes back to its queue. */
    note: write,
    function(functionId: string, line: string) {
      write(`${functionId} ${line}`);
      if (alarming.test(line)) print(`  ! ${functionId}: ${line}`);
    },
    close: () => new Promise<void>((done) => file.end(done)),
  };
}
