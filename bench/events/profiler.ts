import { writeFileSync } from "node:fs";
import { Session } from "node:inspector/promises";
import { join } from "node:path";

/**
 * Loaded before the program of a process: its first SIGUSR2 starts a CPU profile, the second one
 * writes it into `BENCH_PROFILE_DIR`.
 */

const { AWS_LAMBDA_FUNCTION_NAME = "local run", BENCH_PROFILE_DIR = "" } = process.env;
const session = new Session();
let isRunning = false;

process.on("SIGUSR2", async () => {
  if (!isRunning) {
    isRunning = true;
    session.connect();
    await session.post("Profiler.enable");
    await session.post("Profiler.start");
    return;
  }
  const { profile } = await session.post("Profiler.stop");
  const name = `${AWS_LAMBDA_FUNCTION_NAME.split("-").at(-1)}-${process.pid}.cpuprofile`;
  writeFileSync(join(BENCH_PROFILE_DIR, name), JSON.stringify(profile));
});
