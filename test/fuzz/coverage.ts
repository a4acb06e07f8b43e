import { type Profiler, Session } from "node:inspector";

/** The ways in which functions ran since the last look, as V8 counts their blocks. */
export interface Coverage {
  take(): string[];
  stop(): void;
}

/**
 * Watches functions of the product's files in this process.
 *
 * @param isWatched whether a file, by its URL, is watched
 */
export function openCoverage(isWatched: (url: string) => boolean): Coverage {
  const session = new Session();
  session.connect();
  session.post("Profiler.enable");
  session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  return {
    take() {
      let scripts: Profiler.ScriptCoverage[] = [];
      // A session of the same thread answers before `post` returns.
      session.post("Profiler.takePreciseCoverage", (error, taken) => {
        if (error) throw error;
        scripts = taken.result;
      });
      return scripts.filter(({ url }) => isWatched(url)).flatMap(waysOf);
    },
    stop() {
      session.post("Profiler.stopPreciseCoverage");
      session.disconnect();
    },
  };
}

/**
 * One name for each way in which a function ran: V8 tells which of its blocks did not run, so that
 * a block that is reached for the first time is one that is not named any more.
 */
function waysOf({ scriptId, functions }: Profiler.ScriptCoverage): string[] {
  return functions
    .filter(({ ranges }) => (ranges[0]?.count ?? 0) > 0)
    .map(({ ranges }) =>
      [
        scriptId,
        ...ranges.map(
          ({ startOffset, endOffset, count }) =>
            `${startOffset}-${endOffset}${count > 0 ? "" : "!"}`,
        ),
      ].join(":"),
    );
}
