/** One program of the proof, with its arguments. */
export interface Step {
  /** The row of the goals in `docs/reliability.md`, or `F` for the fuzzer. */
  id: string;
  what: string;
  /** From the root of the repository: the program, and its options. */
  args: readonly string[];
}

export interface StepResult {
  step: Step;
  exitCode: number;
  seconds: number;
}

const simulation = "test/simulation/run.ts";
const security = "test/security/run.ts";

/**
 * The steps of `npm run prove`, in their order.
 *
 * @param scale divides every size. What is a limit of a search, or has no size, stays as it is: the
 *   seeds within which a planted defect must be found, the fault matrix, S1, S4, S5 and S6.
 */
export function stepsOf(scale: number): Step[] {
  const size = (whole: number) => String(Math.max(1, Math.round(whole / scale)));
  const simulate = (id: string, what: string, ...args: string[]): Step => ({
    id,
    what,
    args: [simulation, ...args],
  });
  const secure = (id: string, what: string, ...args: string[]): Step => ({
    id,
    what,
    args: [security, id, ...args],
  });
  return [
    simulate("R1", "seeds break no guarantee", "--seeds", size(100_000)),
    simulate("R2", "a seed is one run", "--determinism", "--seeds", size(200)),
    simulate("R3", "planted defects are found", "--defects", "--seeds", "2000"),
    simulate("R4", "each call is struck", "--exhaustive", "--sample", String(scale)),
    { id: "R5", what: "the fault matrix passes", args: ["test/faults/matrix/run.ts"] },
    simulate("R6", "services answer as others", "--conformance", "--seeds", size(1_000)),
    {
      id: "R7",
      what: "changes are noticed",
      args: ["test/mutation/run.ts", "--blocks", size(100)],
    },
    simulate("R8", "deliveries end", "--deliveries", size(100_000)),
    simulate("R9", "an outage floods nobody", "--outage", size(50_000)),
    simulate("R10", "accounts keep order", "--accounts", size(10_000), "--requests", "100"),
    { id: "F", what: "parsers are fuzzed", args: ["test/fuzz/run.ts", "--seconds", size(60)] },
    secure("S1", "private addresses are refused"),
    secure("S2", "hostile endpoints do no harm", "--parallel", size(1_000)),
    secure("S3", "forged requests are refused", "--requests", size(100_000)),
    secure("S4", "granted rights are used"),
    secure("S5", "secrets are in no log"),
    secure("S6", "dependencies are few"),
  ];
}

/**
 * Runs all steps, one after the other, whatever the ones before have shown.
 *
 * @param run runs one step; returns its exit code, or `undefined` when no further step shall run
 */
export async function runSteps(
  steps: readonly Step[],
  run: (step: Step, nth: number) => Promise<number | undefined>,
): Promise<StepResult[]> {
  const results: StepResult[] = [];
  for (const [at, step] of steps.entries()) {
    const startedMs = performance.now();
    const exitCode = await run(step, at + 1);
    if (exitCode === undefined) break;
    const seconds = Math.round((performance.now() - startedMs) / 1_000);
    results.push({ step, exitCode, seconds });
  }
  return results;
}

export const isAllProven = (steps: readonly Step[], results: readonly StepResult[]): boolean =>
  steps.length > 0 &&
  results.length === steps.length &&
  results.every(({ exitCode }) => exitCode === 0);

/** A line for each step: whether it passed, how long it took, and its command. */
export function tableOf(steps: readonly Step[], results: readonly StepResult[]): string {
  return steps
    .map((step) => {
      const result = results.find((one) => one.step === step);
      const end = result === undefined ? "not run" : outcomeOf(result);
      const time = result === undefined ? "" : `${result.seconds} s`;
      const command = `node ${step.args.join(" ")}`;
      return `${step.id.padEnd(4)}${end.padEnd(8)}${time.padStart(8)}  ${step.what}: ${command}`;
    })
    .join("\n");
}

const outcomeOf = ({ exitCode }: StepResult) => (exitCode === 0 ? "passed" : "FAILED");
