import type { ConnectionReader } from "../ports.ts";
import type { Moment } from "./moves.ts";
import type { RequestStore } from "./ports.ts";
import type { RequestWriter } from "./request-writer.ts";
import { returned } from "./submission.ts";
import type { makeSubmitRequest } from "./submit-request.ts";
import type { LaneWork } from "./work-lane.ts";

/**
 * Sends a person's input past the lane, at once. Whoever took it over first
 * sends it; a message that comes twice does nothing.
 *
 * @throws DEPENDENCY_DOWN before anything was sent
 */
export const makeSendInput =
  (deps: {
    requests: RequestStore;
    writer: RequestWriter;
    connections: ConnectionReader;
    submitRequest: ReturnType<typeof makeSubmitRequest>;
    moment: () => Moment;
    newOwner: () => string;
  }) =>
  async (requestId: string): Promise<LaneWork> => {
    const request = await deps.requests.find(requestId);
    const nothing: LaneWork = { kind: "worked", submissions: [], changed: [] };
    const isWaiting = request?.status === "SUBMITTING" && request.owner === undefined;
    if (!isWaiting || request.sealedInput === undefined) return nothing;
    const signal = AbortSignal.timeout(READ_LIMIT_MS);
    const connection = await deps.connections.read(request.connectionId, signal);
    const giveBack = () =>
      deps.writer.change(requestId, (now) =>
        now.sealedInput === undefined || now.owner ? undefined : returned(now, deps.moment()),
      );
    if (!connection) {
      await giveBack();
      return nothing;
    }
    const { nowRealMs, rules } = deps.moment();
    const sender = { owner: deps.newOwner(), leaseUntilRealMs: nowRealMs + rules.laneLeaseMs };
    const submission = await deps.submitRequest(request, connection, sender, rules.paceMs);
    if (submission.kind === "impossible") await giveBack();
    const isOurs = submission.kind === "submitted" && submission.isOurs;
    const changed = isOurs ? [submission.request] : [];
    return { kind: "worked", submissions: [submission], changed };
  };

const READ_LIMIT_MS = 3_000;
