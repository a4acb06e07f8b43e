/**
 * Parses JSON text. Without the parser's own error, which quotes the text.
 *
 * @returns `undefined` when the text is not JSON
 */
export function parseJsonOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
