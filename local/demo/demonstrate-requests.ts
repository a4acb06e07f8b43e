import { setTimeout as sleep } from "node:timers/promises";
import type * as z from "zod/mini";
import type { eventDetail } from "../../shared/contracts/events.ts";
import type { BusinessClock } from "../clock/clock.ts";

export type BusEvent = z.output<typeof eventDetail>;

export interface RequestsDemonstration {
  apiUrl: string;
  providerUrl: string;
  /** The provider whose protocol the client speaks. */
  providerName: string;
  /** The headers that authenticate a client in that protocol. */
  headers: Readonly<Record<string, string>>;
  accountId: string;
  clock: BusinessClock;
  /** Returns the events received since the last call. */
  receive: () => Promise<BusEvent[]>;
  print: (line: string) => void;
  signal: AbortSignal;
}

/** Timeout of each step of the demonstration (real); long, because a busy machine is slow. */
export const STEP_TIMEOUT_MS = 120_000;

/** The demonstration waits for the scheduled request only if its delay passes in this real time. */
const MAX_SCHEDULE_WAIT_MS = 30_000;

/** Minimum delay of a scheduled request (business), and real time for the call itself. */
const SCHEDULE_DELAY_MS = 2 * 3_600_000;
const CALL_MS = 2_000;

/**
 * Shows the path of a request from a client of a provider's API: acked at once,
 * submitted in its account's order, completed by webhook, published on the bus,
 * and read by polling; then a scheduled request.
 */
export async function demonstrateRequests(of: RequestsDemonstration): Promise<void> {
  const { print, clock } = of;
  const run = Date.now().toString(36);
  print("");
  print(
    `Now a client of ${of.providerName}'s API: two requests for one account, and a scheduled one.`,
  );
  print("");
  const first = await submit(of, { profile_id: `ACoABC1d2f-${run}` });
  const second = await submit(of, { profile_id: `ACoABC1d2g-${run}` });
  const scheduledMs = clock.now() + SCHEDULE_DELAY_MS + CALL_MS * clock.speed;
  const scheduled = new Date(scheduledMs).toISOString();
  const later = await submit(of, { profile_id: `ACoABC1d2h-${run}`, scheduled });

  /** Events received so far, of all requests. */
  const seen: BusEvent[] = [];
  await showRequest(of, first, seen);
  const gap = "30 to 90 seconds after the first";
  if (clock.speed >= 10) await showRequest(of, second, seen);
  else print(`  in its lane    the second waits, ${gap} (${await statusOf(of, second)})`);
  if (SCHEDULE_DELAY_MS / clock.speed <= MAX_SCHEDULE_WAIT_MS) await showRequest(of, later, seen);
  else print(`  scheduled      for ${scheduled}; with --speed 3600 it is done in two seconds`);
}

interface SubmittedRequest {
  requestId: string;
  profileId: string;
}

/** Makes a request and prints how quickly it was acked. */
export async function submit(
  of: RequestsDemonstration,
  params: Record<string, string>,
): Promise<SubmittedRequest> {
  const startedMs = performance.now();
  const { requestId } = await call(of, "connect", { accountId: of.accountId, ...params });
  const tookMs = performance.now() - startedMs;
  of.print(`  request in     POST /api/v1/connect  acked in ${tookMs.toFixed(0)} ms: ${requestId}`);
  return { requestId: String(requestId), profileId: params.profile_id ?? "" };
}

/**
 * Prints the submission that the provider received, the events on the bus, and
 * the polled status.
 */
async function showRequest(
  of: RequestsDemonstration,
  { requestId, profileId }: SubmittedRequest,
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
    return of.print(`  not submitted  ${requestId} in ${STEP_TIMEOUT_MS / 1000} s (${status})`);
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
  of.print(`  polled         get_response returns ${await statusOf(of, { requestId, profileId })}`);
}

interface Submission {
  at: string;
  path: string;
  body: { profile_id?: string } | null;
  status: number;
}

async function statusOf(
  of: RequestsDemonstration,
  { requestId }: SubmittedRequest,
): Promise<string> {
  const { status, result } = await call(of, "get_response", { request_id: requestId });
  return `${status}${result === undefined ? "" : ` ${JSON.stringify(result)}`}`;
}

async function call(of: RequestsDemonstration, action: string, body: object) {
  const answer = await fetch(`${of.apiUrl}/api/v1/${action}`, {
    method: "POST",
    headers: { ...of.headers, "content-type": "application/json" },
    body: JSON.stringify(body),
    signal: AbortSignal.any([of.signal, AbortSignal.timeout(STEP_TIMEOUT_MS)]),
  });
  if (!answer.ok)
    throw new Error(`${action} was answered ${answer.status}: ${await answer.text()}`);
  return (await answer.json()) as Record<string, unknown>;
}

/** Polls until `find` returns a value. Returns undefined after the timeout, or on abort. */
export async function until<Found>(
  { signal }: RequestsDemonstration,
  find: () => Promise<Found | undefined>,
): Promise<Found | undefined> {
  const endMs = Date.now() + STEP_TIMEOUT_MS;
  while (Date.now() < endMs && !signal.aborted) {
    const found = await find();
    if (found !== undefined) return found;
    await sleep(200, undefined, { signal });
  }
  return undefined;
}
