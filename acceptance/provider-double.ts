import { randomUUID } from "node:crypto";
import type { Json } from "./api.ts";
import { startServer } from "./listening.ts";
import type { ListeningPlace, ProviderPlace } from "./target.ts";

/** A request that the product submitted to the provider. */
export interface Submission {
  accountId: string;
  /** The provider's id of the request. */
  providerRequestId: string;
  body: Json;
}

/** A double of We-Link that accepts every request and sends no webhook: the suite does. */
export interface ProviderDouble {
  submissions(accountId: string): Promise<Submission[]>;
  close(): Promise<void>;
}

/**
 * Opens the double of We-Link.
 *
 * @param runningAccounts when the product asks for a request of these accounts, it goes on running;
 *   a request of any other account has succeeded
 */
export function openProviderDouble(
  place: ProviderPlace,
  runningAccounts: readonly string[],
): Promise<ProviderDouble> {
  return "simulatorUrl" in place
    ? openSimulator(place.simulatorUrl, runningAccounts)
    : startDouble(place, runningAccounts);
}

/** The simulator of a local run, whose documentation is in docs/local-run.md. */
async function openSimulator(
  simulatorUrl: string,
  runningAccounts: readonly string[],
): Promise<ProviderDouble> {
  async function control(method: string, path: string, body?: object): Promise<Json> {
    const answer = await fetch(`${simulatorUrl}/_control/${path}`, {
      method,
      headers: { "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!answer.ok) throw new Error(`${method} /_control/${path}: ${await answer.text()}`);
    return answer.json();
  }
  const before = await control("GET", "behaviour");
  const scripts = runningAccounts.flatMap((account) => [
    { on: "poll", match: { account }, body: runningAnswer("{requestId}") },
    { on: "webhook", match: { account }, drop: true },
  ]);
  await control("PUT", "behaviour", { ...before, scripts: [...scripts, ...before.scripts] });
  return {
    async submissions(accountId) {
      const { submissions } = await control("GET", "submissions");
      return submissions.filter(
        (one: Json) => one.accountId === accountId && one.providerRequestId !== undefined,
      );
    },
    close: () => control("PUT", "behaviour", before),
  };
}

async function startDouble(
  place: ListeningPlace,
  runningAccounts: readonly string[],
): Promise<ProviderDouble> {
  const submissions: Submission[] = [];
  const server = await startServer(place, ({ path, body: text }) => {
    const body = JSON.parse(text || "{}") as Json;
    if (!path.startsWith("/api/v1/")) return [404, { status: "NOT_FOUND", message: path }];
    if (path === "/api/v1/get_response") {
      const id = body.request_id ?? body.requestId;
      const submission = submissions.find(({ providerRequestId }) => providerRequestId === id);
      if (!submission) return [404, { status: "NOT_FOUND", message: `There is no request ${id}` }];
      return runningAccounts.includes(submission.accountId)
        ? [200, runningAnswer(id)]
        : [200, { status: "SUCCESS", request_id: id, result: { polled: true } }];
    }
    const providerRequestId = `double-${randomUUID()}`;
    submissions.push({ accountId: body.accountId ?? "", providerRequestId, body });
    return [200, { requestId: providerRequestId }];
  });
  return {
    submissions: async (accountId) => submissions.filter((one) => one.accountId === accountId),
    close: server.close,
  };
}

const runningAnswer = (requestId: string) => ({
  status: "STARTED",
  requestId,
  message: "Still running",
});
