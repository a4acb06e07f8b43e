/** How often a property is drawn: with THOROUGH=1 as often as it is worth, else a tenth of that, for the five minutes of the suite. */
export function runs(count: number): { numRuns: number } {
  return { numRuns: process.env.THOROUGH === "1" ? count : count / 10 };
}
