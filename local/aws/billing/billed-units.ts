/** What AWS has a price for. Each item has a line in `bench/cost/prices.json`. */
export type BilledItem =
  | "dynamodb.write"
  | "dynamodb.read"
  /** Of an event on a bus with an archive. */
  | "events.archivedByte"
  | "events.event"
  | "http.request"
  | "lambda.gbSecond"
  | "lambda.request"
  | "logs.byte"
  | "s3.get"
  | "s3.put"
  | "scheduler.invocation"
  | "secrets.call"
  | "sqs.emptyReceive"
  | "sqs.request";

export interface BilledUnit {
  /** A function, `other`, or the service that made the call itself: `events` or `scheduler`. */
  caller: string;
  /** The service and its operation, such as `dynamodb:PutItem`. */
  operation: string;
  item: BilledItem;
  /** A table, `table/index`, a queue or a bus. Absent where the price has no use for it. */
  resource?: string;
  units: number;
}

/** Adds units to the bill. */
export type Bill = (unit: BilledUnit) => void;

/** The units of a call whose caller and operation are known elsewhere. */
export type CallUnits = Omit<BilledUnit, "caller" | "operation">;

/** Sums billed units by caller, operation, item and resource. */
export function makeBilledUnits() {
  const sums = new Map<string, BilledUnit>();
  return {
    add(unit: BilledUnit): void {
      const key = `${unit.caller} ${unit.operation} ${unit.item} ${unit.resource ?? ""}`;
      const sum = sums.get(key);
      if (sum) sum.units += unit.units;
      else sums.set(key, { ...unit });
    },
    list: (): readonly BilledUnit[] =>
      [...sums].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, sum]) => ({ ...sum })),
  };
}

export type BilledUnits = ReturnType<typeof makeBilledUnits>;
