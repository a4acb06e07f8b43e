import type { Bill } from "../aws/billing/billed-units.ts";
import type { BusinessClock } from "../clock/clock.ts";
import { makeConcurrencyLimit } from "../concurrency-limit.ts";
import { arnOfResource } from "../template/references.ts";
import type { Template } from "../template/resource.ts";
import { functionOf } from "../template/wiring.ts";
import { type StartEnvironment, startEnvironment } from "./execution-environment.ts";
import { type FunctionConfiguration, readFunctions } from "./function-configuration.ts";
import { functionCredentials } from "./function-credentials.ts";
import { type InvokeOptions, makeFunctionPool } from "./function-pool.ts";
import { makeFunctionVersions } from "./function-versions.ts";
import { type FunctionError, type InvokeResult, RequestTooLargeError } from "./invoke-result.ts";
import {
  DEFAULT_MAX_BATCHES,
  DEFAULT_MAX_ENVIRONMENTS,
  MAX_CONCURRENT_STARTS,
  MAX_IDLE_MS,
  MAX_REQUEST_BYTES,
} from "./limits.ts";
import { type ProcessReaper, startReaper } from "./process-reaper.ts";

export interface Lambdas {
  /**
   * Starts one environment of each function.
   *
   * @throws Error that names every function whose initialisation failed, with its
   *   message
   */
  warmUp(): Promise<void>;
  /**
   * Runs a function and waits for its response. A function error is part of the
   * result.
   *
   * @throws RequestTooLargeError for a payload above 6 MB of JSON
   * @throws Error for an unknown function, or after `close`
   */
  invoke(
    functionArnOrLogicalId: string,
    payload: unknown,
    options?: InvokeOptions,
  ): Promise<InvokeResult>;
  /** The number of invocations that run or wait. */
  running(): number;
  /**
   * Updates code, variables, memory and timeout of every function to those of another template, as
   * a deployment does: running invocations end with the version that they began with.
   *
   * @param share the part of the invocations that the new versions get, from above 0 to 1 (all)
   * @throws Error that names every function whose new version cannot be loaded; those keep theirs
   */
  update(template: Template, share: number): Promise<void>;
  /**
   * Ends the processes of the debugged functions. Their invocations fail, also
   * those that are paused at a breakpoint.
   */
  closeInspected(): Promise<void>;
  /** Ends every process. Running invocations fail. */
  close(): Promise<void>;
}

/**
 * Runs the functions of the template in processes of their own, with the roles
 * and variables of the template.
 */
