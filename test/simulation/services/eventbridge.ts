import type { Faults } from "../engine/faults.ts";
import { running } from "../engine/instance.ts";
import type { Loop } from "../engine/loop.ts";
import type { Random } from "../engine/random.ts";
import { Refusal } from "./refusal.ts";

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

/** https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html */
const MAX_ENTRIES = 10;
const MAX_TOTAL_BYTES = 1_048_576;

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
      time: `${new Date(event.atMs).toISOString().slice(0, 19)}Z`,
      detail: null,
    }).replace('"detail":null}', () => `"detail":${event.detail}}`);
    const fault = faults.draw("bus.target", { duplicate: 5, late: 5 });
    deliver(body, fault === "late" ? random.int(...LATE_MS) : random.int(...TARGET_MS));
    if (fault === "duplicate") deliver(body, random.int(...LATE_MS));
  }

  function put(entry: Entry) {
    const read = readEntry(entry);
    if ("ErrorCode" in read) return read;
    if (faults.draw("bus.entry", { partial: isFlaky(loop.nowMs()) ? 300 : 5 })) {
      return { ErrorCode: "ThrottlingException", ErrorMessage: "simulated" };
    }
    const { Source: source, DetailType: type, Detail: detail } = entry;
    const by = running.getStore()?.name ?? "";
    const event = { atMs: loop.nowMs(), by, id: read.id, type, source, detail };
    onPublished(event);
    if (forwards(event)) forward(event);
    return { EventId: `e-${random.int(0, 2 ** 31)}` };
  }

  return {
    underWay: () => underWay,
    operations: {
      PutEventsCommand({ Entries }: { Entries: Entry[] }) {
        assertEntries(Entries);
        const results = Entries.map(put);
        return {
          FailedEntryCount: results.filter((result) => "ErrorCode" in result).length,
          Entries: results,
        };
      },
    },
  };
}

/** @throws Refusal of the call as a whole */
function assertEntries(entries: readonly Entry[]): void {
  const bytes = entries.reduce(
    (sum, { Source, DetailType, Detail }) => sum + Buffer.byteLength(Source + DetailType + Detail),
    0,
  );
  if (entries.length > 0 && entries.length <= MAX_ENTRIES && bytes <= MAX_TOTAL_BYTES) return;
  throw new Refusal("ValidationException", `${entries.length} entries of ${bytes} bytes`);
}

/** @returns the id of the event, or the error of an entry that the bus never takes */
function readEntry({ Source, DetailType, Detail }: Entry) {
  const failed = (ErrorCode: string) => ({ ErrorCode, ErrorMessage: "simulated" });
  if (Source === "" || DetailType === "" || Detail === "") return failed("InvalidArgument");
  if (Source.startsWith("aws.")) return failed("NotAuthorizedForSourceException");
  const detail = parsed(Detail);
  const isObject = typeof detail === "object" && detail !== null && !Array.isArray(detail);
  if (!isObject) return failed("MalformedDetail");
  return { id: String((detail as { id?: unknown }).id) };
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
