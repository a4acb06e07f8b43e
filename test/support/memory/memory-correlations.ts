import type { Clock } from "../../../shared/core/clock.ts";
import type {
  CorrelatedEvent,
  CorrelationStore,
} from "../../../shared/core/requests/state/correlation-ports.ts";

/** Events and their watchers in memory, with the promises of the stored ones. */
export function makeMemoryCorrelations(options: {
  clock: Clock;
  /** How long an event is known (business). */
  retentionMs: number;
}): CorrelationStore {
  const { clock, retentionMs } = options;
  const events: (CorrelatedEvent & { expiresMs: number })[] = [];
  const watches: Parameters<CorrelationStore["watch"]>[0][] = [];
  const concerns = (
    one: { connectionId: string; keys: readonly string[] },
    of: { connectionId: string; keys: readonly string[] },
  ) => one.connectionId === of.connectionId && one.keys.some((key) => of.keys.includes(key));

  return {
    async recordEvent(event) {
      events.push({ ...event, expiresMs: clock.businessMs() + retentionMs });
    },
    async findEvents({ type, sinceMs, ...of }) {
      return events
        .filter((event) => event.type === type && concerns(event, of))
        .filter((event) => event.expiresMs > clock.businessMs())
        .filter(
          ({ eventId, receivedMs }, _, all) =>
            receivedMs >= sinceMs &&
            !all.some((one) => one.eventId === eventId && one.receivedMs < sinceMs),
        )
        .map(({ receivedMs, accountId }) => ({ receivedMs, accountId }));
    },
    async watch(of) {
      watches.push(of);
    },
    async findWatchers(of) {
      const watching = watches.filter(
        (one) => concerns(one, of) && one.untilMs > clock.businessMs(),
      );
      return [...new Set(watching.map(({ requestId }) => requestId))];
    },
  };
}
