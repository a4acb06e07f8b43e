import { configKey, type RecurringItem } from "../../../contracts/config-items.ts";
import { Failure } from "../../../contracts/failures.ts";
import type { Recurrence } from "../../../contracts/http/recurrence.ts";
import type { RecurringView } from "../../../contracts/http/recurring.ts";
import { limits } from "../../../contracts/limits.ts";
import { type Clock, toIso } from "../../clock.ts";
import { type PageOf, readPage } from "../../input/cursor.ts";
import { InvalidRequest } from "../../input/invalid-request.ts";
import type { AccountDirectory } from "../acceptance/accept-request.ts";
import type { NewRequest } from "../acceptance/idempotency.ts";
import type { ProviderClients } from "../state/ports.ts";
import type { RecurringKey, RecurringSchedules, RecurringStore } from "./ports.ts";

export interface RecurringDeps {
  store: RecurringStore;
  schedules: RecurringSchedules;
  accountDirectory: AccountDirectory;
  providerClients: ProviderClients;
  clock: Clock;
}

/** What a recurring request makes, and when. */
export interface RecurringInput {
  every: Recurrence;
  request: Omit<NewRequest, "clientId">;
  isPaused?: boolean | undefined;
}

export type Recurring = ReturnType<typeof makeRecurring>;

/** Reads of a call that finds later ones, which may change the item again while it sets the schedule. */
const MAX_READS = 6;

/**
 * Manages a client's recurring requests. The item decides whether a firing makes a request, and
 * the schedule only fires: in every change the item is `paused` while the schedule may not be what
 * the client wants. A call that stopped in between leaves it paused, and is to be repeated. A call
 * that stood still and goes on after a later one mends the schedule.
 */
