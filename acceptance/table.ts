export interface CaseResult {
  status: "passed" | "failed" | "skipped";
  title: string;
  seconds: number;
  /** Why it failed or was skipped. */
  reason?: string;
}

/** Returns a case's line: its status, time, title, and the reason below. */
function line({ status, title, seconds, reason }: CaseResult): string {
  const first = `${status.padEnd(8)} ${seconds.toFixed(1).padStart(6)} s  ${title}`;
  return reason === undefined ? first : `${first}\n${" ".repeat(19)}${reason.replace(/\s+/g, " ")}`;
}

/** Returns the results as text: a line for each case, and the counts. */
export function table(results: readonly CaseResult[]): string {
  const count = (status: CaseResult["status"]) =>
    results.filter((one) => one.status === status).length;
  const counts = `passed ${count("passed")}, failed ${count("failed")}, skipped ${count("skipped")}`;
  return [...results.map(line), "", counts].join("\n");
}
