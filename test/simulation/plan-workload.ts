import type { Random } from "./engine/random.ts";
import type { SimulatedProvider } from "./services/provider-form.ts";
import { START_MS } from "./stack.ts";

const MINUTE_MS = 60_000;

/** Clients and providers send during this time; faults strike a little longer. */
export const BUSY_MS: number = 4 * MINUTE_MS;

export interface Account {
  accountId: string;
  /** Absent: We-Link. */
  provider?: SimulatedProvider;
  paceMs: { min: number; max: number };
  hourLimit: number | undefined;
  /** Requests are submitted from this time on. */
  opensMs: number | undefined;
}

/** A request that a client makes, and what it does about it. */
export interface PlannedRequest {
  n: number;
  accountId: string;
  atMs: number;
  scheduledMs: number | undefined;
  isHigh: boolean;
  /** It is cancelled this long after the answer that accepts it. */
  cancelAfterMs: number | undefined;
  /** The same call is made again this long after the first one, by a client that does not wait. */
  repeatAfterMs: number | undefined;
  /** Another call with the same key is made this long after it is accepted. */
  conflictAfterMs: number | undefined;
  /** The requests of one number are made by one call. */
  batch?: number;
  /** In a batch it has no idempotency key of its own. */
  isKeyless?: boolean;
  /** The person whom its params name. */
  person?: string;
  dependsOn?: PlannedDependency;
}

/** What a request waits for. Its client makes it when the other one is accepted, at the earliest. */
export interface PlannedDependency {
  /** The other request. */
  n: number;
  on: "succeeded" | "connection.accepted";
  withinMs: number;
  afterMs: number;
  /** A reply of the person keeps it from being sent. */
  isStoppable: boolean;
}

/** What the provider of an account reports of a person. */
export interface PersonEvent {
  id: string;
  accountId: string;
  /** Its webhook names the account; that of Linked API always does. */
  namesAccount: boolean;
  person: string;
  type: "CONNECTION_ACCEPTED" | "MESSAGE_REPLY";
  atMs: number;
}

/** A recurring request, which fires in these minutes of the hour in which the run starts. */
export interface PlannedRecurring {
  recurringId: string;
  accountId: string;
  atMs: number;
  minutes: readonly number[];
  /** It is deleted this long after it was made. */
  deletedAfterMs: number;
}

/** A report about something that nobody here has requested. */
export interface ForeignReport {
  id: string;
  /** When it is sent, and its copies. */
  atMs: readonly number[];
  isForged: boolean;
  /** Its body is larger than a message of the queue. */
  isLarge?: boolean;
}

export interface Span {
  fromMs: number;
  untilMs: number;
}

export interface Workload {
  accounts: readonly Account[];
  requests: readonly PlannedRequest[];
  /** Ids of what providers report that nobody here has requested. */
  foreign: readonly ForeignReport[];
  /** When the client's endpoint answers 500. */
  endpointDown: Span;
  /** When the bus refuses every third entry. */
  busFlaky: Span;
  poisonMs: number | undefined;
  /** Linked API signs its webhooks; otherwise each is confirmed by a call. */
  signsLinkedApi?: boolean;
  personEvents?: readonly PersonEvent[];
  recurring?: readonly PlannedRecurring[];
  /** Once a webhook has told the end of a job, polls are answered as if the job was under way. */
  isToldOnce?: boolean;
  /** A queue timeout that some requests reach; absent: that of the stack. */
  queueTimeoutSeconds?: number;
}

/**
 * Plans what a seed's clients and providers do.
 *
 * @param more decides about Linked API, batches, sequences and recurring requests: what is added
 *   to these does not change what `random` decides
 * @param rare decides about what is still rarer
 */
export function planWorkload(random: Random, more: Random, rare: Random): Workload {
  return withRare(withMore(planSingles(random), more), rare);
}

