import { providerPacks } from "../shared/contracts/providers.ts";
import { demonstrate } from "./demo/demonstration.ts";
import { makeActivity } from "./run/activity.ts";
import { type LocalOptions, parseOptions, usage } from "./run/options.ts";
import { defaultRunDirectory, type LocalRun, startLocalRun } from "./run/run.ts";
import { dialectHeaders } from "./run/seed.ts";
import { demonstratedProvider, exampleSend } from "./simulator/samples.ts";
import { printLine as print, printError, printText } from "./terminal.ts";

/** Runs everything on this machine until Ctrl-C. */
async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  if (options === "help") return printText(usage);
  const stopped = new AbortController();
  const startedMs = performance.now();
  print("Starting Ackwire: synthesising the stack, then running it here …");
  const activity = makeActivity(print);
  const starting = startLocalRun({
    ...options,
    runDirectory: defaultRunDirectory,
    activity,
    print,
  });
  stopOnSignal(starting, stopped);
  const run = await starting;
  announce(run, performance.now() - startedMs);
  // Builds the console, so that whoever opens it does not wait. A failure is shown there.
  fetch(run.addresses.consoleUrl).catch(() => undefined);
  if (options.demo) await runDemonstration(run, stopped.signal);
  await printNextSteps(run, options, stopped.signal);
  const { RequestsTableName = "", EventsTableName = "", DeliveriesTableName = "" } = run.outputs;
  activity.start({
    requests: RequestsTableName,
    events: EventsTableName,
    deliveries: DeliveriesTableName,
  });
}

function announce({ addresses, inspectors }: LocalRun, tookMs: number): void {
  print("");
  print(
    `  console             ${addresses.consoleUrl}   (what happens, why something waits, and to mend it)`,
  );
  print(`  API                 ${addresses.apiUrl}`);
  print(`  AWS endpoint        ${addresses.awsUrl}   (SQS, DynamoDB, S3, EventBridge …)`);
  print(`  provider simulator  ${addresses.providerUrl}`);
  print(`  keys and URLs       ${defaultRunDirectory}/local.json`);
  for (const { functionName, url } of inspectors) {
    print(`  inspector           ${url}   (attach a debugger to ${functionName})`);
  }
  print("");
  print(`ackwire ready in ${(tookMs / 1000).toFixed(1)} s`);
}

/** A failed demonstration is reported; the local run continues. */
async function runDemonstration(run: LocalRun, signal: AbortSignal): Promise<void> {
  try {
    await demonstrate({
      awsUrl: run.addresses.awsUrl,
      busName: run.outputs.BusName ?? "",
      simulator: run.simulator,
      apiUrl: run.addresses.apiUrl,
      providerUrl: run.addresses.providerUrl,
      apiKey: run.seed.apiKey,
      providerName: providerPacks[demonstratedProvider].name,
      headers: dialectHeaders(run.seed, demonstratedProvider),
      accountId:
        run.seed.accounts.find(({ provider }) => provider === demonstratedProvider)?.accountId ??
        "",
      clock: run.clock,
      print,
      signal,
    });
  } catch (error) {
    if (!signal.aborted) print(`The demonstration failed: ${messageOf(error)}`);
  }
}

async function printNextSteps(
  run: LocalRun,
  options: LocalOptions,
  signal: AbortSignal,
): Promise<void> {
  if (signal.aborted) return;
  print("");
  print("The local run stays up until Ctrl-C. To send a webhook as a provider:");
  print(`  curl -X POST ${run.addresses.providerUrl}/_control/send \\`);
  print(`    -H 'content-type: application/json' -d \\`);
  print(`    '${exampleSend}'`);
  print("To receive webhooks, with a receiver on any port that is not of this run:");
  print(`  export KEY=$(npx node -p 'require("./${defaultRunDirectory}/local.json").apiKey')`);
  print(`  curl -X PUT ${run.addresses.apiUrl}/v1/webhook -H "authorization: Bearer $KEY" -d \\`);
  print(`    '{"url":"http://127.0.0.1:3000/"}'`);
  print(
    "  (in another terminal: WEBHOOK_SECRET=<secret of the answer> npx node examples/receiver.ts)",
  );
  print("What happens from now on is printed here.");
  if (options.dataDir === undefined)
    print("Nothing is stored: use --data-dir DIR to keep the data.");
}

/** Handles a signal during the start too: the start completes, and then everything is stopped. */
function stopOnSignal(starting: Promise<LocalRun>, stopped: AbortController): void {
  const stop = () => {
    if (stopped.signal.aborted) process.exit(1);
    stopped.abort();
    print("");
    print("Stopping …");
    starting.then(stopRun, failStart);
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function stopRun(run: LocalRun): Promise<never> {
  await run.close().catch((error: unknown) => fail("did not stop cleanly", error));
  process.exit(0);
}

function failStart(error: unknown): never {
  return fail("did not start", error);
}

function fail(outcome: string, error: unknown): never {
  printError(`\nackwire ${outcome}: ${messageOf(error)}`);
  process.exit(1);
}

main().catch(failStart);
