import { spawnSync } from "node:child_process";

/** What each program has to be able to do here. */
const checks = {
  go: ["version"],
  java: ["-version"],
  php: ["--version"],
  python3: ["-c", "import sys; assert sys.version_info >= (3, 9)"],
  ruby: ["--version"],
};

/** Skips the test, with the reason, on a machine where this program is absent, too old or broken. */
export function skipWithout(program: keyof typeof checks, skip: (reason: string) => void): void {
  const { status } = spawnSync(program, checks[program]);
  if (status !== 0) skip(`There is no ${program} on this machine that can run this test`);
}
