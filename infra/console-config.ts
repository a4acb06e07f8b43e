/** The console and who may embed it. */
export interface ConsoleConfig {
  /** Origins, such as `https://app.example.com`. */
  frameAncestors: readonly string[];
}

/** Origins, separated by spaces. */
const origins = /^https:\/\/[a-z0-9.-]+(:\d+)?( https:\/\/[a-z0-9.-]+(:\d+)?)*$/;

/** Reads `console` and `consoleFrameAncestors`. @returns undefined where the stack has no console */
export function readConsole(reader: {
  readonly problems: string[];
  text(key: string, pattern: RegExp): string | undefined;
  oneOf(key: string, values: readonly string[]): string | undefined;
}): ConsoleConfig | undefined {
  const frameAncestors = reader.text("consoleFrameAncestors", origins)?.split(" ") ?? [];
  if (reader.oneOf("console", ["on", "off"]) === "on") return { frameAncestors };
  if (frameAncestors.length > 0) {
    reader.problems.push("consoleFrameAncestors: is given, but console is not on");
  }
  return undefined;
}
