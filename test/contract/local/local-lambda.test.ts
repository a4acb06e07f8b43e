import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { makeBilledUnits } from "../../../local/aws/billing/billed-units.ts";
import { functionCredentials } from "../../../local/lambda/function-credentials.ts";
import { type Lambdas, startLambdas } from "../../../local/lambda/lambdas.ts";
import { MAX_CONCURRENT_STARTS } from "../../../local/lambda/limits.ts";
import { freePort } from "../../../local/loopback.ts";
import {
  functionWithRole,
  loadAssembly,
  type TestResource,
} from "../../support/runs/cloud-assembly.ts";

const awsUrl = "http://127.0.0.1:4566";
const started: Lambdas[] = [];

afterEach(async () => {
  for (const lambdas of started.splice(0)) await lambdas.close();
});

/** Starts functions from their files, by function name. */
function start(
  code: Record<string, Record<string, string>>,
  options: {
    properties?: Record<string, unknown>;
    maxEnvironments?: number;
    maxIdleMs?: number;
    inspectorPorts?: ReadonlyMap<string, number>;
    resources?: Record<string, TestResource>;
  } = {},
) {
  const functions = Object.keys(code).map((id) => functionWithRole(id, options.properties));
  const Resources = Object.assign({}, ...functions, options.resources);
  const template = loadAssembly({ Resources }, code);
  const lines: string[] = [];
  const callers = new Map<string, unknown>();
  const billed = makeBilledUnits();
  const lambdas = startLambdas({
    template,
    awsUrl,
    registerCaller: (key, caller) => callers.set(key, caller),
    log: (functionId, line) => lines.push(`${functionId} ${line}`),
    bill: billed.add,
    ...(options.maxEnvironments && { maxEnvironments: options.maxEnvironments }),
    ...(options.maxIdleMs && { maxIdleMs: options.maxIdleMs }),
    ...(options.inspectorPorts && { inspectorPorts: options.inspectorPorts }),
  });
  started.push(lambdas);
  return { lambdas, lines, callers, billed };
}

/** Starts one function `F` from the source of its handler. */
const startHandler = (source: string, options: Parameters<typeof start>[1] = {}) =>
  start({ F: { "index.js": `exports.handler = ${source};` } }, options);

const atLeast = (least: number) => (value: number) => value >= least;

const isAlive = (pid: number) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

