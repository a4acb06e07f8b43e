import { randomUUID } from "node:crypto";
import type {
  EnvironmentOptions,
  ExecutionEnvironment,
} from "../../local/lambda/execution-environment.ts";
import { failed, type InvokeResult } from "../../local/lambda/invoke-result.ts";
import { type Lineage, lineageMember } from "../../local/lambda/lineage.ts";
import { environmentVariables } from "../../local/lambda/process-environment.ts";
import type { FunctionRuntime, Handler } from "./function-world.ts";

/**
 * Starts environments in this thread: a function is loaded and invoked like any other code. What
 * that costs is the end of an invocation that takes too long: it goes on, and nobody waits for it.
 */
export function makeStartInThread(options: {
  /** Returns the runtime that loads a function; another one after an invocation has timed out. */
  runtime(): FunctionRuntime;
  onTimeout(): void;
  /** The name of a function by its logical id. */
  nameOf(logicalId: string): string;
}): (of: EnvironmentOptions) => ExecutionEnvironment {
  return (of) => startInThread(options, of);
}

function startInThread(
  options: Parameters<typeof makeStartInThread>[0],
  { configuration, awsUrl, log, onIdle }: EnvironmentOptions,
): ExecutionEnvironment {
  const exited = Promise.withResolvers<void>();
  const ready = Promise.withResolvers<InvokeResult | undefined>();
  const variables = environmentVariables(configuration, { awsUrl, runtimeApi: "" });
  const runtime = options.runtime();
  const name = options.nameOf(configuration.logicalId);
  let handler: Handler | undefined;

  // Not at once: the pool does not know the environment yet.
  setImmediate(() => {
    try {
      handler = runtime.load({ name, variables, log });
    } catch (error) {
      log(`Init Error ${stackOf(error)}`);
      ready.resolve(resultOf(error));
      exited.resolve();
      return;
    }
    ready.resolve(undefined);
    onIdle(environment);
  });

  async function invoke(payload: string, causes: readonly Lineage[]): Promise<InvokeResult> {
    const { timeoutMs, arn } = configuration;
    const deadlineMs = Date.now() + timeoutMs;
    const awsRequestId = randomUUID();
    const world = {
      name,
      log,
      variables: { ...variables, _X_AMZN_TRACE_ID: traceId(lineageMember(causes, arn)) },
    };
    const context = {
      callbackWaitsForEmptyEventLoop: true,
      functionName: variables.AWS_LAMBDA_FUNCTION_NAME,
      functionVersion: variables.AWS_LAMBDA_FUNCTION_VERSION,
      invokedFunctionArn: arn,
      memoryLimitInMB: variables.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
      logGroupName: variables.AWS_LAMBDA_LOG_GROUP_NAME,
      logStreamName: variables.AWS_LAMBDA_LOG_STREAM_NAME,
      awsRequestId,
      getRemainingTimeInMillis: () => deadlineMs - Date.now(),
    };
    const { promise: timedOut, resolve } = Promise.withResolvers<"timed out">();
    const timer = setTimeout(() => resolve("timed out"), timeoutMs);
    const run = runtime.run(world, async (): Promise<InvokeResult> => {
      try {
        const result = await handler?.(JSON.parse(payload), context);
        return { payload: JSON.parse(JSON.stringify(result) ?? "null") };
      } catch (error) {
        log(`Invoke Error ${stackOf(error)}`);
        return resultOf(error);
      }
    });
    const result = await Promise.race([run, timedOut]);
    clearTimeout(timer);
    if (result !== "timed out") {
      setImmediate(() => onIdle(environment));
      return result;
    }
    const seconds = (timeoutMs / 1_000).toFixed(2);
    const message = `RequestId: ${awsRequestId} Error: Task timed out after ${seconds} seconds`;
    log(message);
    options.onTimeout();
    exited.resolve();
    return failed("Sandbox.Timedout", message);
  }

  const environment: ExecutionEnvironment = {
    ready: ready.promise,
    invoke,
    kill: exited.resolve,
    exited: exited.promise,
  };
  return environment;
}

/** A trace id in the format of AWS X-Ray, which the SDK passes on. */
function traceId(lineage: string): string {
  const random = randomUUID().replaceAll("-", "");
  const seconds = Math.floor(Date.now() / 1_000).toString(16);
  return `Root=1-${seconds}-${random.slice(0, 24)};Parent=${random.slice(0, 16)};Sampled=0;${lineage}`;
}

function resultOf(error: unknown): InvokeResult {
  return error instanceof Error
    ? failed(error.name, error.message)
    : failed(typeof error, String(error));
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
