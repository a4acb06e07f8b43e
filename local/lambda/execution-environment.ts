import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Bill } from "../aws/billing/billed-units.ts";
import type { BusinessClock } from "../clock/clock.ts";
import type { FunctionConfiguration } from "./function-configuration.ts";
import { failed, type InvokeResult, readErrorReport } from "./invoke-result.ts";
import { INIT_LIMIT_MS, INSPECTED_TIMEOUT_MS, MAX_RESPONSE_BYTES } from "./limits.ts";
import { type Lineage, lineageMember } from "./lineage.ts";
import { environmentVariables } from "./process-environment.ts";
import type { ProcessReaper } from "./process-reaper.ts";
import { type Invocation, type RuntimeEvents, startRuntimeApi } from "./runtime-api.ts";

export interface EnvironmentOptions {
  configuration: FunctionConfiguration;
  awsUrl: string;
  clock?: Pick<BusinessClock, "jumpedMs">;
  /** Node's inspector listens here on loopback, and no timeout applies. Absent: no inspector. */
  inspectorPort?: number;
  log(line: string): void;
  /** Bills the initialisation and each invocation. */
  bill: Bill;
  /** Limits how many processes load their function at the same time. */
  startLimit: (start: () => Promise<void>) => Promise<void>;
  /** Ends the process if this one is killed. */
  reaper: Pick<ProcessReaper, "add" | "remove">;
  /**
   * Called when the environment is ready for an invocation: after the
   * initialisation, and after each invocation.
   */
  onIdle(environment: ExecutionEnvironment): void;
}

export interface ExecutionEnvironment {
  /**
   * Resolves with undefined when the function is loaded, or with the reason why
   * it cannot be loaded.
   */
  ready: Promise<InvokeResult | undefined>;
  /**
   * Runs one invocation. Resolves also when the process dies. Call it only after
   * `onIdle`, once for each call of `onIdle`.
   */
  invoke(payload: string, causes: readonly Lineage[]): Promise<InvokeResult>;
  kill(): void;
  /** Resolves when the process has exited. */
  exited: Promise<void>;
}

/** The directory that this process uses, or else the one that Node uses by default. */
const COMPILE_CACHE = process.env.NODE_COMPILE_CACHE ?? join(tmpdir(), "node-compile-cache");
/** Ours, or the script of another one, such as that of `npm run test:lambda-ric`. */
const RUNTIME_CLIENT =
  process.env.ACKWIRE_RUNTIME_CLIENT ??
  fileURLToPath(new URL("./runtime-client.ts", import.meta.url));

/** Starts what has one function loaded and runs one invocation at a time. */
export type StartEnvironment = (options: EnvironmentOptions) => ExecutionEnvironment;