function withRare(plan: Workload, random: Random): Workload {
  const isToldOnce = random.chance(0.2);
  const queueTimeoutSeconds = random.chance(0.1) ? random.int(60, 240) : undefined;
  return {
    ...plan,
    isToldOnce,
    ...(queueTimeoutSeconds === undefined ? {} : { queueTimeoutSeconds }),
    foreign: plan.foreign.map((one) => ({ ...one, isLarge: random.chance(0.05) })),
  };
}

/** A plan of single requests to We-Link. */
function planSingles(random: Random): Workload {
  // Much happens at the same moment, and some of it while `reconcile` runs.
  const moments = Array.from({ length: random.int(1, 3) }, () =>
    random.chance(0.5)
      ? START_MS + MINUTE_MS * random.int(1, BUSY_MS / MINUTE_MS) - random.int(0, 1_000)
      : START_MS + random.int(0, BUSY_MS),
  );
  const atMs = () =>
    random.chance(0.6)
      ? random.pick(moments) + random.int(0, 1_500)
      : START_MS + random.int(0, BUSY_MS);
  const span = (probability: number, mostMs: number): Span => {
    const fromMs = atMs();
    return {
      fromMs,
      untilMs: fromMs + (random.chance(probability) ? random.int(1_000, mostMs) : 0),
    };
  };
  const accounts = Array.from({ length: random.int(1, 2) }, (_, n) => {
    const min = random.int(1, 6) * 1_000;
    return {
      accountId: `account-${n + 1}`,
      paceMs: { min, max: min + (random.chance(0.4) ? 0 : random.int(1, 5) * 1_000) },
      hourLimit: random.chance(0.15) ? random.int(1, 3) : undefined,
      opensMs: random.chance(0.15) ? START_MS + 10 * MINUTE_MS : undefined,
    };
  });
  const requests = Array.from({ length: random.int(1, 7) }, (_, n): PlannedRequest => {
    const at = atMs();
    return {
      n,
      accountId: random.pick(accounts).accountId,
      atMs: at,
      scheduledMs: random.chance(0.25) ? at + random.int(10_000, 5 * MINUTE_MS) : undefined,
      isHigh: random.chance(0.2),
      cancelAfterMs: random.chance(0.25)
        ? random.int(0, random.chance(0.6) ? 1_000 : MINUTE_MS)
        : undefined,
      repeatAfterMs: random.chance(0.2)
        ? random.int(0, random.chance(0.5) ? 200 : MINUTE_MS)
        : undefined,
      conflictAfterMs: random.chance(0.1) ? random.int(0, MINUTE_MS) : undefined,
    };
  });
  const foreign = Array.from({ length: random.int(0, 4) }, (_, n) => {
    const firstMs = atMs();
    const copies = random.chance(0.5) ? random.int(1, 2) : 0;
    const apartMs = () => random.int(0, random.pick([0, 50, 300, 2_000, 40_000]));
    return {
      id: `foreign-${n}`,
      atMs: [firstMs, ...Array.from({ length: copies }, () => firstMs + apartMs())],
      isForged: random.chance(0.15),
    };
  });
  const downMs = atMs();
  return {
    accounts,
    requests,
    foreign,
    endpointDown: { fromMs: downMs, untilMs: downMs + downtimeMs(random) },
    busFlaky: span(0.2, 3 * MINUTE_MS),
    poisonMs: random.chance(0.1) ? atMs() : undefined,
  };
}

/** Mostly not at all, sometimes for minutes, and now and then for longer than all attempts take. */
function downtimeMs(random: Random): number {
  if (random.chance(0.05)) return 120 * MINUTE_MS;
  return random.chance(0.3) ? random.int(1_000, 8 * MINUTE_MS) : 0;
}

/** A run has time for so many hours of an account that has reached its limit. */
const HOURS = 4;

