import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";

/** Programs that are Chromium on one machine or another. */
const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

const works = (program: string): boolean => spawnSync(program, ["--version"]).status === 0;

const found = (): string | undefined =>
  [process.env.CHROMIUM ?? "", ...names].find((name) => name !== "" && works(name));

const isRootOfDebian = (): boolean =>
  process.getuid?.() === 0 &&
  existsSync("/etc/os-release") &&
  /^ID(_LIKE)?=.*debian/m.test(readFileSync("/etc/os-release", "utf8"));

/**
 * Returns the program of a Chromium: that of the variable CHROMIUM, one of the machine, or, on
 * Debian as root, one that is installed now.
 */
export function findChromium(): { program: string } | { missing: string } {
  const program = found();
  if (program !== undefined) return { program: absolute(program) };
  if (!isRootOfDebian()) {
    return { missing: "there is no chromium, and only root of Debian may install it" };
  }
  console.log("console: installing chromium with apt-get …");
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const install = ["install", "-y", "--no-install-recommends", "chromium"];
  for (const args of [["update"], install]) {
    const { status, stderr } = spawnSync("apt-get", args, { env, encoding: "utf8" });
    if (status !== 0) {
      const reason = stderr?.trim().split("\n").at(-1) ?? "";
      return { missing: `apt-get ${args[0]} failed: ${reason}` };
    }
  }
  const installed = found();
  return installed === undefined
    ? { missing: "chromium was installed and does not start" }
    : { program: absolute(installed) };
}

/** Playwright starts a program by its path only. */
function absolute(program: string): string {
  if (program.includes("/")) return program;
  return spawnSync("sh", ["-c", `command -v ${program}`], { encoding: "utf8" }).stdout.trim();
}
