/**
 * The program of a local execution environment: loads the function's handler and
 * processes invocations from the Runtime API, as AWS's own client does. It runs
 * in a process of its own and imports only Node modules.
 *
 * https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
 */
import { existsSync } from "node:fs";
import { Agent, type IncomingHttpHeaders, request } from "node:http";
import { createRequire, flushCompileCache, registerHooks } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

type Handler = (event: unknown, context: object) => unknown;
interface RuntimeResponse {
  headers: IncomingHttpHeaders;
  body: string;
}
interface ErrorReport {
  errorType: string;
  errorMessage: string;
  trace: string[];
}

const environment = (name: string): string => process.env[name] ?? "";
const taskRoot = resolve(environment("LAMBDA_TASK_ROOT"));
const [host = "", port = ""] = environment("AWS_LAMBDA_RUNTIME_API").split(":");
const agent = new Agent({ keepAlive: true });
let currentRequestId: string | undefined;

// Ctrl-C reaches every process of the terminal. Running batches must end first, so the parent
// decides when this process ends.
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => {});
process.on("uncaughtException", (error) => void failFor(error, errorName(error), 129));
process.on(
  "unhandledRejection",
  (reason) => void failFor(reason, "Runtime.UnhandledPromiseRejection", 128),
);

function call(method: "GET" | "POST", path: string, body = ""): Promise<RuntimeResponse> {
  return new Promise((resolveResponse) => {
    const headers = method === "POST" ? { "content-length": Buffer.byteLength(body) } : {};
    const outgoing = request(
      { host, port, agent, method, path: `/2018-06-01/runtime/${path}`, headers },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () =>
          resolveResponse({ headers: response.headers, body: Buffer.concat(chunks).toString() }),
        );
      },
    );
    outgoing.on("socket", (socket) => {
      // The parent process has ended, so this environment is not needed any more.
      if (socket.listenerCount("close", exit) === 0) socket.once("close", exit);
    });
    outgoing.on("error", exit);
    outgoing.end(body);
  });
}

function exit() {
  process.exit(1);
}

/**
 * Reports an error that the handler or the module did not catch, and ends the
 * process as Lambda does.
 */
async function failFor(error: unknown, errorType: string, exitCode: number) {
  const report = JSON.stringify({ ...describe(error), errorType });
  const path = currentRequestId ? `invocation/${currentRequestId}/error` : "init/error";
  await call("POST", path, report);
  process.exit(exitCode);
}

function describe(error: unknown): ErrorReport {
  return {
    errorType: errorName(error),
    errorMessage: error instanceof Error ? error.message : String(error),
    trace: error instanceof Error ? (error.stack ?? "").split("\n") : [],
  };
}

function errorName(error: unknown): string {
  return error instanceof Error ? error.name : typeof error;
}

const root = `${pathToFileURL(taskRoot).href}/`;
const hasPackage = existsSync(join(taskRoot, "package.json"));
const isCommonJs = (url: string) =>
  url.startsWith(root) && (url.endsWith(".cjs") || (url.endsWith(".js") && !hasPackage));

/**
 * Loads modules as in `/var/task`: a `.js` file without a package.json beside it
 * is CommonJS, even below a package.json with another type, and a package that is
 * not in the bundle is not resolved from the repository.
 */
function isolateModules() {
  registerHooks({
    resolve: (specifier, context, next) => {
      const resolved = next(specifier, context);
      if (resolved.url.startsWith("file:") && !resolved.url.startsWith(root)) {
        const error = new Error(`Cannot find module '${specifier}': it is not in the bundle`);
        throw Object.assign(error, { code: "MODULE_NOT_FOUND" });
      }
      return resolved;
    },
    load: (url, context, next) =>
      next(url, isCommonJs(url) ? { ...context, format: "commonjs" } : context),
  });
}

/** @throws the error of the module, or an error with Lambda's name when there is no handler */
async function loadHandler(): Promise<Handler> {
  const name = environment("_HANDLER");
  const dot = name.indexOf(".", name.lastIndexOf("/") + 1);
  const file = [".js", ".mjs", ".cjs"]
    .map((extension) => join(taskRoot, name.slice(0, dot) + extension))
    .find((candidate) => existsSync(candidate));
  if (!file) throw named("Runtime.ImportModuleError", `Cannot find module '${name.slice(0, dot)}'`);
  const { href } = pathToFileURL(file);
  const module = isCommonJs(href) ? createRequire(href)(file) : await import(href);
  const handler: unknown = module[name.slice(dot + 1)];
  if (typeof handler === "function") return handler as Handler;
  throw named("Runtime.HandlerNotFound", `${name} is undefined or not exported`);
}

function named(name: string, message: string): Error {
  return Object.assign(new Error(message), { name });
}

function makeContext(headers: IncomingHttpHeaders, requestId: string) {
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionName: environment("AWS_LAMBDA_FUNCTION_NAME"),
    functionVersion: environment("AWS_LAMBDA_FUNCTION_VERSION"),
    invokedFunctionArn: headers["lambda-runtime-invoked-function-arn"],
    memoryLimitInMB: environment("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"),
    logGroupName: environment("AWS_LAMBDA_LOG_GROUP_NAME"),
    logStreamName: environment("AWS_LAMBDA_LOG_STREAM_NAME"),
    awsRequestId: requestId,
    getRemainingTimeInMillis: () => Number(headers["lambda-runtime-deadline-ms"]) - Date.now(),
  };
}

async function processNext(handler: Handler) {
  const { headers, body } = await call("GET", "invocation/next");
  const requestId = String(headers["lambda-runtime-aws-request-id"]);
  currentRequestId = requestId;
  process.env._X_AMZN_TRACE_ID = String(headers["lambda-runtime-trace-id"]);
  const jumpedMs = Number(headers["ackwire-business-jumped-ms"] ?? 0);
  Object.assign(globalThis, { [Symbol.for("ackwire.businessJumpedMs")]: jumpedMs });
  try {
    const result = await handler(JSON.parse(body), makeContext(headers, requestId));
    await call("POST", `invocation/${requestId}/response`, JSON.stringify(result) ?? "null");
  } catch (error) {
    await call("POST", `invocation/${requestId}/error`, JSON.stringify(describe(error)));
  }
}

// Lambda does not have this variable; Node has already read it.
delete process.env.NODE_COMPILE_CACHE;
isolateModules();
try {
  const handler = await loadHandler();
  // Node would write the cache at exit, but this process is killed.
  flushCompileCache();
  for (;;) await processNext(handler);
} catch (error) {
  await failFor(error, errorName(error), 1);
}