describe("Functions", () => {
  it("A function invoked by logical id or by ARN gets its payload and returns its response", async () => {
    const { lambdas } = startHandler("async (event) => ({ got: event })");
    await expect(lambdas.invoke("F", { a: [1, "ü", null] })).resolves.toEqual({
      payload: { got: { a: [1, "ü", null] } },
    });
    const arn = "arn:aws:lambda:us-east-1:000000000000:function:F";
    await expect(lambdas.invoke(arn, 7)).resolves.toEqual({ payload: { got: 7 } });
    await expect(lambdas.invoke("Absent", 7)).rejects.toThrow('no function "Absent"');
  });

  it("A function is billed for its requests, its durations with its memory, and its log lines", async () => {
    const handler =
      "async () => { console.log('ü'); await new Promise((r) => setTimeout(r, 50)); }";
    const { lambdas, billed } = startHandler(handler, { properties: { MemorySize: 512 } });
    await lambdas.invoke("F", {});
    await lambdas.invoke("F", {});
    await vi.waitFor(() => expect(billed.list()).toHaveLength(4));
    const of = { caller: "F" };
    const invoke = { ...of, operation: "lambda:Invoke" };
    const gbSeconds = {
      ...invoke,
      item: "lambda.gbSecond",
      units: expect.toSatisfy(atLeast(0.05)),
    };
    expect(billed.list()).toEqual([
      { ...gbSeconds, operation: "lambda:Init", units: expect.toSatisfy(atLeast(0)) },
      gbSeconds,
      { ...invoke, item: "lambda.request", units: 2 },
      { ...of, operation: "logs:PutLogEvents", item: "logs.byte", units: expect.any(Number) },
    ]);
  });

  it("The response is null when the handler returns nothing", async () => {
    const { lambdas } = startHandler("() => {}");
    await expect(lambdas.invoke("F", {})).resolves.toEqual({ payload: null });
  });

  it("A function may be an ES module with top-level await and a handler of another name", async () => {
    const { lambdas } = start(
      { F: { "main.mjs": "const x = await Promise.resolve(4); export const run = () => x;" } },
      { properties: { Handler: "main.run" } },
    );
    await expect(lambdas.invoke("F", {})).resolves.toEqual({ payload: 4 });
  });

  it("A function receives Lambda's context object and trace id", async () => {
    const { lambdas } = startHandler(
      "async (_, context) => ({ ...context, left: context.getRemainingTimeInMillis(), trace: process.env._X_AMZN_TRACE_ID })",
      { properties: { Timeout: 60, MemorySize: 256, FunctionName: "named" } },
    );
    const { payload } = await lambdas.invoke("F", {});
    expect(payload).toMatchObject({
      functionName: "named",
      functionVersion: "$LATEST",
      memoryLimitInMB: "256",
      invokedFunctionArn: "arn:aws:lambda:us-east-1:000000000000:function:named",
      logGroupName: "/aws/lambda/named",
      awsRequestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      left: expect.toSatisfy((left: number) => left > 30_000 && left <= 60_000),
      trace: expect.stringMatching(/^Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};/),
    });
  });

  it("A function has its own and Lambda's environment variables and no others of the local run", async () => {
    vi.stubEnv("PERSONAL_TOKEN", "secret");
    vi.stubEnv("NODE_OPTIONS", "--no-warnings");
    const { lambdas, callers } = startHandler("async () => process.env", {
      properties: { Environment: { Variables: { TABLE: "t", COUNT: 3 } } },
    });
    const payload = (await lambdas.invoke("F", {})).payload as Record<string, string>;
    const { accessKeyId, secretAccessKey, sessionToken } = functionCredentials("F");
    expect(payload).toMatchObject({
      TABLE: "t",
      COUNT: "3",
      TZ: "UTC",
      AWS_REGION: "us-east-1",
      AWS_DEFAULT_REGION: "us-east-1",
      AWS_ENDPOINT_URL: awsUrl,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_SESSION_TOKEN: sessionToken,
      AWS_EXECUTION_ENV: "AWS_Lambda_nodejs24.x",
      AWS_LAMBDA_FUNCTION_NAME: "F",
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "128",
      _HANDLER: "index.handler",
      LAMBDA_TASK_ROOT: expect.stringMatching(/asset\.F$/),
    });
    expect(Object.keys(payload)).not.toContain("PERSONAL_TOKEN");
    expect(Object.keys(payload)).not.toContain("NODE_OPTIONS");
    expect(callers.get(accessKeyId)).toEqual({ name: "F", roleId: "FRole" });
  });

  it("A function keeps its state between invocations, and its output is logged line by line", async () => {
    const { lambdas, lines } = start({
      F: {
        "index.js": "let n = 0; exports.handler = () => { console.log('a\\nb'); return ++n; };",
      },
    });
    await lambdas.invoke("F", {});
    await expect(lambdas.invoke("F", {})).resolves.toEqual({ payload: 2 });
    await expect.poll(() => lines).toEqual(["F a", "F b", "F a", "F b"]);
  });

  it("A function that throws responds with the error, which is logged, and stays warm", async () => {
    const { lambdas, lines } = start({
      F: {
        "index.js":
          "let n = 0; exports.handler = async () => { if (n++ === 0) throw new TypeError('no'); return n; };",
      },
    });
    await expect(lambdas.invoke("F", {})).resolves.toMatchObject({
      payload: { errorType: "TypeError", errorMessage: "no", trace: expect.any(Array) },
      functionError: { errorType: "TypeError", errorMessage: "no" },
    });
    expect(lines[0]).toContain("F Invoke Error TypeError: no");
    await expect(lambdas.invoke("F", {})).resolves.toEqual({ payload: 2 });
  });

  it.each([
    ["exits", "process.exit(3)", "exit status 3"],
    ["is killed", "process.kill(process.pid, 'SIGKILL')", "signal: SIGKILL"],
  ])(
    "A function that %s fails with Runtime.ExitError, and the next invocation runs",
    async (_, how, reason) => {
      const { lambdas, lines } = startHandler(
        `async (event) => { if (event.crash) ${how}; return 'ok'; }`,
      );
      const { functionError } = await lambdas.invoke("F", { crash: true });
      expect(functionError?.errorType).toBe("Runtime.ExitError");
      expect(functionError?.errorMessage).toContain(`Runtime exited with error: ${reason}`);
      expect(lines[0]).toContain(reason);
      await expect(lambdas.invoke("F", {})).resolves.toEqual({ payload: "ok" });
    },
  );

  it.each([
    ["exception", "setTimeout(() => { throw new RangeError('late'); }, 1)", "RangeError"],
    ["rejection", "Promise.reject(new Error('late'))", "Runtime.UnhandledPromiseRejection"],
  ])("A function with an uncaught %s fails and its process ends", async (_, how, errorType) => {
    const { lambdas } = startHandler(`() => { ${how}; return new Promise(() => {}); }`, {
      properties: { Timeout: 20 },
    });
    await expect(lambdas.invoke("F", {})).resolves.toMatchObject({
      functionError: { errorType, errorMessage: "late" },
    });
  });

  it("A function that exceeds its timeout is killed and fails with Sandbox.Timedout", async () => {
    const { lambdas, lines } = startHandler(
      "async (event) => { if (event.hang) for (;;); return process.pid; }",
      { properties: { Timeout: 3 } },
    );
    const { payload: pid } = await lambdas.invoke("F", {});
    await expect(lambdas.invoke("F", { hang: true })).resolves.toMatchObject({
      functionError: {
        errorType: "Sandbox.Timedout",
        errorMessage: expect.stringMatching(
          /^RequestId: \S+ Error: Task timed out after 3\.00 seconds$/,
        ),
      },
    });
    expect(lines.join()).toContain("Task timed out after 3.00 seconds");
    await expect.poll(() => isAlive(Number(pid))).toBe(false);
    await expect(lambdas.invoke("F", {})).resolves.toEqual({ payload: expect.any(Number) });
  });

  it("Payloads and responses above the limits fail, and the function keeps running", async () => {
    const { lambdas } = startHandler("async (event) => 'x'.repeat(event.size ?? 0)");
    await expect(lambdas.invoke("F", { pad: "x".repeat(6_291_456) })).rejects.toMatchObject({
      name: "RequestTooLargeException",
    });
    await expect(lambdas.invoke("F", { size: 6_300_000 })).resolves.toMatchObject({
      functionError: { errorType: "Function.ResponseSizeTooLarge" },
    });
    const { payload } = await lambdas.invoke("F", { size: 6_000_000 });
    expect(String(payload).length).toBe(6_000_000);
  });
});

