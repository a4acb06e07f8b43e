/** With THOROUGH=1 so many as the law is worth; else a tenth of them, for the five minutes of the suite. */
export function thorough(count: number): number {
  return process.env.THOROUGH === "1" ? count : count / 10;
}

/** How often a property is drawn. */
export function runs(count: number): { numRuns: number } {
  return { numRuns: thorough(count) };
}
