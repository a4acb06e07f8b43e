import { printJson, printLine } from "../../local/terminal.ts";
import type { Shown } from "./command.ts";

/**
 * Prints what a command answers: JSON for programs, or lines for people.
 *
 * @param width columns of the terminal; absent: as wide as the content
 */
export function printShown(
  shown: Shown,
  { isJson, width }: { isJson: boolean; width?: number | undefined },
): void {
  if (isJson) printJson(shown.data, 2);
  else for (const line of shown.lines(width)) printLine(line);
}