describe("Functions that cannot be loaded", () => {
  it("An invocation fails with the error of the module, and every invocation tries to load it again", async () => {
    const { lambdas, lines } = start({
      F: { "index.js": "throw new Error('TABLE is missing at ' + process.pid);" },
    });
    const results = [await lambdas.invoke("F", {}), await lambdas.invoke("F", {})];
    const messages = results.map(({ functionError }) => functionError?.errorMessage);
    expect(messages).toEqual([
      expect.stringContaining("TABLE is missing at "),
      expect.stringContaining("TABLE is missing at "),
    ]);
    expect(messages[0]).not.toBe(messages[1]);
    expect(lines[0]).toContain("F Init Error Error: TABLE is missing");
  });

  it("The warm-up fails and names every function that cannot be loaded", async () => {
    const { lambdas } = start({
      Good: { "index.js": "exports.handler = () => 1;" },
      Bad: { "index.js": "throw new Error('QUEUE_URL is missing');" },
      Worse: { "index.js": "process.exit(4);" },
      Empty: { "index.js": "exports.other = 1;" },
      Unparsable: { "index.js": "const const = 1;" },
      Unbundled: { "index.js": "require('../package.json'); exports.handler = () => 1;" },
      Misnamed: { "other.js": "exports.handler = () => 1;" },
    });
    const error = await lambdas.warmUp().catch((thrown: Error) => thrown.message);
    expect(error).toContain("Bad: Error: QUEUE_URL is missing");
    expect(error).toContain("Worse: Runtime.ExitError: Runtime exited with error: exit status 4");
    expect(error).toContain("Empty: Runtime.HandlerNotFound: index.handler is undefined");
    expect(error).toContain("Unparsable: SyntaxError: ");
    expect(error).toContain(
      "Unbundled: Error: Cannot find module '../package.json': it is not in the bundle",
    );
    expect(error).toContain("Misnamed: Runtime.ImportModuleError: Cannot find module 'index'");
    expect(error).not.toContain("Good");
  });

  it("An unsupported runtime or a missing role is rejected before anything starts", () => {
    const code = { F: { "index.js": "" } };
    expect(() => start(code, { properties: { Runtime: "python3.13" } })).toThrow(
      "the local run does not support AWS::Lambda::Function F: Runtime: ",
    );
    expect(() => start(code, { properties: { Role: "arn:aws:iam::1:role/x" } })).toThrow(
      "F has a role that the template does not define",
    );
  });
});

