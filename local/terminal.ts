/*
 * What the commands and the local run print passes here. Texts of clients, providers and everybody
 * who can send a request may contain characters that a terminal obeys: they clear it, move its
 * cursor, set its title, or show a text in another order than it has.
 */

/** Control characters, Unicode's ends of lines, and what sets the direction of a text. */
const obeyed = /[\p{Cc}\u2028\u2029\p{Bidi_Control}]+/gu;

/** Those of them that `JSON.stringify` leaves in strings. */
const obeyedInJson = /[\u007f-\u009f\u2028\u2029\p{Bidi_Control}]/gu;

/** Returns the text on one line, with a space in place of what a terminal obeys. */
export function oneLine(text: string): string {
  return text.replaceAll(obeyed, " ");
}

/** Prints one line. */
export function printLine(text: string): void {
  console.log(oneLine(text));
}

/** Prints a text whose line ends are our own, such as help. */
export function printText(text: string): void {
  for (const line of text.split("\n")) printLine(line);
}

/** Prints an error, whose line ends are our own, to the standard error. */
export function printError(text: string): void {
  for (const line of text.split("\n")) console.error(oneLine(line));
}

/** Prints a value as JSON, in which what a terminal obeys is escaped; `undefined` is `null`. */
export function printJson(value: unknown, indent?: number): void {
  const text = JSON.stringify(value ?? null, null, indent);
  console.log(
    text.replaceAll(
      obeyedInJson,
      (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
    ),
  );
}
