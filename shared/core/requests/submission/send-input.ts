import type { AccountReader, ConnectionReader } from "../../connections/ports.ts";
import { drawGapMs } from "../../pace/account-gap.ts";
import { makePaceSettingsOf } from "../lanes/pace.ts";
import type { DecisionContext } from "../state/decision-context.ts";
import type { LaneStore } from "../state/lane-ports.ts";
import type { ProviderClients, RequestStore } from "../state/ports.ts";
import type { RequestRecord } from "../state/record.ts";
import type { RequestWriter } from "../state/request-writer.ts";
import { returnToPreviousState } from "../state/submission-transitions.ts";
import type { SubmitRequest } from "./submit-request.ts";
import type { LaneRunResult } from "./work-lane.ts";

export interface SendInputDeps {
  requests: RequestStore;
  writer: RequestWriter;
  lanes: LaneStore;
  accounts: Pick<AccountReader, "find">;
  connections: Pick<ConnectionReader, "readUncached">;
  providerClients: ProviderClients;
  submitRequest: SubmitRequest;
  context: () => DecisionContext;
  newOwner: () => string;
  /** A number from 0 to 1. */
  random: () => number;
}

export type SendInput = ReturnType<typeof makeSendInput>;

/**
 * Sends a person's input for a request at once, without waiting for its turn in
 * the lane. The account's next submission keeps the pace. A second message for
 * the same input does nothing.
 *
 * @throws DEPENDENCY_DOWN before anything was sent
 */
export function makeSendInput(deps: SendInputDeps) {
  const paceSettingsOf = makePaceSettingsOf(deps);
  const nothingDone: LaneRunResult = { kind: "done", submissions: [], changed: [] };

  /**
   * Returns the request to ACTION_REQUIRED, so that the person may try again before its deadline.
   *
   * @returns the request when this call changed it: an event asks for the input again
   */
  async function returnToPrompt(requestId: string): Promise<RequestRecord[]> {
    const changed = await deps.writer.change(requestId, (now) =>
      now.sealedInput === undefined || now.owner
        ? undefined
        : returnToPreviousState(now, deps.context(), deps.providerClients[now.provider]),
    );
    return changed?.isChanged ? [changed.request] : [];
  }

  async function send(request: RequestRecord): Promise<LaneRunResult> {
    const { requestId, connectionId, lane } = request;
    const connection = await deps.connections.readUncached(connectionId);
    if (connection?.settings.status !== "active") {
      return { ...nothingDone, changed: await returnToPrompt(requestId) };
    }
    const { nowRealMs, rules } = deps.context();
    const submission = await deps.submitRequest({
      request,
      connection,
      sender: { owner: deps.newOwner(), leaseUntilRealMs: nowRealMs + rules.laneLeaseMs },
      gapMs: drawGapMs(await paceSettingsOf(request), deps.random()),
    });
    if (submission.kind !== "attempted") {
      const isUnsendable = submission.kind === "unsubmittable";
      const changed = isUnsendable ? await returnToPrompt(requestId) : [];
      return { ...nothingDone, submissions: [submission], changed };
    }
    await deps.lanes.delaySubmissions(lane, submission.nextSubmissionNotBeforeMs);
    const changed = submission.mustPublish ? [submission.request] : [];
    return { kind: "done", submissions: [submission], changed };
  }

  return async (requestId: string): Promise<LaneRunResult> => {
    const request = await deps.requests.find(requestId);
    const isWaiting = request?.status === "SUBMITTING" && request.owner === undefined;
    return isWaiting && request.sealedInput !== undefined ? send(request) : nothingDone;
  };
}
