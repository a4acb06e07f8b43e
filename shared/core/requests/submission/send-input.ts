import type { AccountReader, ConnectionReader } from "../../connections/ports.ts";
import { readDeadline } from "../../read-deadline.ts";
import { makeSubmissionInterval } from "../lanes/pace.ts";
import type { DecisionContext } from "../state/decision-context.ts";
import type { LaneStore, RequestStore } from "../state/ports.ts";
import type { RequestRecord } from "../state/record.ts";
import type { RequestWriter } from "../state/request-writer.ts";
import { requeue } from "../state/submission-transitions.ts";
import type { makeSubmitRequest } from "./submit-request.ts";
import type { LaneRunResult } from "./work-lane.ts";

export interface SendInputDeps {
  requests: RequestStore;
  writer: RequestWriter;
  lanes: LaneStore;
  accounts: AccountReader;
  connections: ConnectionReader;
  submitRequest: ReturnType<typeof makeSubmitRequest>;
  context: () => DecisionContext;
  newOwner: () => string;
}

/**
 * Sends a person's input past the lane, at once; what comes after it keeps the
 * pace. Whoever took it over first sends it: a message that comes twice does nothing.
 *
 * @throws DEPENDENCY_DOWN before anything was sent
 */
export function makeSendInput(deps: SendInputDeps) {
  const submissionIntervalOf = makeSubmissionInterval(deps);

  /** It cannot be sent: the person may try again, as long as there is time. */
  const giveBack = (requestId: string) =>
    deps.writer.change(requestId, (now) =>
      now.sealedInput === undefined || now.owner ? undefined : requeue(now, deps.context()),
    );

  async function send(request: RequestRecord): Promise<LaneRunResult> {
    const nothing: LaneRunResult = { kind: "worked", submissions: [], changed: [] };
    const { requestId, connectionId, lane } = request;
    const connection = await deps.connections.read(connectionId, readDeadline());
    if (connection?.settings.status !== "active") {
      await giveBack(requestId);
      return nothing;
    }
    const { nowRealMs, rules } = deps.context();
    const sender = { owner: deps.newOwner(), leaseUntilRealMs: nowRealMs + rules.laneLeaseMs };
    const pace = await submissionIntervalOf(request);
    const submission = await deps.submitRequest(request, connection, sender, pace);
    if (submission.kind === "unsubmittable") await giveBack(requestId);
    if (submission.kind !== "submitted") return { ...nothing, submissions: [submission] };
    await deps.lanes.delay(lane, submission.nextMs);
    const changed = submission.isOurs ? [submission.request] : [];
    return { kind: "worked", submissions: [submission], changed };
  }

  return async (requestId: string): Promise<LaneRunResult> => {
    const request = await deps.requests.find(requestId);
    const isWaiting = request?.status === "SUBMITTING" && request.owner === undefined;
    if (isWaiting && request.sealedInput !== undefined) return send(request);
    return { kind: "worked", submissions: [], changed: [] };
  };
}
