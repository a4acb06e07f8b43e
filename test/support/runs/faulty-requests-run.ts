import type { ProviderId } from "../../../shared/contracts/providers.ts";
import type { FunctionSettings } from "../../../shared/contracts/settings.ts";
import { laneId } from "../../../shared/core/requests/acceptance/request-id.ts";
import { changeSettings, prepareBehindFaultProxy, type Resources } from "./behind-fault-proxy.ts";
import { startRequestsRun } from "./requests-run.ts";

const YEAR_SECONDS = 365 * 86_400;

/** Differences from the deployed stack, whose times are too long for a test. */
interface Differences {
  /** Business time per real time. */
  speed?: number;
  settings?: Partial<FunctionSettings>;
  /** Of the submit queue. */
  visibilitySeconds?: number;
  maxReceives?: number;
  batchSize?: number;
  /** How often `reconcile` runs (business); never more than once a real second. */
  sweepMinutes?: number;
}

/** Timeouts so long that no request times out on a busy machine. */
const patientSettings = {
  queueTimeoutSeconds: YEAR_SECONDS,
  resultTimeoutSeconds: YEAR_SECONDS,
  defaultPreset: "off",
} as const;

const functions = ["api", "submit", "reconcile"];

export type FaultyRequestsRun = Awaited<ReturnType<typeof startFaultyRequestsRun>>;

/** A local run with the simulator, whose `api`, `submit` and `reconcile` reach AWS through the fault proxy only. */
export async function startFaultyRequestsRun({ speed = 600, ...differences }: Differences = {}) {
  const { proxy, options } = await prepareBehindFaultProxy({
    speed,
    functions,
    edit: (resources) => edit(resources, differences),
  });
  const requests = await startRequestsRun(options).catch(async (error: unknown) => {
    await proxy.close();
    throw error;
  });
  const { run, received } = requests;
  proxy.forwardTo(run.addresses.awsUrl);

  return {
    ...requests,
    proxy,

    /** A text that every call to AWS for an account's requests contains. */
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
      await proxy.close();
    },
  };
}

function edit(resources: Resources, of: Omit<Differences, "speed">): void {
  for (const [id, { Type, Properties }] of Object.entries(resources)) {
    if (Type === "AWS::SQS::Queue" && id.startsWith("AckwireSubmissionsQueue")) {
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
  }
  changeSettings(resources, { ...patientSettings, ...of.settings });
}
