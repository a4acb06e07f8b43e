import type { RequestRecord } from "../../../shared/core/requests/state/record.ts";
import { MAX_SKEW_MS } from "../engine/lambda.ts";
import { type History, invocationStart, requestWrites, type Submission } from "../history.ts";
import type { PlannedRequest } from "../plan-workload.ts";
import { keyOf } from "../workload.ts";
import type { Check, Run, Violation } from "./checks.ts";

const ends: readonly string[] = ["SUCCEEDED", "FAILED", "CANCELLED"];

/** Whether a request has ended; the product's own answer to that is under test. */
export const isTerminal = ({ status }: Pick<RequestRecord, "status">): boolean =>
  ends.includes(status);

/** A request with everything that is known of it. */
export interface Known {
  plan: PlannedRequest;
  requestId: string | undefined;
  record: RequestRecord | undefined;
  submissions: Submission[];
  cancelledMs: number | undefined;
}

const violation = (guarantee: string, text: string): Violation => ({ guarantee, text });

/** The planned requests, with what became of each. */
export function knownOf({ workload, history, end }: Run): Known[] {
  return workload.requests.map((plan) => {
    const calls = history.calls.filter(({ key }) => key === keyOf(plan));
    const accepted = calls.find(({ what, status }) => what === "accept" && status === 202);
    const { requestId } = JSON.parse(accepted?.body ?? "{}") as { requestId?: string };
    const cancelled = calls.find(({ what, status }) => what === "cancel" && status === 200);
    return {
      plan,
      requestId,
      record: end.requests.find((one) => one.requestId === requestId),
      submissions: history.submissions.filter(({ params }) => params.n === plan.n),
      cancelledMs: cancelled?.untilMs,
    };
  });
}

/** G1: a request that was answered 202 is stored, and ends. G3: it is submitted at most once. */
export const acceptedRequests: Check = (run) =>
  knownOf(run).flatMap(({ plan, requestId, record, submissions }) => {
    const applied = submissions.filter(({ isApplied }) => isApplied);
    return [
      ...(requestId && !record ? [violation("G1", `request ${plan.n} is gone`)] : []),
      ...(record && !isTerminal(record)
        ? [violation("G12", `request ${plan.n} is ${record.status} in the end`)]
        : []),
      ...(applied.length > 1
        ? [violation("G3", `request ${plan.n} was submitted ${applied.length} times`)]
        : []),
      ...unclearRepeats(plan, submissions),
    ];
  });

/** Only what proves that nothing happened may be followed by another submission. */
function unclearRepeats({ n }: PlannedRequest, submissions: readonly Submission[]): Violation[] {
  return submissions
    .slice(0, -1)
    .filter(({ answer }) => answer === "incomplete" || answer === 500)
    .map(({ answer }) => violation("G3", `request ${n} was sent again after ${answer}`));
}

const withKeys = (requests: readonly RequestRecord[]) =>
  requests.filter(({ recurringId }) => recurringId === undefined);

/** G1: one idempotency key makes one request. */
export const oneRequestPerKey: Check = ({ workload, history, end }) => [
  ...(withKeys(end.requests).length > workload.requests.length
    ? [violation("G3", `${end.requests.length} requests of ${workload.requests.length} keys`)]
    : []),
  ...workload.requests.flatMap(({ n }) => {
    const bodies = history.calls
      .filter(({ key, what, status }) => key === keyOf({ n }) && what === "accept" && status < 300)
      .map(({ body }) => (JSON.parse(body) as { requestId: string }).requestId);
    return new Set(bodies).size > 1 ? [violation("G3", `key ${n} made several requests`)] : [];
  }),
];

/** G4: one terminal state, which never changes; and one `workflow.completed`, which tells it. */
export const oneEnd: Check = ({ history, end }) => {
  const violations: Violation[] = [];
  for (const { before: was, after: is } of requestWrites(history)) {
    if (!was || !isTerminal(was)) continue;
    const isSame =
      was.status === is.status &&
      was.finishedMs === is.finishedMs &&
      JSON.stringify([was.result, was.error]) === JSON.stringify([is.result, is.error]);
    if (!isSame) {
      violations.push(violation("G4", `${is.requestId} went from ${was.status} to ${is.status}`));
    }
  }
  return [...violations, ...end.requests.flatMap((request) => completions(history, request))];
};

