/**
 * Reads the number of a command's option, such as `100` of `--seeds 100`.
 *
 * @param option its name without the hyphens
 * @param least the smallest number that is allowed; default 1
 * @throws Error if the text is no whole number from `least`, with which a program would do nothing
 *   and succeed
 */
export function wholeOption(option: string, text: string, least = 1): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= least)) {
    throw new Error(`--${option} takes a whole number from ${least}, not ${JSON.stringify(text)}`);
  }
  return value;
}
