/** With THOROUGH=1 a property is drawn as often as its law is worth; else a tenth of it, for the five minutes of the suite. */
export function runs(count: number): { numRuns: number } {
  return { numRuns: process.env.THOROUGH === "1" ? count : count / 10 };
}
