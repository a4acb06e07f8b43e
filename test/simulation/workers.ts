import { fork } from "node:child_process";
import { availableParallelism } from "node:os";

/** Processes that share the work of one command, unless it names a number. */
export const usualWorkers: number = availableParallelism();

/** What a process is to do: part `part` of `of`. */
export interface Part {
  part: number;
  of: number;
}

/**
 * Reads a part from `2/4`, which `workTogether` gives to its processes.
 *
 * @throws Error if the text is no part
 */
export function partOf(text: string): Part {
  const [, part, of] = /^(\d{1,6})\/(\d{1,6})$/.exec(text)?.map(Number) ?? [];
  if (part === undefined || of === undefined || part >= of) {
    throw new Error(`--part takes a part such as 2/4, not ${JSON.stringify(text)}`);
  }
  return { part, of };
}

/** Tells something to the process that has started this one. Resolves when it is on its way. */
export const tell = (message: unknown): Promise<void> =>
  new Promise((resolve) => {
    if (process.send) process.send(message, () => resolve());
    else resolve();
  });

/**
 * Runs this program in several processes, each with `--part <n>/<of>` after these arguments.
 *
 * @param onMessage is told what a process tells; returns false when all of them shall end
 * @returns whether each process ended by itself with exit code 0
 */
export async function workTogether<Message>(
  program: string,
  args: readonly string[],
  of: { workers: number; onMessage: (message: Message, part: number) => boolean },
): Promise<boolean> {
  const { workers, onMessage } = of;
  const children = Array.from({ length: workers }, (_, part) =>
    fork(program, [...args, "--part", `${part}/${workers}`], { serialization: "advanced" }),
  );
  const ends = children.map(
    (child, part) =>
      new Promise<number>((resolve) => {
        child.on("message", (message) => {
          if (onMessage(message as Message, part)) return;
          for (const one of children) one.kill();
        });
        child.on("exit", (code) => resolve(code ?? 1));
      }),
  );
  const codes = await Promise.all(ends);
  return codes.every((code) => code === 0);
}

/**
 * Runs this program in several processes and collects what each part of the work has told. Prints
 * its violations at once, and how far the work is.
 *
 * @param of.every parts between two lines of progress
 * @param of.all such as `40 stages`
 */
export async function collectTogether<Message extends { violations: readonly string[] }>(
  args: readonly string[],
  of: { workers: number; every: number; all: string },
): Promise<{ results: Message[]; isWhole: boolean }> {
  const results: Message[] = [];
  const program = new URL("run.ts", import.meta.url).pathname;
  const isWhole = await workTogether<Message>(program, args, {
    workers: of.workers,
    onMessage(result) {
      results.push(result);
      for (const violation of result.violations) console.log(violation);
      if (results.length % of.every === 0) console.log(`${results.length} of ${of.all}`);
      return true;
    },
  });
  return { results, isWhole };
}
