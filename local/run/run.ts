import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import type { WebhookTargets } from "../../shared/contracts/webhook-targets.ts";
import { startAws } from "../aws/aws.ts";
import type { Written } from "../aws/dynamodb/dynalite.ts";
import type { Right } from "../aws/iam/role-check.ts";
import type { BusinessClock } from "../clock/clock.ts";
import { startClock } from "../clock/start-clock.ts";
import { startConsole } from "../console/console-server.ts";
import { openDurableStore } from "../durable-store.ts";
import { startMappings } from "../event-source/event-source-mapping.ts";
import { startHttpApi } from "../http-api/http-api.ts";
import { type Lambdas, startLambdas } from "../lambda/lambdas.ts";
import { type Simulator, startSimulator } from "../simulator/simulator.ts";
import type { Template } from "../template/resource.ts";
import { loadTemplate } from "../template/template.ts";
import { checkWiring } from "../template/wiring.ts";
import type { makeActivity } from "./activity.ts";
import { makeAdvance } from "./advance.ts";
import { type Addresses, writeLocalFile } from "./local-file.ts";
import type { LocalOptions } from "./options.ts";
import { openRunLog } from "./run-log.ts";
import { choosePorts } from "./run-ports.ts";
import { type Seed, seed } from "./seed.ts";
import { type SynthesisOptions, synthesise } from "./synthesise.ts";

export interface LocalRun {
  addresses: Addresses;
  outputs: Readonly<Record<string, string>>;
  seed: Seed;
  clock: BusinessClock;
  simulator: Simulator;
  /** Inspector address of each function named by `--inspect`. */
  inspectors: readonly { functionName: string; url: string }[];
  /**
   * Updates the functions as a deployment does, without an interruption: code, variables, memory
   * and timeout. Other changes of the stack need a new start.
   *
   * @throws Error that names every function whose new version cannot be loaded; those keep theirs
   */
  update(to: UpdateOptions): Promise<void>;
  /**
   * Moves business time forward by this many milliseconds, and lets everything happen that is due
   * on the way, each at its time. Resolves when nothing is left to do.
   */
  advance(byMs: number): Promise<void>;
  /** Everything that the roles of the stack allow, and whether a call has needed it so far. */
  rights(): Right[];
  /** Stops everything in an order in which no message is lost. */
  close(): Promise<void>;
}

/** Directory of `local.json`, the synthesised stack and the functions' log, for `npm start`. */
export const defaultRunDirectory = ".ackwire";

export interface UpdateOptions {
  /** A synthesised stack. Absent: that of this repository as it is now. */
  assemblyDir?: string | undefined;
  /** The part of the invocations that the new versions get, above 0 and at most 1. Absent: all. */
  share?: number | undefined;
}

export interface RunOptions extends LocalOptions {
  runDirectory: string;
  /** A synthesised stack to run instead of the one of this repository. */
  assemblyDir?: string;
  /** Synthesises the stack of this repository. The default does it in a process of its own. */
  synthesise?: (options: SynthesisOptions) => Promise<void>;
  /** Maximum number of concurrent batches of each event source mapping. */
  maxBatches?: number;
  /** Is told what happens. Default: nothing is. */
  activity?: ReturnType<typeof makeActivity>;
  /** What a bench does with the changes of the tables, once the functions run. */
  tableChanges?: {
    onWritten(written: Written): void;
    /** Starts to invoke functions. */
    start(lambdas: Pick<Lambdas, "invoke">): { close(): Promise<void> };
  };
  print: (line: string) => void;
}

/**
 * Starts the resources of the template on this machine.
 *
 * @throws Error that names the resource when the template has a wiring mistake
 */
export async function startLocalRun(options: RunOptions): Promise<LocalRun> {
  const started = new AsyncDisposableStack();
  try {
    return await start(options, started);
  } catch (error) {
    await started.disposeAsync();
    throw error;
  }
}