function completions({ published }: History, request: RequestRecord): Violation[] {
  const { requestId, status } = request;
  const ends = published.filter(({ id }) => id.startsWith(`workflow.completed:${requestId}`));
  const ids = new Set(ends.map(({ id }) => id));
  if (status === "CANCELLED") {
    return ids.size === 0
      ? []
      : [violation("G4", `${requestId} is cancelled, and the bus says its end`)];
  }
  if (ids.size !== 1) return [violation("G2", `${requestId} has ${ids.size} workflow.completed`)];
  const told = (JSON.parse(ends[0]?.detail ?? "{}") as { data: { status: string } }).data.status;
  const isTrue = told === (status === "SUCCEEDED" ? "completed" : "failed");
  return isTrue ? [] : [violation("G4", `${requestId} is ${status}, and the bus says ${told}`)];
}

/**
 * G4: what the provider says in the end is what the request says. Only a request whose outcome may
 * be unknown ends otherwise: the providers of these runs refuse nothing for good.
 */
export const rightEnd: Check = (run) =>
  knownOf(run).flatMap(({ plan, record, submissions }) => {
    if (!record || record.status === "CANCELLED") return [];
    const code = record.error?.code ?? "";
    // `sequences.ts` checks these.
    if (plan.dependsOn && code.startsWith("DEPENDENCY_")) return [];
    const taken = submissions.filter(({ isApplied }) => isApplied);
    if (endsAsItsJob(record, taken) && tellsOwnResult(run.history, record, plan.n)) return [];
    if (code === "OUTCOME_UNKNOWN" && mayBeUnknown(run.history, record, submissions)) return [];
    if (code === QUEUE_TIMEOUT && taken.length === 0 && mayHaveTimedOut(run, record)) return [];
    return [violation("G4", `request ${plan.n} is ${record.status} ${code}`)];
  });

/** How the jobs of the providers fail. */
const refusals = ["PROFILE_NOT_FOUND", "personNotFound"];

/** Whether a request ended as one of these submissions. */
export function endsAsItsJob(
  { status, error }: RequestRecord,
  taken: readonly Submission[],
): boolean {
  const code = error?.code ?? "";
  if (status === "CANCELLED" || code === "cancelled") {
    return taken.some(({ isCancelled }) => isCancelled);
  }
  const isSuccess = status === "SUCCEEDED";
  if (!isSuccess && !refusals.includes(code)) return false;
  return taken.some((one) => one.isSuccess === isSuccess);
}

/** Whether the bus told the result of this request: each result has the number of its request. */
function tellsOwnResult({ published }: History, { requestId, status }: RequestRecord, n: number) {
  if (status !== "SUCCEEDED") return true;
  const end = published.find(({ id }) => id.startsWith(`workflow.completed:${requestId}`));
  const { data } = JSON.parse(end?.detail ?? "{}") as { data?: { result?: unknown } };
  return JSON.stringify(data?.result ?? "").includes(`"n":${n}}`);
}

/** How long an outcome may be on its way to its request. */
const JOINING_MS = 300_000;

/**
 * G4: the outcome of a workflow of Linked API is known when its webhook was taken in time, also
 * where the answer to its submission was lost: its label names the request.
 */
export const outcomeIsKnown: Check = (run) =>
  knownOf(run).flatMap(({ plan, record, submissions }) => {
    if (record?.error?.code !== "OUTCOME_UNKNOWN") return [];
    const { finishedMs = 0 } = record;
    const labelled = submissions.filter(
      ({ isSuccess, params }) => isSuccess && params.label === record.requestId,
    );
    const isTold = labelled.some(({ providerRequestId }) =>
      run.history.webhooks.some(
        (one) =>
          one.isEnd &&
          one.status === 200 &&
          one.providerRequestId === providerRequestId &&
          one.atMs + JOINING_MS < finishedMs,
      ),
    );
    return isTold
      ? [violation("G4", `request ${plan.n} is unknown, and its outcome was told`)]
      : [];
  });

/** G1: a call is answered, as long as a client repeats it. */
export const callsAreAnswered: Check = (run) => {
  const calls = Map.groupBy(run.history.calls, ({ key, what }) => `${what} ${key}`);
  // A request cannot be cancelled while its worker may be submitting it.
  const submitting = new Set(
    requestWrites(run.history)
      .filter(({ after }) => after.status === "SUBMITTING")
      .map(({ after }) => after.requestId),
  );
  const mayWait = new Set(
    knownOf(run)
      .filter(({ requestId = "" }) => submitting.has(requestId))
      .map(({ plan }) => `cancel ${keyOf(plan)}`),
  );
  return [...calls].flatMap(([call, made]) =>
    made.every(({ status }) => status >= 500 || status === 429) && !mayWait.has(call)
      ? [violation("G1", `${call} was answered ${made.map(({ status }) => status)}`)]
      : [],
  );
};

