import type { ProviderId } from "../../../contracts/providers.ts";
import type { ProviderRequests } from "../../providers/provider-client.ts";
import type { Ticks } from "../lanes/lane-scheduler.ts";
import type { LaneStore } from "../ports.ts";
import { isTerminal, type RequestRecord } from "../record.ts";
import type { Moment } from "../request-state.ts";
import type { RequestWriter } from "../request-writer.ts";
import { type Applied, applyNews, type News } from "./provider-update.ts";

export interface TakeNewsDeps {
  writer: RequestWriter;
  lanes: LaneStore;
  ticks: Ticks;
  providers: Readonly<Record<ProviderId, ProviderRequests>>;
  moment: () => Moment;
}

export interface TakenNews {
  request: RequestRecord;
  verdict: Applied["verdict"];
  /** Whether this changed it: what it caused is then ours to publish. */
  isChanged: boolean;
  /** The account was paused until a person or a login has mended it. */
  hasPausedAccount: boolean;
}

/**
 * Takes the provider's word on a request, whichever way it came: webhook and
 * poll go through this one write (G4).
 *
 * @returns `undefined` when there is no such request on this connection
 * @throws DEPENDENCY_DOWN; taking it again is safe
 */
export const makeTakeNews =
  ({ writer, lanes, ticks, providers, moment }: TakeNewsDeps) =>
  async (
    of: { requestId: string; connectionId: string },
    news: News,
  ): Promise<TakenNews | undefined> => {
    let applied: Applied | undefined;
    const changed = await writer.change(of.requestId, async (request) => {
      if (request.connectionId !== of.connectionId) return undefined;
      const result = applyNews(request, news, moment(), providers[request.provider]);
      applied = result;
      // Before the write: what follows a crash in between does both again.
      if (result.lane && "pause" in result.lane) {
        await lanes.pause(request.lane, request, result.lane.pause);
      } else if (result.lane) {
        await lanes.unblock(request.lane, ticks.dueFor(moment().nowMs));
      }
      return result.request;
    });
    if (!changed || !applied) return undefined;
    const { request, isChanged } = changed;
    const { lane, verdict } = applied;
    // Also for a duplicate: whoever ended it may have died before this.
    if (isTerminal(request)) await ticks.freed(request);
    const pause = lane && "pause" in lane ? lane.pause : undefined;
    const hasPausedAccount = isChanged && pause !== undefined && pause.untilMs === undefined;
    return { request, verdict, isChanged, hasPausedAccount };
  };
