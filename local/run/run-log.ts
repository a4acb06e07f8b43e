import { createWriteStream } from "node:fs";
import { join } from "node:path";

/** Function log lines that are printed too; all others are only in the file. */
const errorLine =
  /"level":"(ERROR|CRITICAL)"|^(Init Error|Invoke Error)|Task timed out|Runtime exited/;

/** Opens the log of a local run: `functions.log` gets every line, the terminal only errors. */
export function openRunLog(runDirectory: string, print: (line: string) => void) {
  const file = createWriteStream(join(runDirectory, "functions.log"), { flags: "a" });
  const write = (line: string) => file.write(`${new Date().toISOString()} ${line}\n`);
  return {
    /** Logs and prints a wiring mistake or a wrong use. */
    fault(line: string) {
      write(line);
      print(`  ! ${line}`);
    },
    /** Logs a normal event, such as a message that returns to its queue. */
    note: write,
    function(functionId: string, line: string) {
      write(`${functionId} ${line}`);
      if (errorLine.test(line)) print(`  ! ${functionId}: ${line}`);
    },
    close: () => new Promise<void>((done) => file.end(done)),
  };
}
