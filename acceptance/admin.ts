import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { AdminSettings } from "./target.ts";

const command = fileURLToPath(new URL("../cli/admin.ts", import.meta.url));

/** Runs the admin command, and returns what it printed, as JSON. */
export type Admin = (args: readonly string[], input?: string) => Promise<unknown>;

/**
 * The admin command as a process of its own, as an operator runs it.
 *
 * Its calls throw an Error with what it printed if it fails.
 */
export function makeAdmin({ args: target, cwd, env }: AdminSettings): Admin {
  return (args, input = "") =>
    new Promise((resolve, reject) => {
      const child = execFile(
        process.execPath,
        [command, ...args, ...target],
        { cwd, env: { ...process.env, ...env } },
        (error, stdout, stderr) => {
          if (error) {
            reject(new Error(`npm run admin -- ${args.join(" ")}: ${stderr || error.message}`));
          } else {
            resolve(JSON.parse(stdout));
          }
        },
      );
      child.stdin?.end(input);
    });
}