function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "ackwire-lambda-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return directory;
}

describe("Environments", () => {
  const slow =
    "async (event) => { console.log(event.ms); await new Promise((r) => setTimeout(r, event.ms)); return process.pid; }";

  it("Environments are limited per function, and further invocations wait in order", async () => {
    const DIR = temporaryDirectory();
    // No process answers before two are invoked, so that one cannot take all invocations.
    const { lambdas } = startHandler(
      `(() => {
        const { readdirSync, writeFileSync } = require("node:fs");
        let n = 0;
        return async (event) => {
          writeFileSync(process.env.DIR + "/" + process.pid, "");
          while (readdirSync(process.env.DIR).length < 2) await new Promise((r) => setTimeout(r, 20));
          return [event, process.pid, ++n];
        };
      })()`,
      { maxEnvironments: 2, properties: { Environment: { Variables: { DIR } } } },
    );
    const results = await Promise.all(
      [0, 1, 2, 3, 4, 5, 6, 7].map(
        async (index) => (await lambdas.invoke("F", index)).payload as [number, number, number],
      ),
    );
    const byProcess = Map.groupBy(results, ([, pid]) => pid);
    expect(byProcess.size).toBe(2);
    expect(readdirSync(DIR)).toHaveLength(2);
    // Each process gets its invocations in the order of the calls.
    for (const part of byProcess.values()) {
      expect(part.map(([, , count]) => count)).toEqual(part.map((_, n) => n + 1));
    }
  });

  it("As many processes load their function at the same time as the machine has cores, at least two", async () => {
    const DIR = temporaryDirectory();
    const ids = Array.from({ length: MAX_CONCURRENT_STARTS + 3 }, (_, n) => `F${n}`);
    // Each process is loading until as many are as may, or all have started; and a moment
    // longer, in which one more would start.
    const code = `const { writeFileSync, readdirSync, rmSync } = require("node:fs");
      const of = (kind) => process.env.DIR + "/" + kind + process.pid;
      const count = (kind) => readdirSync(process.env.DIR).filter((n) => n.startsWith(kind)).length;
      writeFileSync(of("loading"), "");
      writeFileSync(of("started"), "");
      let marks = count("loading");
      const look = () => { marks = Math.max(marks, count("loading")); };
      while (marks < ${MAX_CONCURRENT_STARTS} && count("started") < ${ids.length}) look();
      const untilMs = Date.now() + 200;
      while (Date.now() < untilMs) look();
      rmSync(of("loading"));
      exports.handler = () => marks;`;
    const { lambdas } = start(Object.fromEntries(ids.map((id) => [id, { "index.js": code }])), {
      properties: { Environment: { Variables: { DIR } } },
    });
    await lambdas.warmUp();
    const seen = await Promise.all(ids.map((id) => lambdas.invoke(id, {})));
    const loading = seen.map(({ payload }) => Number(payload));
    expect(Math.max(...loading)).toBe(MAX_CONCURRENT_STARTS);
  });

  it("An invocation that no environment takes in time is given up as unhandled", async () => {
    const { lambdas } = startHandler("(ms) => new Promise((done) => setTimeout(done, ms, ms))", {
      maxEnvironments: 1,
    });
    const first = lambdas.invoke("F", 1_000);
    const late = lambdas.invoke("F", 0, { startWithinMs: 1 });
    await expect(late).resolves.toMatchObject({
      isUnhandled: true,
      functionError: { errorType: "Local.NoCapacity" },
    });
    await expect(first).resolves.toEqual({ payload: 1_000 });
  });

  it("Each event source mapping has its own environments, so a busy one does not starve another", async () => {
    const mapping = (queue: string) => ({
      Type: "AWS::Lambda::EventSourceMapping",
      Properties: { EventSourceArn: queue, FunctionName: { Ref: "F" } },
    });
    const { lambdas } = startHandler(
      "async (event) => { if (event.ms) await new Promise((r) => setTimeout(r, event.ms)); return 'done'; }",
      { maxEnvironments: 1, resources: { A: mapping("a"), B: mapping("b") } },
    );
    const hanging = lambdas.invoke("F", { ms: 60_000 });
    await expect(lambdas.invoke("F", {})).resolves.toEqual({ payload: "done" });
    await lambdas.close();
    await expect(hanging).resolves.toMatchObject({ functionError: expect.anything() });
  });

  it("A debugged function has one environment, with an inspector and without a timeout", async () => {
    const port = await freePort();
    const { lambdas } = startHandler(slow, {
      properties: { Timeout: 1 },
      inspectorPorts: new Map([["F", port]]),
    });
    const [first, second] = await Promise.all([
      lambdas.invoke("F", { ms: 1_500 }),
      lambdas.invoke("F", { ms: 0 }),
    ]);
    expect(first).toEqual({ payload: expect.any(Number) });
    expect(second).toEqual(first);
    const targets = await fetch(`http://127.0.0.1:${port}/json/list`);
    expect(await targets.json()).toHaveLength(1);
    await lambdas.closeInspected();
    await expect(fetch(`http://127.0.0.1:${port}/json/list`)).rejects.toThrow();
  });

  it("Consecutive invocations reuse one environment", async () => {
    const { lambdas } = startHandler(slow);
    await lambdas.warmUp();
    const pids = new Set<unknown>();
    for (let n = 0; n < 50; n++) pids.add((await lambdas.invoke("F", { ms: 0 })).payload);
    expect(pids.size).toBe(1);
  });

  it("An environment that does not ask for the next invocation is killed after the function's timeout", async () => {
    const { lambdas } = startHandler(
      "async () => { setImmediate(() => { for (;;); }); return process.pid; }",
      { properties: { Timeout: 2 } },
    );
    const { payload: first } = await lambdas.invoke("F", {});
    const { payload: second } = await lambdas.invoke("F", {});
    expect(second).not.toBe(first);
    await expect.poll(() => isAlive(Number(first))).toBe(false);
  });

  it("Idle environments are ended, except one", async () => {
    const DIR = temporaryDirectory();
    // No process answers before three are invoked: each takes one invocation.
    const { lambdas } = startHandler(
      `async () => {
        const { readdirSync, writeFileSync } = require("node:fs");
        writeFileSync(process.env.DIR + "/" + process.pid, "");
        while (readdirSync(process.env.DIR).length < 3) await new Promise((r) => setTimeout(r, 20));
        return process.pid;
      }`,
      { maxIdleMs: 1_000, properties: { Timeout: 90, Environment: { Variables: { DIR } } } },
    );
    const pids = await Promise.all(
      [1, 2, 3].map(async () => (await lambdas.invoke("F", {})).payload as number),
    );
    expect(new Set(pids).size).toBe(3);
    await expect.poll(() => pids.filter(isAlive).length).toBe(1);
    const { payload } = await lambdas.invoke("F", {});
    expect(pids).toContain(payload);
  });

  it("Closing ends all environments: waiting invocations are rejected, running ones fail", async () => {
    const { lambdas, lines } = startHandler(slow, {
      maxEnvironments: 1,
      properties: { Timeout: 90 },
    });
    const { payload: pid } = await lambdas.invoke("F", { ms: 0 });
    const running = lambdas.invoke("F", { ms: 60_000 });
    const waiting = lambdas.invoke("F", { ms: 0 }).catch((error: Error) => error.message);
    await expect.poll(() => lines).toContain("F 60000");
    await lambdas.close();
    await expect(running).resolves.toMatchObject({
      functionError: { errorType: "Runtime.ExitError" },
    });
    await expect(waiting).resolves.toContain("the local run is closing");
    await expect(lambdas.invoke("F", {})).rejects.toThrow("the local run is closing");
    expect(isAlive(Number(pid))).toBe(false);
  });

  it("Closing ends environments that are still starting", async () => {
    const { lambdas } = start({ F: { "index.js": "for (;;);" } });
    const invocation = lambdas.invoke("F", {}).catch((error: Error) => error.message);
    await lambdas.close();
    await expect(invocation).resolves.toContain("the local run is closing");
  });
});
