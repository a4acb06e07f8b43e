import type { LaneScheduler } from "../lanes/lane-scheduler.ts";
import type { DecisionContext } from "../state/decision-context.ts";
import type { LaneStore } from "../state/lane-ports.ts";
import type { ProviderClients } from "../state/ports.ts";
import {
  type ProviderUpdate,
  type UpdateResult,
  withProviderUpdate,
} from "../state/provider-update.ts";
import { isTerminal, type RequestRecord } from "../state/record.ts";
import type { RequestWriter } from "../state/request-writer.ts";

export interface ApplyProviderUpdateDeps {
  writer: RequestWriter;
  lanes: LaneStore;
  laneScheduler: LaneScheduler;
  providerClients: ProviderClients;
  context: () => DecisionContext;
}

export interface AppliedUpdate {
  request: RequestRecord;
  verdict: UpdateResult["verdict"];
  /** True when this call changed the request. The caller then publishes its outbox. */
  isChanged: boolean;
  /** True when the update paused the account until a login succeeds or a person resumes it. */
  hasPausedAccount: boolean;
  /** True when the report is not clear and this call kept it on the request. */
  hasStoredUnclearReport: boolean;
  /** Why the lane of the ended request could not be woken. Applying the update again wakes it. */
  wakeError?: unknown;
}

export type ApplyProviderUpdate = ReturnType<typeof makeApplyProviderUpdate>;

/**
 * Applies what a provider reports about a request. Webhooks and polls both go
 * through this one conditional write, so that a request ends once (G4).
 *
 * @returns `undefined` when there is no such request on this connection
 * @throws DEPENDENCY_DOWN while the update may not be stored; applying it again is safe
 */
export const makeApplyProviderUpdate =
  ({ writer, lanes, laneScheduler, providerClients, context }: ApplyProviderUpdateDeps) =>
  async (
    target: { requestId: string; connectionId: string },
    update: ProviderUpdate,
  ): Promise<AppliedUpdate | undefined> => {
    let applied: UpdateResult | undefined;
    const changed = await writer.change(target.requestId, async (request) => {
      if (request.connectionId !== target.connectionId) return undefined;
      const result = withProviderUpdate(
        request,
        update,
        context(),
        providerClients[request.provider],
      );
      applied = result;
      // Part of the decision, because the effect must be stored before the request that was
      // decided on: after a crash between the two, the update is applied again. If another write
      // comes first, this runs again. The effect on the lane is idempotent.
      const { laneEffect } = result;
      if (laneEffect && "pause" in laneEffect) {
        await lanes.pause(request.lane, request, laneEffect.pause);
      } else if (laneEffect) {
        await lanes.endLoginPause(request.lane, laneScheduler.dueAfterWakeUp(context().nowMs));
      }
      return result.request;
    });
    if (!changed || !applied) return undefined;
    const { request, isChanged } = changed;
    const { laneEffect, verdict } = applied;
    // Also for a duplicate: the worker that ended the request may have crashed before this call.
    // What was stored is told all the same: a repeated report changes nothing more.
    const wakeError = isTerminal(request)
      ? await laneScheduler.wakeFreedLane(request).catch((error: unknown) => error)
      : undefined;
    const pause = laneEffect && "pause" in laneEffect ? laneEffect.pause : undefined;
    const hasPausedAccount = isChanged && pause !== undefined && pause.untilMs === undefined;
    const hasStoredUnclearReport = isChanged && applied.hasStoredUnclearReport === true;
    const told = { verdict, isChanged, hasPausedAccount, hasStoredUnclearReport };
    return { request, ...told, ...(wakeError === undefined ? {} : { wakeError }) };
  };