/** G1: a call that a client makes as it may is not refused, unless it was repeated for too long. */
export const wellFormedCalls: Check = ({ workload, history }) =>
  history.calls
    .filter(({ status }) => [400, 401, 403, 404, 413, 422].includes(status))
    .filter(({ key, untilMs }) => {
      const plan = workload.requests.find((request) => keyOf(request) === key);
      return (plan?.scheduledMs ?? Number.POSITIVE_INFINITY) - MAX_SKEW_MS > untilMs;
    })
    .map(({ key, what, status, body }) =>
      violation("G1", `${what} ${key} was answered ${status} ${body.slice(0, 200)}`),
    );

/** G5: a request is submitted for its own account, by the provider of that. */
export const rightAccount: Check = (run) =>
  knownOf(run).flatMap(({ plan, submissions }) =>
    submissions
      .filter(({ accountId }) => accountId !== plan.accountId)
      .map(({ accountId }) => violation("G5", `request ${plan.n} was sent for ${accountId}`)),
  );

/** Whether a call had no clear answer, or a worker that had claimed the request was struck. */
function mayBeUnknown(
  history: History,
  { requestId }: RequestRecord,
  submissions: readonly Submission[],
): boolean {
  const claimed = requestWrites(history)
    .filter(({ after }) => after.requestId === requestId && after.status === "SUBMITTING")
    .map(({ by }) => by);
  const workers = new Set([...claimed, ...submissions.map(({ by }) => by)]);
  return (
    submissions.some(({ answer }) => answer === "incomplete" || answer === 500) ||
    history.struck.some(({ instance, kind }) => {
      // Without an answer, a worker does not know whether it has claimed the request.
      const isStop = ["crash-before", "crash-after", "freeze", "timeout-applied"].includes(kind);
      return isStop && instance !== undefined && workers.has(instance);
    })
  );
}

export const QUEUE_TIMEOUT = "QUEUE_TIMEOUT_THRESHOLD_EXCEEDED";

/** G8: whether a request has waited for the queue timeout since it joined its lane. */
function mayHaveTimedOut({ history, workload }: Run, record: RequestRecord): boolean {
  const { queueTimeoutSeconds } = workload;
  // That of the stack is so long that no request of these runs may reach it.
  if (queueTimeoutSeconds === undefined) return false;
  const joinedMs = requestWrites(history).find(
    ({ after }) => after.requestId === record.requestId && after.status === "QUEUED",
  )?.atMs;
  const waitedMs = (record.finishedMs ?? 0) - (joinedMs ?? Number.POSITIVE_INFINITY);
  return waitedMs + 2 * MAX_SKEW_MS >= queueTimeoutSeconds * 1_000;
}

/** G4: a request that was submitted is cancelled only when its provider has cancelled it. */
export const cancelledAtProvider: Check = (run) =>
  knownOf(run).flatMap(({ plan, record, submissions }) =>
    record?.status === "CANCELLED" &&
    submissions.some(({ isApplied, isCancelled }) => isApplied && !isCancelled)
      ? [violation("G4", `request ${plan.n} is cancelled, and its provider goes on with it`)]
      : [],
  );

/** G2: the events of a request are first published in the order of the writes that caused them. */
export const eventOrder: Check = ({ history, end }) => {
  const firstAt = new Map<string, number>();
  for (const [at, { id }] of history.published.entries()) {
    if (!firstAt.has(id)) firstAt.set(id, at);
  }
  return end.requests.flatMap(({ requestId, status }) => {
    const caused = causedEvents(history, requestId);
    const places = caused.map((id) => firstAt.get(id)).filter((at) => at !== undefined);
    const isOrdered = places.every((at, n) => n === 0 || at > (places[n - 1] ?? 0));
    // What was not published at its cancel is not published any more.
    const lost = status === "CANCELLED" ? [] : caused.filter((id) => !firstAt.has(id));
    return [
      ...(isOrdered ? [] : [violation("G2", `${requestId}: events out of order`)]),
      ...lost.map((id) => violation("G2", `the event ${id} was never published`)),
    ];
  });
};