export function makeRecurring(deps: RecurringDeps) {
  const { store, schedules, clock } = deps;

  /** @throws NOT_FOUND */
  async function find(clientId: string, recurringId: string): Promise<RecurringItem> {
    const found = await store.find(clientId, recurringId);
    if (found) return found;
    throw new Failure("NOT_FOUND", "there is no such recurring request");
  }

  /** @throws CONFLICT when another call has changed it in between */
  async function write(
    item: Omit<RecurringItem, "version">,
    read: RecurringItem | undefined,
  ): Promise<RecurringItem> {
    const written = await store.put({ ...item, changedAt: toIso(clock.businessMs()) }, read);
    if (written) return written;
    throw changedMeanwhile();
  }

  /**
   * Stores the item as paused, sets its schedule, and then gives the item its status. One that says
   * the same as the stored item writes none: a call that is carried out late, after the client has
   * repeated it, must not pause it again.
   */
  async function apply(
    item: Omit<RecurringItem, "version">,
    read: RecurringItem | undefined,
  ): Promise<RecurringItem> {
    if (read && contentOf(read) === contentOf(item)) {
      await schedules.put(read, read.every, { isEnabled: read.status === "active" });
      await requireLatest(read, read);
      return read;
    }
    const paused = await write({ ...item, status: "paused" }, read);
    const isEnabled = item.status === "active";
    const set = await schedules.put(paused, item.every, { isEnabled });
    if (set === "invalid") {
      await takeBack(paused, read);
      throw invalid("every.cron", "is not a cron expression of EventBridge Scheduler");
    }
    await requireLatest(paused, paused);
    return isEnabled ? write(item, paused) : paused;
  }

  /** Restores what was there before an item whose schedule is refused. */
  async function takeBack(paused: RecurringItem, read: RecurringItem | undefined): Promise<void> {
    if (!read) {
      await store.delete(paused);
      return;
    }
    // With its time of change, because nothing is changed.
    const back = await store.put(read, paused);
    if (!back) throw changedMeanwhile();
    // A late call may have set another schedule meanwhile.
    await schedules.put(back, back.every, { isEnabled: back.status === "active" });
    await requireLatest(back, back);
  }

  /**
   * Sets the schedule by the item that is stored, unless that is the one that this call has written
   * (`undefined`: deleted): a process that stood still may have set the schedule long after its
   * write. The schedule is enabled, because the item decides whether a firing makes a request, and
   * its writer may be about to activate it; that of a paused item fires for nothing.
   *
   * @throws CONFLICT when another call was later
   */
  async function requireLatest(
    key: RecurringKey,
    written: RecurringItem | undefined,
  ): Promise<void> {
    let seen = written;
    for (let reads = 0; reads < MAX_READS; reads++) {
      const now = await store.find(key.clientId, key.recurringId);
      if (now?.version === seen?.version) {
        if (reads === 0) return;
        break;
      }
      if (now) await schedules.put(now, now.every, { isEnabled: true });
      else await schedules.delete(key);
      seen = now;
    }
    throw changedMeanwhile();
  }

  async function itemOf(
    clientId: string,
    recurringId: string,
    { every, request, isPaused = false }: RecurringInput,
  ): Promise<Omit<RecurringItem, "version">> {
    const { provider, accountId, action, group, priority } = request;
    if (deps.providerClients[provider].isSecret(action)) {
      throw invalid(
        "request.action",
        "has params with secrets, which are kept for one request only",
      );
    }
    const params = JSON.stringify(request.params);
    const bytes = Buffer.byteLength(params);
    if (bytes > limits.maxRecurringBytes) {
      throw invalid("request.params", `${bytes} bytes; at most ${limits.maxRecurringBytes}`);
    }
    const connectionId = await deps.accountDirectory.connectionIdOf({ ...request, clientId });
    const account = { clientId, provider, connectionId, accountId };
    await deps.accountDirectory.requireAccount(account);
    const at = toIso(clock.businessMs());
    return {
      pk: configKey.recurring(clientId, recurringId),
      ...account,
      ...{ recurringId, action, params, every },
      ...(group === undefined ? {} : { group }),
      ...(priority === "high" ? { isHigh: true } : {}),
      status: isPaused ? "paused" : "active",
      createdAt: at,
      changedAt: at,
    };
  }

  return {
    /** Creates or replaces it. Idempotent. @throws REQUEST_INVALID, CONFLICT, DEPENDENCY_DOWN */
    async put(clientId: string, recurringId: string, input: RecurringInput) {
      const item = await itemOf(clientId, recurringId, input);
      const read = await store.find(clientId, recurringId);
      return viewOf(await apply({ ...item, createdAt: read?.createdAt ?? item.createdAt }, read));
    },

    /** @throws NOT_FOUND, DEPENDENCY_DOWN */
    get: async (clientId: string, recurringId: string) => viewOf(await find(clientId, recurringId)),

    /** One page in the order of their ids. @throws DEPENDENCY_DOWN */
    read: async (clientId: string, page: PageOf) => (await store.list(clientId, page)).map(viewOf),

    /** @throws REQUEST_INVALID for a bad cursor, DEPENDENCY_DOWN */
    async list(clientId: string, query: { limit: number; cursor?: string }) {
      const read = async (page: PageOf) => (await store.list(clientId, page)).map(viewOf);
      const keyOf = ({ recurringId }: RecurringView) => recurringId;
      return readPage({ ...query, list: "recurring", clientId, read, keyOf });
    },

    /** No later firing makes a request. Idempotent. @throws NOT_FOUND, CONFLICT, DEPENDENCY_DOWN */
    async pause(clientId: string, recurringId: string) {
      const found = await find(clientId, recurringId);
      return viewOf(await apply({ ...found, status: "paused" }, found));
    },

    /** Idempotent. @throws NOT_FOUND, CONFLICT, DEPENDENCY_DOWN */
    async resume(clientId: string, recurringId: string) {
      const found = await find(clientId, recurringId);
      return viewOf(await apply({ ...found, status: "active" }, found));
    },

    /** Idempotent. @throws CONFLICT, DEPENDENCY_DOWN */
    async delete(clientId: string, recurringId: string): Promise<void> {
      const key = { clientId, recurringId };
      const found = await store.find(clientId, recurringId);
      const paused = found && (await write({ ...found, status: "paused" }, found));
      await schedules.delete(key);
      await requireLatest(key, paused);
      if (paused && !(await store.delete(paused))) await requireLatest(key, undefined);
    },
  };
}

/** What a call can change, as a text. */
function contentOf(item: Omit<RecurringItem, "version">): string {
  const { status, provider, connectionId, accountId, action, params, every, group, isHigh } = item;
  const times = Object.entries(every).sort(([one], [other]) => (one < other ? -1 : 1));
  return JSON.stringify([
    ...[status, provider, connectionId, accountId, action, params],
    ...[times, group, isHigh],
  ]);
}

function viewOf(item: RecurringItem): RecurringView {
  const { recurringId, status, provider, accountId, connectionId, action, group } = item;
  const { isHigh, every, createdAt, changedAt } = item;
  return {
    ...{ recurringId, status, provider, accountId, connectionId, action },
    ...(group === undefined ? {} : { group }),
    priority: isHigh ? "high" : "normal",
    ...{ every, createdAt, changedAt },
  };
}

const changedMeanwhile = () =>
  new Failure("CONFLICT", "another call changes this recurring request");

function invalid(field: string, message: string): InvalidRequest {
  return new InvalidRequest([{ field, message }]);
}
