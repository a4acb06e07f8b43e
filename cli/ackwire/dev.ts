import { usage } from "../../local/run/options.ts";
import type { Command } from "./command.ts";

/** `dev`: the local run, with the options of `npm start`. */
export const devCommand: Command = {
  words: "dev",
  summary: "Starts the local run, until Ctrl-C",
  positionals: [],
  options: {},
  examples: ["dev", "dev --speed 60 --no-demo", "dev --data-dir .ackwire/data"],
  passesOptions: true,
  async run({ passed }) {
    const args = (passed as string[] | undefined) ?? [];
    if (args.includes("--help")) {
      const text = usage.replaceAll("npm start --", "ackwire dev");
      return { data: { usage: text }, lines: () => text.split("\n") };
    }
    process.argv = [...process.argv.slice(0, 2), ...args];
    await import("../../local/start.ts");
    return undefined;
  },
};
