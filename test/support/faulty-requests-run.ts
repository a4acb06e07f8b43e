import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDurableStore } from "../../local/durable-store.ts";
import { freePort } from "../../local/loopback.ts";
import { startClock } from "../../local/start-clock.ts";
import type { ProviderId } from "../../shared/contracts/providers.ts";
import type { RequestRules } from "../../shared/contracts/request-rules.ts";
import { laneId } from "../../shared/core/requests/request-id.ts";
import { startAwsFaultProxy } from "./aws-fault-proxy.ts";
import { editedAssembly } from "./edited-assembly.ts";
import { startRequestsRun } from "./requests-run.ts";

/** What differs from the stack as it is deployed, where a test has no patience for the real times. */
interface Differences {
  /** Business time per real time. */
  speed?: number;
  rules?: Partial<RequestRules>;
  /** Of the submit queue. */
  visibilitySeconds?: number;
  maxReceives?: number;
  batchSize?: number;
  /** How often `reconcile` runs (business); never more than once a real second. */
  sweepMinutes?: number;
}

const faultyFunctions = ["api", "submit", "reconcile"];
const services = ["DYNAMODB", "SQS", "S3", "EVENTBRIDGE", "SECRETS_MANAGER", "SCHEDULER"];

export type FaultyRequestsRun = Awaited<ReturnType<typeof startFaultyRequestsRun>>;

/** A local run with the simulator, whose `api`, `submit` and `reconcile` reach AWS through the fault proxy only. */
export async function startFaultyRequestsRun({ speed = 600, ...differences }: Differences = {}) {
  const dataDir = mkdtempSync(join(tmpdir(), "ackwire-faulty-"));
  // The template tells the functions the time before there is a run: the run finds it in its data.
  const store = openDurableStore(dataDir);
  const { anchor } = startClock(store, speed);
  store.close();
  const providerPort = await freePort();
  const providerUrl = `http://127.0.0.1:${providerPort}`;
  const proxy = await startAwsFaultProxy();
  const variables = {
    BUSINESS_CLOCK: JSON.stringify(anchor),
    PROVIDER_BASE_URLS: JSON.stringify({ "we-link": providerUrl, "linked-api": providerUrl }),
  };
  const assemblyDir = editedAssembly((template) =>
    edit(template, { ...differences, variables, proxyUrl: proxy.url }),
  );
  const clean = async () => {
    await proxy.close();
    for (const directory of [dataDir, assemblyDir]) rmSync(directory, { recursive: true });
  };
  const options = { speed, dataDir, assemblyDir, providerPort };
  const requests = await startRequestsRun(options).catch(async (error: unknown) => {
    await clean();
    throw error;
  });
  const { run, received } = requests;
  proxy.forwardTo(run.addresses.awsUrl);

  return {
    ...requests,
    proxy,

    /** What every call to AWS about an account's requests holds. */
    lane(accountId: string, provider: ProviderId = "we-link"): string {
      const { clientId, connections } = run.seed;
      const connectionId = connections.find((one) => one.provider === provider)?.connectionId ?? "";
      return laneId({ clientId, provider, connectionId, accountId });
    },

    /** Every copy of a request's events of one type that the bus has carried, as text. */
    copies: (requestId: string, type: string): string[] =>
      received
        .filter(({ detail }) => detail.type === type && detail.data.requestId === requestId)
        .map(({ detail }) => JSON.stringify(detail)),

    close: async () => {
      await requests.close();
      await clean();
    },
  };
}

interface Template {
  Resources: Record<string, { Type: string; Properties: Record<string, unknown> }>;
}

function edit(
  { Resources }: Template,
  of: Omit<Differences, "speed"> & { variables: object; proxyUrl: string },
): void {
  const ids = Object.keys(Resources);
  const queueId = ids.find((id) => id.startsWith("AckwireSubmissionsQueue")) ?? "";
  for (const [id, { Type, Properties }] of Object.entries(Resources)) {
    if (id === queueId) {
      const policy = Properties.RedrivePolicy as { maxReceiveCount: number };
      Properties.VisibilityTimeout = of.visibilitySeconds ?? Properties.VisibilityTimeout;
      policy.maxReceiveCount = of.maxReceives ?? policy.maxReceiveCount;
    }
    if (Type === "AWS::Lambda::EventSourceMapping" && id.startsWith("AckwireSubmissions")) {
      Properties.BatchSize = of.batchSize ?? Properties.BatchSize;
    }
    if (Type === "AWS::Scheduler::Schedule" && id.startsWith("AckwireSweep") && of.sweepMinutes) {
      Properties.ScheduleExpression = `rate(${of.sweepMinutes} minutes)`;
    }
    const environment = Properties.Environment as { Variables: Record<string, unknown> };
    if (Type !== "AWS::Lambda::Function" || environment === undefined) continue;
    const { Variables } = environment;
    for (const [name, value] of Object.entries(of.variables)) {
      if (name in Variables) Variables[name] = value;
    }
    if ("REQUEST_RULES" in Variables) {
      const rules = JSON.parse(String(Variables.REQUEST_RULES)) as RequestRules;
      Variables.REQUEST_RULES = JSON.stringify({ ...rules, ...of.rules });
    }
    const name = faultyFunctions.find((one) => id.startsWith(`Ackwire${capital(one)}Function`));
    if (name !== undefined) Object.assign(Variables, throughProxy(of.proxyUrl, name, queueId));
  }
}

function throughProxy(proxyUrl: string, name: string, queueId: string): object {
  return {
    ...Object.fromEntries(services.map((service) => [`AWS_ENDPOINT_URL_${service}`, proxyUrl])),
    // The SQS client goes where the queue's URL points, whatever its endpoint is.
    SUBMIT_QUEUE_URL: `${proxyUrl}/000000000000/${queueId}`,
    // Each call says by its user agent which process made it, so that this can be killed.
    NODE_OPTIONS: `--import data:text/javascript,process.env.AWS_SDK_UA_APP_ID='${name}-'+process.pid`,
  };
}

const capital = (word: string) => `${word.charAt(0).toUpperCase()}${word.slice(1)}`;