/** Disposed in reverse order, producers first. */
async function start(options: RunOptions, started: AsyncDisposableStack): Promise<LocalRun> {
  const dataDir = options.dataDir === undefined ? {} : { dataDir: resolve(options.dataDir) };
  const { runDirectory, print } = options;
  mkdirSync(runDirectory, { recursive: true });
  const log = openRunLog(runDirectory, print);
  started.defer(log.close);
  const store = openDurableStore(dataDir.dataDir);
  started.defer(store.close);
  const clock = startClock(store, options.speed);

  const assemblyDir = options.assemblyDir ?? resolve(runDirectory, "assembly");
  const { run: ports, inspectors: inspectorPorts } = await choosePorts(options);
  const synthesiseInto = (outputDir: string) =>
    (options.synthesise ?? synthesise)({
      outputDir,
      settings: options.settings,
      clock: clock.anchor,
      providerUrl: `http://127.0.0.1:${ports.provider}`,
      otlpUrl: options.otlpUrl,
      consoleUrl: `http://127.0.0.1:${ports.console}`,
      webhookTargets: localTargets([...Object.values(ports), ...inspectorPorts.values()]),
    });
  const synthesis = options.assemblyDir ? undefined : synthesiseInto(assemblyDir);
  // Awaited below; until then a failure must not end the process.
  synthesis?.catch(() => undefined);
  const aws = await startAws({
    port: ports.aws,
    ...dataDir,
    store,
    clock,
    indexLagMs: options.indexLagMs,
    onWritten: options.tableChanges?.onWritten ?? options.activity?.onWritten,
    log: log.fault,
  });
  started.defer(aws.close);
  await synthesis;

  const apiUrl = `http://127.0.0.1:${ports.api}`;
  const awsUrl = aws.url;
  const template = loadTemplate({ assemblyDir, awsUrl, apiUrl });
  checkWiring(template);
  await aws.provision(template);
  const { outputs } = template;

  const { registerCaller } = aws;
  const portsById = new Map(
    [...inspectorPorts].map(([name, port]) => [functionIdOf(template, name), port]),
  );
  const inspected = new Set(portsById.keys());
  const lambdas = startLambdas({
    template,
    awsUrl,
    clock,
    registerCaller,
    bill: aws.billed.add,
    log: log.function,
    inspectorPorts: portsById,
  });
  started.defer(lambdas.close);
  aws.onInvoke(async (functionArn, payload) => {
    // As with an asynchronous invocation on AWS, an error of the function is only logged.
    await lambdas.invoke(functionArn, payload);
  });
  await lambdas.warmUp();
  const changes = options.tableChanges?.start(lambdas);
  if (changes) started.defer(changes.close);

  const made = await seed({ store, clock, awsUrl, outputs });
  const { maxBatches } = options;
  const mappings = await startMappings({
    template,
    awsUrl,
    lambdas,
    pollers: aws.pollers,
    inspected,
    log: log.note,
    ...(maxBatches === undefined ? {} : { maxBatches }),
  });
  started.defer(mappings.close);
  const api = await startHttpApi({
    port: ports.api,
    template,
    lambdas,
    inspected,
    bill: aws.billed.add,
    onAnswered: options.activity?.onAnswered,
    log: log.fault,
  });
  started.defer(api.close);

  const targets = made.connections.map(({ inboundPath, ...connection }) => ({
    ...connection,
    inboundUrl: `${apiUrl}${inboundPath}`,
  }));
  const simulator = await startSimulator({ port: ports.provider, store, clock, targets });
  started.defer(simulator.close);

  let updates = 0;
  async function update({ assemblyDir: given, share = 1 }: UpdateOptions): Promise<void> {
    const next = given ?? resolve(runDirectory, `assembly-${++updates}`);
    if (given === undefined) await synthesiseInto(next);
    await lambdas.update(loadTemplate({ assemblyDir: next, awsUrl, apiUrl }), share);
  }

  const urls = { apiUrl, awsUrl, providerUrl: simulator.url };
  const page = await startConsole({
    port: ports.console,
    addresses: urls,
    operatorKey: made.operatorKey,
    frameAncestors: options.consoleFrameAncestors ?? [],
    calls: aws.calls,
    billed: aws.billed,
    update,
  });
  started.defer(page.close);

  // Closed first: a function that is paused at a breakpoint would keep its callers from closing.
  started.defer(lambdas.closeInspected);

  const addresses = { ...urls, consoleUrl: page.url };
  writeLocalFile(join(runDirectory, "local.json"), { addresses, seed: made, outputs });
  const close = () => started.disposeAsync();
  const inspectors = [...inspectorPorts].map(([functionName, port]) => ({
    functionName,
    url: `http://127.0.0.1:${port}`,
  }));
  const advance = makeAdvance({
    clock,
    aws,
    lambdas,
    simulator,
    outputs,
    sweeperId: functionIdOf(template, "reconcile"),
  });
  return {
    addresses,
    outputs,
    seed: made,
    clock,
    simulator,
    inspectors,
    update,
    advance,
    rights: aws.rights,
    close,
  };
}

/** Returns the logical id of `functions/<name>`: `AckwireConsumeFunction` and a hash. */
function functionIdOf(template: Template, name: string): string {
  const idStart = `Ackwire${name.charAt(0).toUpperCase()}${name.slice(1)}Function`;
  const resource = template
    .resources("AWS::Lambda::Function")
    .find(({ logicalId }) => logicalId.startsWith(idStart));
  if (!resource) throw new Error(`The template has no function whose id begins with ${idStart}`);
  return resource.logicalId;
}

/** Local receivers may use any port except those of the run itself. */
function localTargets(refusedPorts: number[]): WebhookTargets {
  return { ports: [443, 8_443], allowsLocal: true, refusedPorts };
}
