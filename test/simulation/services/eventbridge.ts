import type { Faults } from "../engine/faults.ts";
import { running } from "../engine/instance.ts";
import type { Loop } from "../engine/loop.ts";
import type { Random } from "../engine/random.ts";

interface Entry {
  Source: string;
  DetailType: string;
  Detail: string;
}

/** An event that the bus has taken. */
export interface Published {
  atMs: number;
  /** The instance that published it. */
  by: string;
  id: string;
  type: string;
  source: string;
  detail: string;
}

/** Milliseconds from the bus to a target. */
const TARGET_MS = [20, 400] as const;
const LATE_MS = [1_000, 60_000] as const;

/** A bus whose rule sends some types of events to one queue: at least once, in no order. */
export function makeEventBridge(of: {
  loop: Loop;
  faults: Faults;
  random: Random;
  forwards: (event: Published) => boolean;
  /** Whether the bus refuses every third entry at this time. */
  isFlaky: (nowMs: number) => boolean;
  target: (body: string) => void;
  onPublished: (event: Published) => void;
}) {
  const { loop, faults, random, forwards, isFlaky, target, onPublished } = of;

  /** Copies on their way to the target. */
  let underWay = 0;

  function deliver(body: string, afterMs: number): void {
    underWay++;
    loop.after(afterMs, () => {
      underWay--;
      target(body);
    });
  }

  function forward(event: Published): void {
    const body = JSON.stringify({
      id: event.id,
      "detail-type": event.type,
      source: event.source,
      time: new Date(event.atMs).toISOString(),
      detail: null,
    }).replace('"detail":null}', () => `"detail":${event.detail}}`);
    const fault = faults.draw("bus.target", { duplicate: 5, late: 5 });
    deliver(body, fault === "late" ? random.int(...LATE_MS) : random.int(...TARGET_MS));
    if (fault === "duplicate") deliver(body, random.int(...LATE_MS));
  }

  function put({ Source: source, DetailType: type, Detail: detail }: Entry) {
    if (faults.draw("bus.entry", { partial: isFlaky(loop.nowMs()) ? 300 : 5 })) {
      return { ErrorCode: "ThrottlingException", ErrorMessage: "simulated" };
    }
    const { id } = JSON.parse(detail) as { id: string };
    const by = running.getStore()?.name ?? "";
    const event = { atMs: loop.nowMs(), by, id, type, source, detail };
    onPublished(event);
    if (forwards(event)) forward(event);
    return { EventId: `e-${random.int(0, 2 ** 31)}` };
  }

  return {
    underWay: () => underWay,
    operations: {
      PutEventsCommand({ Entries }: { Entries: Entry[] }) {
        const results = Entries.map(put);
        return {
          FailedEntryCount: results.filter((result) => "ErrorCode" in result).length,
          Entries: results,
        };
      },
    },
  };
}
