import type { RecurringItem } from "../../../contracts/config-items.ts";
import type { Recurrence } from "../../../contracts/http/recurrence.ts";
import type { PageOf } from "../../input/cursor.ts";

/** Every port throws DEPENDENCY_DOWN when it cannot answer. A write may have happened then. */

export interface RecurringStore {
  /** Strongly consistent. */
  find(clientId: string, recurringId: string): Promise<RecurringItem | undefined>;
  /** A page of the client's, in the order of their ids. Eventually consistent. */
  list(clientId: string, page: PageOf): Promise<RecurringItem[]>;
  /**
   * Replaces the version that was read, or stores a new one where `read` is absent. Idempotent. No
   * version comes twice, also where the item was deleted in between.
   *
   * @returns the stored item; `undefined` when another write came first
   */
  put(
    item: Omit<RecurringItem, "version">,
    read: RecurringItem | undefined,
  ): Promise<RecurringItem | undefined>;
  /**
   * Deletes the version that was read. Idempotent.
   *
   * @returns `false` when another one is stored by now
   */
  delete(read: RecurringItem): Promise<boolean>;
}

/** What identifies a recurring request, also at the scheduler. */
export interface RecurringKey {
  clientId: string;
  recurringId: string;
}

export interface RecurringSchedules {
  /**
   * Creates or replaces the schedule of a recurring request. Idempotent.
   *
   * @returns `"invalid"` when the scheduler does not accept the expression
   */
  put(
    key: RecurringKey,
    every: Recurrence,
    of: { isEnabled: boolean },
  ): Promise<"stored" | "invalid">;
  /** Deletes the schedule. Succeeds when there is none. */
  delete(key: RecurringKey): Promise<void>;
}