/** The ids of a request's events in the order of the writes that added them to its outbox. */
function causedEvents(history: History, requestId: string): string[] {
  const own = requestWrites(history).filter(({ after }) => after.requestId === requestId);
  return [...new Set(own.flatMap(({ after }) => after.outbox.map(({ id }) => id)))];
}

/** G7: a scheduled request joins its lane when its time has come by the clock of who joins it. */
export const notEarly: Check = (run) => {
  const { history } = run;
  const joins = requestWrites(history).filter(
    ({ before, after }) => before?.status === "SCHEDULED" && after.status === "QUEUED",
  );
  return [
    ...joins.flatMap(({ after, by, atMs }) => {
      const earlyMs = (after.scheduledMs ?? 0) - atMs - (history.skewsMs.get(by) ?? 0);
      const text = `${after.requestId} joined its lane ${earlyMs} ms early`;
      return earlyMs > 0 ? [violation("G7", text)] : [];
    }),
    ...knownOf(run).flatMap(({ plan, submissions }) =>
      submissions
        .filter(({ fromMs }) => fromMs + MAX_SKEW_MS < (plan.scheduledMs ?? 0))
        .map(({ fromMs }) =>
          violation("G7", `request ${plan.n} was ${(plan.scheduledMs ?? 0) - fromMs} ms early`),
        ),
    ),
  ];
};

/** A request has ended this long after its webhook was taken, unless something was struck. */
const PROMPT_MS = 60_000;

/**
 * G2: a webhook ends its request. A poll may have done so before; after it, only where a fault
 * has struck what leads from the submission to the end.
 */
export const webhooksEndRequests: Check = ({ history, end }) => {
  const writes = requestWrites(history);
  return end.requests.flatMap(({ requestId, providerRequestId, status }) => {
    const taken = history.webhooks.find(
      (one) => one.isEnd && one.status === 200 && one.providerRequestId === providerRequestId,
    );
    const call = history.submissions.find((one) => one.providerRequestId === providerRequestId);
    if (providerRequestId === undefined || !taken || !call) return [];
    const ended = writes.find(
      ({ after }) => after.requestId === requestId && isTerminal(after),
    )?.atMs;
    const untilMs = taken.atMs + PROMPT_MS;
    const isStruck = history.struck.some(
      ({ id, atMs }) =>
        atMs >= invocationStart(history, call.by, call.fromMs) &&
        atMs <= untilMs &&
        /^(?:inbound|consume|submit|provider)\b/.test(id),
    );
    const isLate = ended === undefined || ended > untilMs;
    const text = `the webhook of ${requestId}, which is ${status}, was taken and did not end it`;
    return isLate && !isStruck ? [violation("G2", text)] : [];
  });
};

/** G3: a key that was used for another call is refused. */
export const conflictingKeys: Check = ({ history }) =>
  history.calls
    .filter(({ what, status }) => what === "conflict" && status < 400)
    .map(({ key, status }) => violation("G3", `another call with the key ${key} got ${status}`));

/** G8: a request that ended by its queue timeout was not sent. */
export const queueTimeouts: Check = (run) =>
  knownOf(run).flatMap(({ plan, record, submissions }) =>
    record?.error?.code === QUEUE_TIMEOUT && submissions.some(({ isApplied }) => isApplied)
      ? [violation("G8", `request ${plan.n} timed out in its queue and was sent`)]
      : [],
  );

/** G9: after a cancel was answered, nothing is sent and nothing is published. */
export const cancelledIsSilent: Check = (run) =>
  knownOf(run).flatMap(({ plan, requestId, record, submissions, cancelledMs }) => {
    if (cancelledMs === undefined || requestId === undefined) return [];
    // What was under way at the cancel may finish: a publish of the same moment, or a frozen one.
    const beganAfter = (by: string, atMs: number) =>
      invocationStart(run.history, by, atMs) > cancelledMs;
    const late = submissions.filter(({ by, fromMs }) => beganAfter(by, fromMs));
    const events = run.history.published.filter(
      ({ id, atMs, by }) => id.includes(requestId) && beganAfter(by, atMs),
    );
    return [
      ...(record?.status === "CANCELLED"
        ? []
        : [violation("G9", `request ${plan.n} is ${record?.status} after its cancel`)]),
      ...late.map(() => violation("G9", `request ${plan.n} was sent after its cancel`)),
      ...events.map(({ id }) => violation("G9", `${id} was published after the cancel`)),
    ];
  });
