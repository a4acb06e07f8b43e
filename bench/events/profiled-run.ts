import { startChangedRun } from "../run/changed-run.ts";
import "./profiler.ts";

/** A local run that is profiled, and whose functions are, each process by itself. */
const profiler = new URL("./profiler.ts", import.meta.url).href;

await startChangedRun((resources) => {
  for (const { Type, Properties } of Object.values(resources)) {
    if (Type !== "AWS::Lambda::Function") continue;
    const { Variables } = Properties.Environment as { Variables: Record<string, string> };
    Variables.NODE_OPTIONS = `--import=${profiler}`;
    Variables.BENCH_PROFILE_DIR = process.env.BENCH_PROFILE_DIR ?? "";
  }
});
