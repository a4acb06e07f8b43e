/**
 * The program of the thread in which a run is: apart from the tests, so that their mocks of time,
 * `fetch` and modules do not reach it.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parentPort, workerData } from "node:worker_threads";
import type { Call, ThreadCalls, ThreadMessage, ThreadStart } from "../thread-calls.ts";
import { evaluate, seedRandom } from "./function-runtime.ts";
import type { FunctionRuntime } from "./function-world.ts";
import type { TestRun } from "./test-run.ts";

const MAX_LOG_LINES = 10_000;

const { directory, randomSeed, ...options } = workerData as ThreadStart;
const logs: string[] = [];
const send = (message: ThreadMessage) => parentPort?.postMessage(message);

function log(line: string): void {
  if (logs.push(line) > MAX_LOG_LINES) logs.shift();
}

function handlersOf(run: TestRun, keepCompiled: () => void): ThreadCalls {
  return {
    advance: ({ byMs, untilEnded }) => run.advance(byMs, untilEnded),
    will: ({ scripts }) => run.will(scripts),
    send: ({ provider, body }) => run.send(provider, body),
    submissions: run.submissions,
    answer: async ({ status, times, afterwards }) => run.receiver.answer(status, times, afterwards),
    logs: async () => [...logs],
    async stop() {
      await run.close();
      keepCompiled();
    },
  };
}

async function main(): Promise<void> {
  seedRandom(randomSeed);
  const stack = JSON.parse(readFileSync(join(directory, "stack.json"), "utf8"));
  const file = join(directory, "run.cjs");
  const { startTestRun, runtime, keepCompiled } = evaluate(file);
  let unused: FunctionRuntime | undefined = runtime;
  const run = await startTestRun({
    ...options,
    makeRuntime: () => {
      const next = unused ?? evaluate(file).runtime;
      unused = undefined;
      return next;
    },
    stack,
    log,
    onReceived: (received) => send({ kind: "received", received }),
  });
  const handlers = handlersOf(run, keepCompiled);
  parentPort?.on("message", async ({ id, name, args }: Call) => {
    try {
      const result = await (handlers[name] as (of: typeof args) => Promise<unknown>)(args);
      send({ kind: "result", id, result, nowMs: run.clock.now() });
    } catch (error) {
      send({ kind: "error", id, error: errorOf(error), nowMs: run.clock.now() });
    }
  });
  send({ kind: "started", started: run.started, nowMs: run.clock.now() });
}

function errorOf(error: unknown): { name: string; message: string } {
  return error instanceof Error
    ? { name: error.name, message: error.message }
    : { name: "Error", message: String(error) };
}

main().catch((error: unknown) => send({ kind: "failed", error: errorOf(error) }));