/** Adds what only some seeds have. */
function withMore(plan: Workload, random: Random): Workload {
  const isMixed = random.chance(0.3);
  const batched = random.chance(0.25) ? inBatches(plan.requests, random) : plan.requests;
  const { requests, personEvents = [] } = random.chance(0.3)
    ? withDependents(batched, random)
    : { requests: batched };
  const recurring = random.chance(0.15)
    ? [
        {
          recurringId: "recurring-0",
          accountId: random.pick(plan.accounts).accountId,
          atMs: START_MS + random.int(0, 30_000),
          minutes: [51, 53],
          // One half between its firings.
          deletedAfterMs: random.chance(0.5) ? 2 * MINUTE_MS : 40 * MINUTE_MS,
        },
      ]
    : [];
  const accounts = plan.accounts.map((account): Account => {
    const { accountId, hourLimit } = account;
    const isLinkedApi = isMixed && random.chance(0.7);
    const own = [...requests, ...recurring.flatMap((one) => one.minutes.map(() => one))].filter(
      (one) => one.accountId === accountId,
    );
    const least = Math.ceil(own.length / HOURS);
    return {
      ...account,
      ...(isLinkedApi ? { provider: "linked-api" } : {}),
      hourLimit: hourLimit === undefined ? undefined : Math.max(hourLimit, least),
    };
  });
  return {
    ...{ ...plan, accounts, requests, personEvents, recurring },
    signsLinkedApi: random.chance(0.5),
  };
}

/** Lets one batch make most of the requests, and some more of the same kind. */
function inBatches(requests: readonly PlannedRequest[], random: Random): PlannedRequest[] {
  const [first] = requests;
  if (!first) return [];
  const repeatAfterMs = random.chance(0.4) ? random.int(0, MINUTE_MS) : undefined;
  const added = Array.from({ length: random.int(1, 4) }, (_, n): PlannedRequest => {
    const { accountId } = random.pick(requests);
    const plain = { scheduledMs: undefined, isHigh: false, cancelAfterMs: undefined };
    return { ...first, ...plain, n: requests.length + n, accountId };
  });
  return [...requests, ...added].map((request) =>
    request === first || request.n >= requests.length || random.chance(0.6)
      ? {
          ...request,
          atMs: first.atMs,
          scheduledMs:
            request.scheduledMs && request.scheduledMs + Math.max(0, first.atMs - request.atMs),
          batch: 0,
          isKeyless: random.chance(0.5),
          conflictAfterMs: undefined,
          // The call is repeated, with all of its requests.
          repeatAfterMs,
        }
      : request,
  );
}

/** Adds requests that depend on others, and what the provider reports of the same people. */
function withDependents(
  requests: readonly PlannedRequest[],
  random: Random,
): Pick<Workload, "requests" | "personEvents"> {
  const all = [...requests];
  const personEvents: PersonEvent[] = [];
  for (let left = random.int(1, 3); left > 0; left--) {
    const at = random.int(0, all.length - 1);
    const before = all[at];
    if (!before) continue;
    const person = before.person ?? `person-${before.n}`;
    all[at] = { ...before, person };
    const atMs = before.atMs + random.int(0, random.pick([0, 5_000, MINUTE_MS]));
    const on = random.chance(0.5) ? "succeeded" : "connection.accepted";
    all.push({
      ...{ n: all.length, accountId: before.accountId, atMs, person, isHigh: false },
      ...{ scheduledMs: undefined, repeatAfterMs: undefined, conflictAfterMs: undefined },
      cancelAfterMs: random.chance(0.15) ? random.int(0, 2 * MINUTE_MS) : undefined,
      dependsOn: {
        ...{ n: before.n, on },
        withinMs: random.int(1, 30) * MINUTE_MS,
        afterMs: random.chance(0.5) ? 0 : random.int(1_000, 2 * MINUTE_MS),
        isStoppable: random.chance(0.6),
      },
    });
    const report = (type: PersonEvent["type"], probability: number) => {
      if (!random.chance(probability)) return;
      const reportedMs = START_MS + random.int(0, BUSY_MS + 2 * MINUTE_MS);
      const id = `event-${personEvents.length}`;
      const { accountId } = before;
      const namesAccount = random.chance(0.5);
      personEvents.push({ id, accountId, namesAccount, person, type, atMs: reportedMs });
    };
    report("CONNECTION_ACCEPTED", on === "succeeded" ? 0.2 : 0.9);
    report("MESSAGE_REPLY", 0.5);
  }
  return { requests: all, personEvents };
}