export function startLambdas(options: {
  template: Template;
  awsUrl: string;
  /** Functions follow its jumps. Default: there are none. */
  clock?: Pick<BusinessClock, "jumpedMs">;
  registerCaller(accessKeyId: string, caller: { name: string; roleId: string }): void;
  log(functionId: string, line: string): void;
  /** Bills requests, durations and log lines. Default: nothing is billed. */
  bill?: Bill;
  /**
   * Maximum number of environments per event source mapping of a function, or in
   * all for a function without a mapping. Further invocations wait in order.
   */
  maxEnvironments?: number;
  /** Environments that are idle for this time (ms) are ended, except one per function. */
  maxIdleMs?: number;
  /**
   * Inspector port by logical id of each debugged function. Such a function has
   * one environment at a time and no timeout. Default: none.
   */
  inspectorPorts?: ReadonlyMap<string, number>;
  /** Starts an environment of a function. Default: in a process of its own. */
  startEnvironment?: StartEnvironment;
}): Lambdas {
  const { template, awsUrl, log, maxIdleMs = MAX_IDLE_MS } = options;
  const { inspectorPorts = new Map<string, number>(), bill = () => {} } = options;
  const { maxEnvironments: perMapping = DEFAULT_MAX_BATCHES } = options;
  const { maxEnvironments: forRequests = DEFAULT_MAX_ENVIRONMENTS } = options;
  const reaper = options.startEnvironment ? noProcesses : startReaper();
  const startLimit = makeConcurrencyLimit(MAX_CONCURRENT_STARTS);
  const functions = readFunctions(template).map((configuration) => {
    const { logicalId, roleId } = configuration;
    const mappings = mappingsOf(template, logicalId);
    options.registerCaller(functionCredentials(logicalId).accessKeyId, {
      name: logicalId,
      roleId,
    });
    const inspectorPort = inspectorPorts.get(logicalId);
    // Each mapping gets its own share, so that none starves another.
    const shared = mappings > 0 ? mappings * perMapping : forRequests;
    const pool = makeFunctionVersions(configuration, (version) =>
      makeFunctionPool({
        configuration: version,
        awsUrl,
        ...(options.clock ? { clock: options.clock } : {}),
        maxIdleMs,
        reaper,
        startLimit,
        bill,
        log: (line) => {
          const units = Buffer.byteLength(line);
          bill({ caller: logicalId, operation: "logs:PutLogEvents", item: "logs.byte", units });
          log(logicalId, line);
        },
        startEnvironment: options.startEnvironment ?? startEnvironment,
        maxEnvironments: inspectorPort === undefined ? shared : 1,
        ...(inspectorPort === undefined ? {} : { inspectorPort }),
      }),
    );
    return { configuration, pool };
  });
  const pools = new Map(
    functions.flatMap(({ configuration, pool }) =>
      [...keysOf(configuration), ...aliasesOf(template, configuration.logicalId)].map(
        (key) => [key, pool] as const,
      ),
    ),
  );

  type OneFunction = (typeof functions)[number];
  async function load(one: (of: OneFunction) => Promise<FunctionError | undefined>): Promise<void> {
    const failures = await Promise.all(
      functions.map(async (of) => {
        const error = await one(of);
        return error && `${of.configuration.logicalId}: ${error.errorType}: ${error.errorMessage}`;
      }),
    );
    const messages = failures.filter((message) => message !== undefined);
    if (messages.length > 0) {
      throw new Error(`These functions cannot be loaded:\n- ${messages.join("\n- ")}`);
    }
  }

  let running = 0;
  return {
    running: () => running,
    warmUp: () => load(({ pool }) => pool.warmUp()),
    update: async (next, share) => {
      if (inspectorPorts.size > 0) {
        throw new Error("Functions cannot be updated while one is debugged (--inspect)");
      }
      const versions = new Map(readFunctions(next).map((one) => [one.logicalId, one]));
      await load(async ({ configuration, pool }) => {
        const version = versions.get(configuration.logicalId);
        return version
          ? pool.update(version, share)
          : { errorType: "Local.NoFunction", errorMessage: "the new template does not have it" };
      });
    },
    invoke: async (functionArnOrLogicalId, payload, options) => {
      const pool = pools.get(functionArnOrLogicalId);
      if (!pool) throw new Error(`the template has no function "${functionArnOrLogicalId}"`);
      const json = JSON.stringify(payload) ?? "null";
      if (Buffer.byteLength(json) > MAX_REQUEST_BYTES) {
        throw new RequestTooLargeError(
          `Request must be smaller than ${MAX_REQUEST_BYTES} bytes for the InvokeFunction operation`,
        );
      }
      running += 1;
      return pool.invoke(json, options).finally(() => {
        running -= 1;
      });
    },
    closeInspected: async () => {
      const inspected = functions.filter(({ configuration }) =>
        inspectorPorts.has(configuration.logicalId),
      );
      await Promise.all(inspected.map(({ pool }) => pool.close()));
    },
    close: async () => {
      await Promise.all(functions.map(({ pool }) => pool.close()));
      reaper.close();
    },
  };
}

const noProcesses: ProcessReaper = { add() {}, remove() {}, close() {} };

function mappingsOf(template: Template, functionId: string): number {
  return template
    .resources("AWS::Lambda::EventSourceMapping")
    .filter(
      ({ properties }) => functionOf(template, properties.FunctionName)?.logicalId === functionId,
    ).length;
}

function keysOf({ arn, name, logicalId }: FunctionConfiguration): string[] {
  return [arn, name, logicalId];
}

function aliasesOf(template: Template, functionId: string): string[] {
  return template
    .resources("AWS::Lambda::Alias")
    .filter(
      ({ properties }) => functionOf(template, properties.FunctionName)?.logicalId === functionId,
    )
    .map(arnOfResource);
}
