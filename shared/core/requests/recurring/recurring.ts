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
import type { RecurringSchedules, RecurringStore } from "./ports.ts";

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

/**
 * Manages a client's recurring requests. The item decides whether a firing makes a request, and
 * the schedule only fires: in every change the item is `paused` while the schedule may not be what
 * the client wants. A call that stopped in between leaves it paused, and is to be repeated.
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
    throw new Failure("CONFLICT", "another call changes this recurring request");
  }

  /** Stores the item as paused, sets its schedule, and then gives the item its status. */
  async function apply(
    item: Omit<RecurringItem, "version">,
    read: RecurringItem | undefined,
  ): Promise<RecurringItem> {
    const paused = await write({ ...item, status: "paused" }, read);
    const isEnabled = item.status === "active";
    const set = await schedules.put(paused, item.every, { isEnabled });
    if (set === "invalid") {
      // The schedule is as it was before.
      if (read) await write(read, paused);
      else await store.delete(item.clientId, item.recurringId);
      throw invalid("every.cron", "is not a cron expression of EventBridge Scheduler");
    }
    return isEnabled ? write(item, paused) : paused;
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
      const found = await store.find(clientId, recurringId);
      if (found) await write({ ...found, status: "paused" }, found);
      await schedules.delete({ clientId, recurringId });
      await store.delete(clientId, recurringId);
    },
  };
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

function invalid(field: string, message: string): InvalidRequest {
  return new InvalidRequest([{ field, message }]);
}
