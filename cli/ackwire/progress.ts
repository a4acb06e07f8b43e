/** Without a terminal, lines of progress are at least this far apart. */
const LOG_INTERVAL_MS = 10_000;

/** Says how far long work has come, on the standard error. */
export interface Progress {
  /** Shows where the work stands; the same text twice is shown once. */
  say(text: string): void;
  /** Ends the line of the terminal. */
  end(): void;
}

/** One line that is written over in a terminal, and seldom a line of its own elsewhere. */
export function showProgress(
  stream: Pick<NodeJS.WriteStream, "write" | "isTTY" | "columns"> = process.stderr,
  nowMs: () => number = () => performance.now(),
): Progress {
  let last = "";
  let saidAtMs = Number.NEGATIVE_INFINITY;
  let isOpen = false;
  return {
    say(text) {
      if (text === last) return;
      if (stream.isTTY) {
        const fitting = text.slice(0, stream.columns - 1);
        stream.write(`\r${fitting.padEnd(Math.min(last.length, stream.columns - 1))}`);
        isOpen = true;
      } else if (nowMs() - saidAtMs >= LOG_INTERVAL_MS) {
        stream.write(`${text}\n`);
        saidAtMs = nowMs();
      } else {
        return;
      }
      last = text;
    },
    end() {
      if (isOpen) stream.write("\n");
      isOpen = false;
    },
  };
}
