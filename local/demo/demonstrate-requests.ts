import { setTimeout as sleep } from "node:timers/promises";
import type * as z from "zod/mini";
import type { eventDetail } from "../../shared/contracts/events.ts";
import type { BusinessClock } from "../clock/clock.ts";

export type BusEvent = z.output<typeof eventDetail>;

export interface RequestsDemonstration {
  apiUrl: string;
  providerUrl: string;
  /** The headers by which a client of We-Link's API is known here. */
  headers: Readonly<Record<string, string>>;
  accountId: string;
  clock: BusinessClock;
  /** Events that came since the last call. */
  receive: () => Promise<BusEvent[]>;
  print: (line: string) => void;
  signal: AbortSignal;
}

/** How long the demonstration waits for one thing, in real time: a busy machine is slow. */
export const PATIENCE_MS = 120_000;

/** A scheduled request is waited for where its two hours pass in this time. */
const SCHEDULE_PATIENCE_MS = 30_000;

/** The least that may be asked for (business), and real time for the way there. */
const LEAD_MS = 2 * 3_600_000;
const WAY_MS = 2_000;

/**
 * Shows the way of a request as a client of We-Link's API makes it: acked at
 * once, submitted in its account's turn, answered by webhook, on the bus, and by
 * polling; then one for later.
 */
export async function demonstrateRequests(of: RequestsDemonstration): Promise<void> {
  const { print, clock } = of;
  const run = Date.now().toString(36);
  print("");
  print(
    "Now as a client that speaks We-Link's API: two requests for one account, and one for later.",
  );
  print("");
  const first = await submit(of, { profile_id: `ACoABC1d2f-${run}` });
  const second = await submit(of, { profile_id: `ACoABC1d2g-${run}` });
  const scheduledMs = clock.now() + LEAD_MS + WAY_MS * clock.speed;
  const scheduled = new Date(scheduledMs).toISOString();
  const later = await submit(of, { profile_id: `ACoABC1d2h-${run}`, scheduled });

  /** What came over the bus so far, of whichever request. */
  const seen: BusEvent[] = [];
  await showWay(of, first, seen);
  const gap = "30 to 90 seconds behind the first";
  if (clock.speed >= 10) await showWay(of, second, seen);
  else print(`  in its lane    the second waits its turn, ${gap} (${await statusOf(of, second)})`);
  if (LEAD_MS / clock.speed <= SCHEDULE_PATIENCE_MS) await showWay(of, later, seen);
  else print(`  scheduled      for ${scheduled}; with --speed 3600 you see it done in two seconds`);
}

interface Asked {
  requestId: string;
  profileId: string;
}

/** Makes a request and says how soon it was acked. */
export async function submit(
  of: RequestsDemonstration,
  params: Record<string, string>,
): Promise<Asked> {
  const startedMs = performance.now();
  const { requestId } = await call(of, "connect", { accountId: of.accountId, ...params });
  const tookMs = performance.now() - startedMs;
  of.print(`  request in     POST /api/v1/connect  acked in ${tookMs.toFixed(0)} ms: ${requestId}`);
  return { requestId: String(requestId), profileId: params.profile_id ?? "" };
}

/** The submission as the provider saw it, the event on the bus, and the poll's answer. */
async function showWay(
  of: RequestsDemonstration,
  { requestId, profileId }: Asked,
  seen: BusEvent[],
): Promise<void> {
  const submission = await until(of, async () => {
    const answer = await fetch(`${of.providerUrl}/_control/submissions`, { signal: of.signal });
    const { submissions } = (await answer.json()) as { submissions: Submission[] };
    const isMine = (one: Submission) => one.body?.profile_id === profileId && one.status === 200;
    return submissions.findLast(isMine);
  });
  if (!submission) {
    const status = await statusOf(of, { requestId, profileId });
    return of.print(`  not submitted  ${requestId} in ${PATIENCE_MS / 1000} s (${status})`);
  }
  of.print(`  submitted      to ${submission.path} at ${submission.at} (business time)`);
  const isMine = ({ data }: BusEvent) => data.requestId === requestId;
  const types = () => seen.filter(isMine).map(({ type }) => type);
  await until(of, async () => {
    if (types().includes("workflow.completed")) return true;
    seen.push(...(await of.receive()));
    return undefined;
  });
  of.print(`  on the bus     ${types().join(", ") || "nothing"}`);
  of.print(`  polled         get_response says ${await statusOf(of, { requestId, profileId })}`);
}

interface Submission {
  at: string;
  path: string;
  body: { profile_id?: string } | null;
  status: number;
}

async function statusOf(of: RequestsDemonstration, { requestId }: Asked): Promise<string> {
  const { status, result } = await call(of, "get_response", { request_id: requestId });
  return `${status}${result === undefined ? "" : ` ${JSON.stringify(result)}`}`;
}

async function call(of: RequestsDemonstration, action: string, body: object) {
  const answer = await fetch(`${of.apiUrl}/api/v1/${action}`, {
    method: "POST",
    headers: { ...of.headers, "content-type": "application/json" },
    body: JSON.stringify(body),
    signal: AbortSignal.any([of.signal, AbortSignal.timeout(PATIENCE_MS)]),
  });
  if (!answer.ok)
    throw new Error(`${action} was answered ${answer.status}: ${await answer.text()}`);
  return (await answer.json()) as Record<string, unknown>;
}

/** What `look` finds, looking again and again; nothing when the patience is over. */
export async function until<Found>(
  { signal }: RequestsDemonstration,
  look: () => Promise<Found | undefined>,
): Promise<Found | undefined> {
  const endMs = Date.now() + PATIENCE_MS;
  while (Date.now() < endMs && !signal.aborted) {
    const found = await look();
    if (found !== undefined) return found;
    await sleep(200, undefined, { signal });
  }
  return undefined;
}