/** Starts a process that has one function loaded and runs one invocation at a time. */
export function startEnvironment(options: EnvironmentOptions): ExecutionEnvironment {
  const { configuration, log, bill, inspectorPort } = options;
  const { logicalId, memoryMiB } = configuration;
  const isInspected = inspectorPort !== undefined;
  const initLimitMs = isInspected ? INSPECTED_TIMEOUT_MS : INIT_LIMIT_MS;
  const timeoutMs = isInspected ? INSPECTED_TIMEOUT_MS : configuration.timeoutMs;
  const ready = Promise.withResolvers<InvokeResult | undefined>();
  const stop = new AbortController();
  let sendInvocation: ((invocation: Invocation) => void) | undefined;
  let current: { requestId: string; settle(result: InvokeResult): void } | undefined;

  const settle = (requestId: string, result: InvokeResult) => {
    if (current?.requestId !== requestId) return;
    current.settle(result);
    current = undefined;
  };
  const report = (title: string, body: string) => {
    const { result, trace } = readErrorReport(body);
    log(`${title} ${trace.join("\n")}`);
    return result;
  };
  const kill = () => stop.abort();
  /** Bills the time since `startedMs` (real), which Lambda rounds up to the next millisecond. */
  const billDuration = (operation: string, startedMs: number) => {
    const units = (Math.ceil(performance.now() - startedMs) / 1_000) * (memoryMiB / 1_024);
    bill({ caller: logicalId, operation, item: "lambda.gbSecond", units });
  };
  /**
   * Timeout of the initialisation, then of each invocation. An invocation lasts
   * until the process asks for the next one.
   */
  let timer: NodeJS.Timeout | undefined;
  const startInitTimer = () => {
    timer = setTimeout(() => {
      ready.resolve(failed("Sandbox.Timedout", `Init took longer than ${initLimitMs / 1_000} s`));
      kill();
    }, initLimitMs);
  };

  const events: RuntimeEvents = {
    onNext: (next) => {
      clearTimeout(timer);
      sendInvocation = next;
      ready.resolve(undefined);
      options.onIdle(environment);
    },
    onResponse: (requestId, body) => settle(requestId, readResponse(body)),
    onResponseTooLarge: (requestId) =>
      settle(
        requestId,
        failed(
          "Function.ResponseSizeTooLarge",
          `Response payload size exceeded maximum allowed payload size (${MAX_RESPONSE_BYTES} bytes).`,
        ),
      ),
    onError: (requestId, body) => settle(requestId, report("Invoke Error", body)),
    onInitError: (body) => ready.resolve(report("Init Error", body)),
  };

  /** Waits until the process may start; the slot is free again when the function is loaded. */
  const startSlot = () =>
    new Promise<void>((granted) => {
      void options.startLimit(async () => {
        granted();
        await ready.promise;
      });
    });

  async function run(): Promise<void> {
    const api = await startRuntimeApi(events);
    // A debugger may pause the initialisation for any time.
    if (!isInspected) await startSlot();
    startInitTimer();
    const startedMs = performance.now();
    void ready.promise.then(() => billDuration("lambda:Init", startedMs));
    const child = spawnRuntime(options, api.address, stop.signal);
    const { pid } = child;
    if (pid !== undefined) options.reaper.add(pid);
    const [code, signal] = await once(child, "exit").finally(api.close);
    if (pid !== undefined) options.reaper.remove(pid);
    clearTimeout(timer);
    const reason = `Runtime exited ${exitReason(code, signal)}`;
    if (current) log(`RequestId: ${current.requestId} ${reason}`);
    ready.resolve(failed("Runtime.ExitError", reason));
    const requestId = current?.requestId ?? "";
    settle(requestId, failed("Runtime.ExitError", `RequestId: ${requestId} Error: ${reason}`));
  }

  function invoke(payload: string, causes: readonly Lineage[]): Promise<InvokeResult> {
    const { promise, resolve } = Promise.withResolvers<InvokeResult>();
    const requestId = randomUUID();
    const startedMs = performance.now();
    bill({ caller: logicalId, operation: "lambda:Invoke", item: "lambda.request", units: 1 });
    void promise.then(() => billDuration("lambda:Invoke", startedMs));
    timer = setTimeout(() => {
      const seconds = (timeoutMs / 1_000).toFixed(2);
      const message = `RequestId: ${requestId} Error: Task timed out after ${seconds} seconds`;
      log(message);
      settle(requestId, failed("Sandbox.Timedout", message));
      kill();
    }, timeoutMs);
    current = { requestId, settle: resolve };
    sendInvocation?.({
      requestId,
      functionArn: configuration.arn,
      traceId: `${traceId()};${lineageMember(causes, configuration.arn)}`,
      payload,
      deadlineMs: Date.now() + timeoutMs,
      businessJumpedMs: options.clock?.jumpedMs ?? 0,
    });
    return promise;
  }

  const exited = run().catch((error: Error) => {
    clearTimeout(timer);
    ready.resolve(failed("Runtime.StartError", `cannot start a process: ${error.message}`));
  });
  const environment: ExecutionEnvironment = { ready: ready.promise, invoke, kill, exited };
  return environment;
}

function spawnRuntime(
  options: EnvironmentOptions,
  runtimeApi: string,
  signal: AbortSignal,
): ChildProcess {
  const { configuration, awsUrl, inspectorPort, log } = options;
  const child = spawn(
    process.execPath,
    [
      // The same share of the memory as in Lambda's own runtime; the rest is for buffers and the stack.
      `--max-old-space-size=${Math.floor(configuration.memoryMiB * 0.9)}`,
      ...(inspectorPort === undefined ? [] : [`--inspect=127.0.0.1:${inspectorPort}`]),
      RUNTIME_CLIENT,
    ],
    {
      cwd: configuration.codeDirectory,
      env: {
        ...environmentVariables(configuration, { awsUrl, runtimeApi }),
        // Makes the next environment of the same code start a third faster.
        NODE_COMPILE_CACHE: COMPILE_CACHE,
      },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  const kill = () => child.kill("SIGKILL");
  if (signal.aborted) kill();
  signal.addEventListener("abort", kill);
  createInterface({ input: child.stdout }).on("line", log);
  createInterface({ input: child.stderr }).on("line", log);
  return child;
}

function readResponse(body: string): InvokeResult {
  try {
    return { payload: JSON.parse(body) };
  } catch {
    return failed("Runtime.InvalidResponse", "The response of the runtime is not JSON");
  }
}

function exitReason(code: number | null, signal: NodeJS.Signals | null): string {
  if (signal) return `with error: signal: ${signal}`;
  return code === 0 ? "without providing a reason" : `with error: exit status ${code}`;
}

/** Returns a trace id in the format of AWS X-Ray: version, epoch seconds, 96 random bits. */
function traceId(): string {
  const seconds = Math.floor(Date.now() / 1_000).toString(16);
  const random = randomUUID().replaceAll("-", "");
  return `Root=1-${seconds}-${random.slice(0, 24)};Parent=${random.slice(0, 16)};Sampled=0`;
}
